//! Versions: strict SemVer 2.0.0, ordered by precedence.

use std::fmt;
use std::str::FromStr;

use super::InvalidName;
use super::text::serde_as_text;

/// Bytes in a version.
pub const VERSION_MAX: usize = 128;

/// A version, build metadata included.
///
/// Ordered by SemVer precedence; versions of equal precedence (which differ in build metadata only)
/// by that metadata, so that the order is total.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(semver::Version);

serde_as_text!(Version);

impl Version {
    /// Whether it is a prerelease (`2.0.0-beta.1`), which is latest only where nothing else is.
    pub fn is_prerelease(&self) -> bool {
        !self.0.pre.is_empty()
    }

    /// Whether both differ at most in build metadata: an item has one of them only (protocol.md, "Names").
    pub fn is_twin_of(&self, other: &Self) -> bool {
        self.0.cmp_precedence(&other.0).is_eq()
    }
}

impl FromStr for Version {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |rule| InvalidName {
            kind: "a version",
            given: text.to_owned(),
            rule,
        };
        if text.len() > VERSION_MAX {
            return Err(invalid("it is at most 128 bytes long"));
        }
        semver::Version::parse(text)
            .map(Self)
            .map_err(|_| invalid("it is MAJOR.MINOR.PATCH by SemVer 2.0.0, like 1.4.0"))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The version that an item's bare address stands for: the highest that is neither a prerelease nor
/// yanked, else the highest prerelease that is not yanked (protocol.md, "Reading").
///
/// Takes those that are not yanked, in any order.
pub fn latest<'a>(available: impl Iterator<Item = &'a Version>) -> Option<&'a Version> {
    available.max_by_key(|version| (!version.is_prerelease(), *version))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(texts: &[&str]) -> Vec<Version> {
        texts.iter().map(|t| t.parse().unwrap()).collect()
    }

    #[test]
    fn only_strict_semver_is_a_version() {
        for good in ["0.0.0", "1.0.0-rc.1", "1.0.0+build.42", "1.0.0-a-b.0+x-y"] {
            assert_eq!(good.parse::<Version>().unwrap().to_string(), good);
        }
        for bad in [
            "1", "1.0", "v1.0.0", "01.0.0", "1.0.0-", "1.0.0-01", " 1.0.0", "1.0.0+", "",
        ] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
    }

    #[test]
    fn order_is_semver_precedence() {
        // SemVer 2.0.0, section 11.
        let sorted = versions(&[
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.10.0",
        ]);
        assert!(sorted.is_sorted());
    }

    #[test]
    fn latest_prefers_releases_over_prereleases() {
        for (available, expected) in [
            (vec!["1.0.0", "2.0.0-beta.1"], Some("1.0.0")),
            (vec!["1.0.0-beta.2", "1.0.0-beta.10"], Some("1.0.0-beta.10")),
            (vec!["1.9.0", "1.10.0"], Some("1.10.0")),
            (vec![], None),
        ] {
            let available = versions(&available);
            let found = latest(available.iter()).map(ToString::to_string);
            assert_eq!(found.as_deref(), expected);
        }
    }

    #[test]
    fn twins_differ_in_build_metadata_only() {
        let [plain, build, other] = &versions(&["1.0.0", "1.0.0+b", "1.0.1+b"])[..] else {
            unreachable!()
        };
        assert!(plain.is_twin_of(build));
        assert!(!build.is_twin_of(other));
    }
}
