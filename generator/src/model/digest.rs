//! Digests: SHA-256 of bytes, and the digest of a release's content.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Digest as _;

use super::text::serde_as_text;
use super::{FilePath, InvalidName};

/// A SHA-256, printed as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

/// The text where people may read it, else the bytes: the record holds one for every URL.
impl Serialize for Sha256 {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match to.is_human_readable() {
            true => to.collect_str(self),
            false => self.0.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if !from.is_human_readable() {
            return <[u8; 32]>::deserialize(from).map(Self);
        }
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Sha256 {
    /// The SHA-256 of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl From<sha2::Sha256> for Sha256 {
    fn from(state: sha2::Sha256) -> Self {
        Self(state.finalize().into())
    }
}

impl FromStr for Sha256 {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        let lower = !text.bytes().any(|b| b.is_ascii_uppercase());
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) if lower => Ok(Self(bytes)),
            _ => Err(InvalidName {
                kind: "a SHA-256",
                given: text.to_owned(),
                rule: "it is 64 lower-case hex digits",
            }),
        }
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 64];
        hex::encode_to_slice(self.0, &mut digits).map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(&digits).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a release is: the SHA-256 over the sorted lines `<sha256>  <path>\n` of all its files.
///
/// However an archive was packed, the same files have the same digest, and an admin gets it by hand:
/// `find . -type f -printf '%P\n' | LC_ALL=C sort | xargs sha256sum | sha256sum`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentDigest(Sha256);

impl ContentDigest {
    const SCHEME: &str = "sha256:";

    /// The digest of these files, `registry.json` among them, in path order.
    pub fn of<'a>(files: impl Iterator<Item = (&'a FilePath, &'a Sha256)>) -> Self {
        let mut state = sha2::Sha256::new();
        for (path, sha256) in files {
            state.update(format!("{sha256}  {path}\n"));
        }
        Self(state.into())
    }
}

serde_as_text!(ContentDigest);

impl FromStr for ContentDigest {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix(Self::SCHEME)
            .unwrap_or_default()
            .parse()
            .map(Self)
            .map_err(|fault| InvalidName {
                kind: "a digest",
                given: text.to_owned(),
                rule: fault.rule,
            })
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::SCHEME, self.0)
    }
}
