//! Content codings: their names, their order, and which of them a registry makes. How is for `compress`.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A content coding, in the order in which we choose among those that a client accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Coding {
    /// Brotli (RFC 7932).
    Br,
    /// Zstandard (RFC 8878).
    Zstd,
    /// gzip (RFC 1952).
    Gzip,
}

impl Coding {
    /// All of them, the preferred first.
    pub const ALL: [Self; 3] = [Self::Br, Self::Zstd, Self::Gzip];

    /// Its name in `Content-Encoding`, and of its root below `.variants`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Br => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// Seconds by which its modification time is later than the identity's, so that no two
    /// representations of a URL share an ETag (design.md, decision 4).
    pub fn mtime_offset(self) -> i64 {
        match self {
            Self::Gzip => 1,
            Self::Br => 2,
            Self::Zstd => 3,
        }
    }
}

impl FromStr for Coding {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|coding| coding.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no encoding; there are br, gzip and zstd"))
    }
}

/// Which variants are made; a set, given as `br,gzip`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Encodings(Vec<Coding>);

impl Encodings {
    /// The codings, the preferred first.
    pub fn iter(&self) -> impl Iterator<Item = Coding> {
        self.0.iter().copied()
    }
}

impl FromIterator<Coding> for Encodings {
    fn from_iter<I: IntoIterator<Item = Coding>>(codings: I) -> Self {
        let codings: BTreeSet<Coding> = codings.into_iter().collect();
        Self(codings.into_iter().collect())
    }
}

impl Default for Encodings {
    fn default() -> Self {
        Self(vec![Coding::Br, Coding::Gzip])
    }
}

impl FromStr for Encodings {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words = text
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty());
        words.map(str::parse).collect()
    }
}

impl TryFrom<String> for Encodings {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Encodings> for String {
    fn from(Encodings(codings): Encodings) -> Self {
        codings
            .into_iter()
            .map(Coding::as_str)
            .collect::<Vec<_>>()
            .join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_a_set_in_our_order() {
        let parsed: Encodings = "gzip, br,gzip".parse().unwrap();
        assert_eq!(parsed, Encodings::default());
        assert_eq!("".parse::<Encodings>().unwrap().iter().count(), 0);
        assert!("deflate".parse::<Encodings>().is_err());
    }
}
