//! Everything that a registry publishes, as loaded from a source tree.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::version::latest;
use super::{ContentDigest, FilePath, ItemId, ItemPath, Namespace, PresetName, Sha256, Version};

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
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Whether it is no longer offered.
    pub yanked: bool,
    /// Its files, `registry.json` among them.
    pub files: BTreeMap<FilePath, StoredFile>,
}

/// An item with its versions, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where it is.
    pub id: ItemId,
    /// Its versions.
    pub releases: BTreeMap<Version, Release>,
}

impl Item {
    /// The version that the item's bare address stands for, if one is offered at all.
    pub fn latest(&self) -> Option<(&Version, &Release)> {
        let version = latest(self.offered())?;
        self.releases.get_key_value(version)
    }

    /// The versions that are offered (not yanked), oldest first.
    pub fn offered(&self) -> impl DoubleEndedIterator<Item = &Version> {
        self.releases
            .iter()
            .filter(|(_, release)| !release.yanked)
            .map(|(version, _)| version)
    }
}

/// A declared namespace that has a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceItems {
    /// Who may read it.
    pub audience: Audience,
    /// Its items.
    pub items: BTreeMap<ItemPath, Item>,
}

/// All that is to be served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    /// Declared namespaces that have a folder.
    pub namespaces: BTreeMap<Namespace, NamespaceItems>,
    /// Presets.
    pub presets: BTreeMap<PresetName, StoredFile>,
}

impl Catalog {
    /// The namespaces that this audience reads without a token, sorted.
    pub fn namespaces_for(&self, audience: Audience) -> BTreeSet<&Namespace> {
        let matching = |items: &NamespaceItems| items.audience == audience;
        self.namespaces
            .iter()
            .filter_map(|(namespace, items)| matching(items).then_some(namespace))
            .collect()
    }
}
