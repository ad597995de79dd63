//! Paths of files inside an item (protocol.md, "Names").

use super::InvalidName;
use super::manifest::MANIFEST_FILE;
use super::text::text_type;

/// Bytes in a file path.
pub const FILE_PATH_MAX: usize = 512;
/// Bytes in one segment of a file path.
pub const FILE_SEGMENT_MAX: usize = 128;
/// Segments in a file path (hostile-archives.md: deeper is `path_too_long`).
pub const FILE_DEPTH_MAX: usize = 32;

/// A relative POSIX path that cannot leave its root: `templates/.gitignore`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilePath(Box<str>);

text_type!(FilePath, "a file path", check_file_path);

impl FilePath {
    /// The path as a manifest may spell it: with or without a leading `./`, which means nothing.
    pub fn declared(text: &str) -> Result<Self, InvalidName> {
        text.strip_prefix("./").unwrap_or(text).parse()
    }

    /// The segments, outermost first.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The last segment.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// What follows the last dot of the last segment, unless that dot is its first character: `.json` is a name
    /// without an extension. nginx's `types` knows the same rule.
    pub fn extension(&self) -> Option<&str> {
        let (stem, extension) = self.name().rsplit_once('.')?;
        (!stem.is_empty()).then_some(extension)
    }

    /// Whether it is a version's `registry.json`.
    pub fn is_manifest(&self) -> bool {
        self.as_str() == MANIFEST_FILE
    }

    /// Whether a segment starts with a dot.
    pub fn is_hidden(&self) -> bool {
        self.segments().any(|segment| segment.starts_with('.'))
    }
}

fn check_file_path(text: &str) -> Result<(), &'static str> {
    if text.starts_with('/') {
        return Err("it is relative");
    }
    if text.len() > FILE_PATH_MAX {
        return Err(TOO_LONG);
    }
    if text.split('/').count() > FILE_DEPTH_MAX {
        return Err(TOO_DEEP);
    }
    text.split('/').try_for_each(check_file_segment)
}

const TOO_LONG: &str = "it is at most 512 bytes long, each segment at most 128";
const TOO_DEEP: &str = "it has at most 32 segments";

impl FilePath {
    /// Whether this fault is one of length, not of shape: archives answer the two with different reasons.
    pub fn is_too_long(fault: &InvalidName) -> bool {
        [TOO_LONG, TOO_DEEP].contains(&fault.rule())
    }
}

/// `[A-Za-z0-9._@+-]+`, not ending in a dot: that leaves out `.` and `..` too.
fn check_file_segment(segment: &str) -> Result<(), &'static str> {
    if segment.is_empty() {
        return Err("no segment is empty");
    }
    if segment.len() > FILE_SEGMENT_MAX {
        return Err(TOO_LONG);
    }
    if segment.ends_with('.') {
        return Err("no segment is `.` or `..` or ends in a dot");
    }
    if !segment
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"._@+-".contains(&b))
    {
        return Err("its segments hold letters, digits and `.`, `_`, `@`, `+`, `-`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn file_paths_follow_the_grammar() {
        for good in [
            "a",
            "templates/.gitignore",
            "a@2x.png",
            "x/y+z/_w-1.TS",
            "..a",
        ] {
            assert!(good.parse::<FilePath>().is_ok(), "{good}");
        }
        let long_segment = "a".repeat(129);
        let long = vec!["a".repeat(100); 6].join("/");
        let deep = vec!["a"; 33].join("/");
        for bad in [
            "",
            ".",
            "..",
            "a/..",
            "../a",
            "/a",
            "a//b",
            "a/",
            "a.",
            "a b",
            "a%2f",
            "a?",
            "a#b",
            "a\\b",
            "é",
            "a\0",
            "./a",
            &long_segment,
            &long,
            &deep,
        ] {
            assert!(bad.parse::<FilePath>().is_err(), "{bad}");
        }
        assert_eq!(FilePath::declared("./a/b").unwrap().as_str(), "a/b");
        assert!(FilePath::declared("././a").is_err());
    }

    #[test]
    fn extension_is_what_follows_the_last_dot() {
        let extension = |path: &str| {
            path.parse::<FilePath>()
                .unwrap()
                .extension()
                .map(str::to_owned)
        };
        assert_eq!(extension("a/b.test.TS").as_deref(), Some("TS"));
        assert_eq!(extension("src/.eslintrc.json").as_deref(), Some("json"));
        assert_eq!(extension("src/.json"), None);
        assert_eq!(extension("a.d/Dockerfile"), None);
    }

    proptest! {
        #[test]
        fn no_accepted_path_leaves_its_root(text in "[a-z./@+%\\\\-]{0,24}|\\PC{0,24}") {
            if let Ok(path) = text.parse::<FilePath>() {
                let mut depth = 0;
                for part in std::path::Path::new(path.as_str()).components() {
                    prop_assert!(matches!(part, std::path::Component::Normal(_)));
                    depth += 1;
                }
                prop_assert_eq!(depth, path.segments().count());
                prop_assert_eq!(path.to_string(), text);
            }
        }
    }
}
