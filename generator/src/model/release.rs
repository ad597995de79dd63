//! What a registry publishes: items and their versions, as far as the documents of an item speak of them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::event::Notice;
use super::version::latest;
use super::{ContentDigest, ItemId, Sha256, Tag, Version};

/// Who may read a namespace, and so which tree it is rendered to (design.md, decision 7).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum Audience {
    /// Anyone: the public tree.
    Public,
    /// Who has a token: the private tree.
    Private,
}

impl Audience {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Public, Self::Private];
}

/// A file of the source tree, known by what it holds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StoredFile {
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
    /// How many bytes.
    pub len: u64,
}

/// A version of an item, complete and sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// When it was published; for one that a hand put there, when its youngest file was written.
    pub published: Timestamp,
    /// What it is.
    pub digest: ContentDigest,
    /// SHA-256 of the archive that brought it.
    pub archive: Option<Sha256>,
    /// That it is no longer offered.
    pub yanked: Option<Notice>,
    /// What whoever uses it is told.
    pub deprecated: Option<String>,
    /// Its `registry.json`.
    pub manifest: StoredFile,
}

/// An item with its versions, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where it is.
    pub id: ItemId,
    /// Its versions.
    pub releases: BTreeMap<Version, Release>,
    /// What its tags name; each a version that is there.
    pub tags: BTreeMap<Tag, Version>,
}

impl Item {
    /// The version that the item's bare address stands for, if one is offered at all.
    pub fn latest(&self) -> Option<&Version> {
        latest(self.offered())
    }

    /// The versions that are offered (not yanked), oldest first.
    pub fn offered(&self) -> impl DoubleEndedIterator<Item = &Version> {
        self.releases
            .iter()
            .filter(|(_, release)| release.yanked.is_none())
            .map(|(version, _)| version)
    }
}
