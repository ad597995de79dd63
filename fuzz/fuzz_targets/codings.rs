//! `Accept-Encoding`: only codings that are named, each once, the preferred first, however the lines are joined.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rackd::edges::accepted_codings;

fuzz_target!(|header: &[u8]| {
    let lines: Vec<&[u8]> = header.split(|&byte| byte == b'\n').collect();
    let Some(accepted) = accepted_codings(&lines) else {
        return;
    };
    assert!(accepted.is_sorted_by(|first, second| first < second));
    let text = header.to_ascii_lowercase();
    for coding in &accepted {
        let name = coding.as_str().as_bytes();
        assert!(text.windows(name.len()).any(|window| window == name));
    }
    // Lines of one header are a list that was broken up (RFC 9110, section 5.3).
    if header.is_ascii() {
        let joined = lines.join(&b", "[..]);
        assert_eq!(accepted_codings(&[&joined]).as_ref(), Some(&accepted));
    }
});
