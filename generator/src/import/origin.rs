//! What an import asks of a registry, wherever it is. Nothing here reads or writes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::error::Result;
use crate::model::{
    ContentDigest, Event, ItemId, Namespace, PresetName, ReleaseId, Sha256, Version,
};
use crate::report::Problem;
use crate::source::SourceTree;

/// A registry to take from.
///
/// [`Error::Refused`](crate::error::Error::Refused) stands for the part that was asked for; any other error for the
/// whole.
pub trait Origin: Sync {
    /// What it calls itself in messages.
    fn name(&self) -> PathBuf;

    /// Its namespaces.
    fn namespaces(&self, problems: &mut Vec<Problem>) -> Result<BTreeSet<Namespace>>;

    /// The items of a namespace.
    fn items(&self, namespace: &Namespace, problems: &mut Vec<Problem>)
    -> Result<BTreeSet<ItemId>>;

    /// What it has of an item.
    fn offer(&self, item: ItemId, problems: &mut Vec<Problem>) -> Result<Offer>;

    /// Its presets; none if it cannot list them.
    fn presets(&self, problems: &mut Vec<Problem>) -> Result<Option<BTreeSet<PresetName>>>;

    /// Whether it is certain, without taking it, that a version is the one that is held already.
    fn agrees(&self, release: &ReleaseId, facts: &Facts, held: &Held) -> Result<bool>;

    /// Puts a version's files where that tree has them, and tells whether they are all there. Nothing is synced, and
    /// what a version must be is not judged.
    fn fetch(
        &self,
        release: &ReleaseId,
        facts: &Facts,
        into: &SourceTree,
        problems: &mut Vec<Problem>,
    ) -> Result<bool>;

    /// Puts a preset where that tree has it, likewise.
    fn fetch_preset(&self, name: &PresetName, into: &SourceTree) -> Result<()>;

    /// Where a version is, for messages; `below` is a path in its folder, or empty.
    fn release_address(&self, release: &ReleaseId, below: &Path) -> PathBuf;

    /// Where a preset is, for messages.
    fn preset_address(&self, name: &PresetName) -> PathBuf;
}

/// What a registry has of an item.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Which.
    pub item: ItemId,
    /// Its versions.
    pub versions: BTreeMap<Version, Facts>,
    /// What happened to them after they were published, in order.
    pub later: Vec<Event>,
    /// What holds of them now, where it is not told how it came to.
    pub standing: Standing,
}

/// What a registry says that holds of its versions now; none of what it does not speak of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// All yanks.
    pub yanks: Option<Vec<Event>>,
    /// All deprecations.
    pub deprecations: Option<Vec<Event>>,
    /// All tags.
    pub tags: Option<Vec<Event>>,
}

/// What a registry says of a version besides its files; most registries say nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// When it was published.
    pub time: Option<Timestamp>,
    /// By whom.
    pub by: Option<String>,
    /// As what.
    pub digest: Option<ContentDigest>,
    /// SHA-256 of its manifest.
    pub manifest: Option<Sha256>,
    /// SHA-256 of the archive that brought it there.
    pub archive: Option<Sha256>,
}

/// A version that the source tree has a folder and a publish event of.
#[derive(Debug, Clone)]
pub struct Held {
    /// Its folder.
    pub folder: PathBuf,
    /// Who published it.
    pub by: String,
    /// As what.
    pub digest: ContentDigest,
}
