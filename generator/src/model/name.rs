//! Namespaces and path segments (protocol.md, "Names").

use super::text::text_type;

/// `@team`: where an item lives, and what access is decided by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(Box<str>);

text_type!(Namespace, "a namespace", check_namespace);

/// One segment of an item's path; also what item names and preset names are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Segment(Box<str>);

/// The last segment of an item's path.
pub type ItemName = Segment;

/// The name of a preset.
pub type PresetName = Segment;

text_type!(Segment, "a path segment", check_segment);

/// Bytes in a namespace, its `@` counted.
pub const NAMESPACE_MAX: usize = 64;
/// Bytes in a path segment.
pub const SEGMENT_MAX: usize = 64;

/// `^@[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?$`
fn check_namespace(text: &str) -> Result<(), &'static str> {
    let Some(name) = text.strip_prefix('@') else {
        return Err("it starts with `@`");
    };
    if text.len() > NAMESPACE_MAX {
        return Err("it is at most 64 bytes long");
    }
    let alphanumeric = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = name.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    if !ends.iter().all(|b| b.is_some_and(alphanumeric)) {
        return Err("after `@` it starts and ends with a lower-case letter or a digit");
    }
    if !bytes
        .iter()
        .all(|b| alphanumeric(b) || matches!(b, b'_' | b'-'))
    {
        return Err("after `@` it holds lower-case letters, digits, `_` and `-`");
    }
    Ok(())
}

/// `^[a-z0-9]+(?:-[a-z0-9]+)*$`
pub(super) fn check_segment(text: &str) -> Result<(), &'static str> {
    if text.len() > SEGMENT_MAX {
        return Err("it is at most 64 bytes long");
    }
    let word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    if !text.split('-').all(word) {
        return Err("it is lower-case words of letters and digits, joined by single `-`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_follow_the_grammar() {
        for good in ["@a", "@a1", "@a_b-c", "@0", "@a--b", "@a__b"] {
            assert!(good.parse::<Namespace>().is_ok(), "{good}");
        }
        let long = format!("@{}", "a".repeat(64));
        for bad in [
            "", "@", "a", "@A", "@-a", "@a-", "@_a", "@a_", "@a/b", "@a.b", "@é", &long,
        ] {
            assert!(bad.parse::<Namespace>().is_err(), "{bad}");
        }
    }

    #[test]
    fn segments_follow_the_grammar() {
        for good in ["a", "a-b", "0", "eslint-9"] {
            assert!(good.parse::<Segment>().is_ok(), "{good}");
        }
        let long = "a".repeat(65);
        for bad in [
            "", "-a", "a-", "a--b", "A", "a_b", "a.b", "1.0.0", "@a", &long,
        ] {
            assert!(bad.parse::<Segment>().is_err(), "{bad}");
        }
    }
}
