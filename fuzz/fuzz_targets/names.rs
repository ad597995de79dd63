//! Names: what is accepted prints as it was given, keeps to its length and is one that a path may be made of.

#![no_main]

use std::fmt::Display;
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use rackgen::model::{FilePath, Identifier, ItemId, Namespace, Segment, Tag, Version};

fuzz_target!(|text: &str| {
    plain::<Namespace>(text, 64);
    plain::<Segment>(text, 64);
    plain::<Tag>(text, 64);
    plain::<Version>(text, 128);
    plain::<FilePath>(text, 512);
    plain::<ItemId>(text, 64 + 8 * 65);
    if let Ok(identifier) = text.parse::<Identifier>() {
        // The namespace may be left out, so it is the second printing that is the same.
        let printed = identifier.to_string();
        assert_eq!(printed.parse::<Identifier>(), Ok(identifier));
    }
    if let Ok(path) = FilePath::declared(text) {
        assert_eq!(text.strip_prefix("./").unwrap_or(text), path.as_str());
    }
});

fn plain<T: FromStr<Err: Display> + Display>(text: &str, max: usize) {
    match text.parse::<T>() {
        Ok(name) => {
            assert_eq!(name.to_string(), text);
            assert!(text.len() <= max);
            assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
            assert!(!text.starts_with('/'));
            assert!(text.split('/').all(|part| !matches!(part, "" | "." | "..")));
        }
        // What a person reads is one line that cannot steer a terminal, however long the text.
        Err(fault) => {
            let said = fault.to_string();
            assert!(
                said.len() < 2000 && !said.contains(char::is_control),
                "{said}"
            );
        }
    }
}
