//! Tags: names that stand for a version on purpose (protocol.md, "Reading").

use super::name::check_segment;
use super::text::text_type;

/// `beta`, `next`: a path segment that is not `latest`, which is derived. None can look like a version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(Box<str>);

text_type!(Tag, "a tag", check_tag);

/// What an item's bare address stands for: nobody sets it.
pub const LATEST: &str = "latest";

fn check_tag(text: &str) -> Result<(), &'static str> {
    check_segment(text)?;
    match text {
        LATEST => Err("`latest` is the highest version that is offered; it cannot be set"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_neither_latest_nor_a_version() {
        for good in ["beta", "next", "lts-2", "7"] {
            assert!(good.parse::<Tag>().is_ok(), "{good}");
        }
        for bad in ["latest", "1.0.0", "Beta", "a/b", "a_b", ""] {
            assert!(bad.parse::<Tag>().is_err(), "{bad}");
        }
    }
}
