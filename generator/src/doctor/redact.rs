//! Takes out of a text what only its owner may know. The checks do not ask for secrets in the first place; this is for
//! what others say, such as the error of a configuration file.

/// The text without passwords in URLs, hashes and tokens that `rackgen init` made.
pub fn redact(text: &str) -> String {
    let mut redacted = String::with_capacity(text.len());
    for word in text.split_inclusive(char::is_whitespace) {
        redacted += &secrets_of(&password_of(word));
    }
    redacted
}

/// `https://user:password@host` without the first half.
fn password_of(word: &str) -> String {
    match word.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            match authority.rsplit_once('@') {
                Some((_, host)) => format!("{scheme}://…@{host}{path}"),
                None => word.to_owned(),
            }
        }
        None => word.to_owned(),
    }
}

/// The hex digits behind what hashes and tokens of ours begin with.
fn secrets_of(word: &str) -> String {
    let mut word = word.to_owned();
    for mark in ["sha256:", "rack_"] {
        let mut done = 0;
        while let Some(found) = word[done..].find(mark) {
            let start = done + found + mark.len();
            let digits = word[start..].find(|c: char| !c.is_ascii_hexdigit());
            let end = digits.map_or(word.len(), |digits| start + digits);
            // `rack_a` may be anything.
            if end - start >= 16 {
                word.replace_range(start..end, "…");
            }
            done = start;
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn secrets_are_taken_out_and_the_rest_stays() {
        let hash = "ab".repeat(32);
        for (text, expected) in [
            (
                "nothing to hide, at http://a/b@c",
                "nothing to hide, at http://a/b@c",
            ),
            (
                "`https://me:pass@word@host/path`: why",
                "`https://…@host/path`: why",
            ),
            (&format!("\"sha256:{hash}\", 1"), "\"sha256:…\", 1"),
            (&format!("rack_{hash} rack_toml"), "rack_… rack_toml"),
        ] {
            assert_eq!(redact(text), expected);
        }
    }
}
