//! Where an item is, and which version of it: `quality/eslint`, `@rack/quality/eslint`, `…/1.0.0`.

use std::fmt;
use std::str::FromStr;

use super::name::check_segment;
use super::text::text_type;
use super::{InvalidName, ItemName, Namespace, Version};

/// Segments in an item's path.
pub const SEGMENTS_MAX: usize = 8;
/// Segments with a meaning of their own in URLs, which no item may have.
pub const RESERVED: [&str; 3] = ["versions", "files", "tags"];

/// An item's path inside its namespace: one to eight segments, none reserved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemPath(Box<str>);

text_type!(ItemPath, "an item path", check_item_path);

fn check_item_path(text: &str) -> Result<(), &'static str> {
    if text.split('/').count() > SEGMENTS_MAX {
        return Err("it has at most eight segments");
    }
    text.split('/').try_for_each(check_segment)?;
    if text.split('/').any(|segment| RESERVED.contains(&segment)) {
        return Err("`versions`, `files` and `tags` are reserved words");
    }
    Ok(())
}

impl ItemPath {
    /// The path of an item that has no `path` of its own: first segment by type, then its name.
    pub fn by_type(first: &'static str, name: &ItemName) -> Result<Self, InvalidName> {
        format!("{first}/{name}").parse()
    }

    /// The last segment.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

/// An item's full address: `@rack/quality/eslint`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId {
    /// The namespace that holds it.
    pub namespace: Namespace,
    /// Where it is in there.
    pub path: ItemPath,
}

impl ItemId {
    /// That version of this item.
    pub fn release(&self, version: Version) -> ReleaseId {
        ReleaseId {
            item: self.clone(),
            version,
        }
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.path)
    }
}

impl FromStr for ItemId {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (namespace, path) = text.split_once('/').unwrap_or((text, ""));
        Ok(Self {
            namespace: namespace.parse()?,
            path: path.parse()?,
        })
    }
}

/// One version of an item, printed as its address: `@rack/quality/eslint/1.0.0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReleaseId {
    /// The item.
    pub item: ItemId,
    /// Which of its versions.
    pub version: Version,
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.item, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_and_depth_are_refused() {
        assert!("a/b/c/d/e/f/g/h".parse::<ItemPath>().is_ok());
        for bad in [
            "a/b/c/d/e/f/g/h/i",
            "a/versions",
            "files/a",
            "tags",
            "a//b",
            "/a",
            "a/",
            "a/1.0.0",
            "",
        ] {
            assert!(bad.parse::<ItemPath>().is_err(), "{bad}");
        }
    }
}
