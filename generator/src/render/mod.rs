//! What is served, from what there is: the resources of versions and items, and the documents among them.
//!
//! No files: a resource that is a file of the source tree is named by its key and known by its hash.

pub mod documents;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{
    Audience, FilePath, Item, ItemPath, Namespace, PresetName, ReleaseId, Sha256, StoredFile,
};
use crate::plan::key::{PublicKey, SchemaName};
use crate::schema;

/// Where a resource's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// In the source tree: that file of that version.
    Release(ReleaseId, FilePath),
    /// The manifest of that version, wherever it is.
    Manifest(ReleaseId),
    /// In the source tree: that preset's file.
    Preset(PresetName),
    /// Here.
    Document(Vec<u8>),
}

/// Something that is to be served, known by what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// To whom.
    pub audience: Audience,
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
    /// How many bytes.
    pub len: u64,
    /// Since when it is what it is, for what never changes.
    pub since: Option<Timestamp>,
    /// Where its bytes are.
    pub body: Body,
}

/// Resources by key.
pub type Resources = BTreeMap<PublicKey, Resource>;

impl Resource {
    /// A document of ours.
    pub fn document(audience: Audience, bytes: Vec<u8>) -> Self {
        Self {
            audience,
            sha256: Sha256::of(&bytes),
            len: bytes.len() as u64,
            since: None,
            body: Body::Document(bytes),
        }
    }

    fn stored(audience: Audience, file: &StoredFile, since: Option<Timestamp>, body: Body) -> Self {
        Self {
            audience,
            sha256: file.sha256,
            len: file.len,
            since,
            body,
        }
    }
}

/// The schemas, which are ours.
pub fn schema(name: SchemaName) -> Resource {
    Resource::document(Audience::Public, schema::source(name).to_vec())
}

/// A preset.
pub fn preset(name: &PresetName, file: &StoredFile) -> Resource {
    Resource::stored(Audience::Public, file, None, Body::Preset(name.clone()))
}

/// A version: its manifest and its files.
pub fn release(
    id: &ReleaseId,
    files: &BTreeMap<FilePath, StoredFile>,
    published: Timestamp,
    audience: Audience,
) -> Resources {
    let mut resources = Resources::new();
    for (path, file) in files {
        let body = Body::Release(id.clone(), path.clone());
        let resource = Resource::stored(audience, file, Some(published), body);
        if path.is_manifest() {
            resources.insert(PublicKey::Manifest(id.clone()), resource.clone());
        }
        resources.insert(PublicKey::File(id.clone(), path.clone()), resource);
    }
    resources
}

/// An item's own documents: its version list, its latest, its tags.
pub fn item(item: &Item, audience: Audience) -> Resources {
    let mut resources = Resources::new();
    let versions = Resource::document(audience, documents::versions(item));
    resources.insert(PublicKey::Versions(item.id.clone()), versions);
    let latest = item
        .latest()
        .map(|version| (PublicKey::Latest(item.id.clone()), version));
    let tags = item
        .tags
        .iter()
        .map(|(tag, version)| (PublicKey::Tag(item.id.clone(), tag.clone()), version));
    for (key, version) in latest.into_iter().chain(tags) {
        if let Some(release) = item.releases.get(version) {
            // The same bytes under a URL that will have others one day.
            let body = Body::Manifest(item.id.release(version.clone()));
            let pointer = Resource::stored(audience, &release.manifest, None, body);
            resources.insert(key, pointer);
        }
    }
    resources
}

/// The list of a namespace, of items given in order.
pub fn listing<'a>(
    namespace: &Namespace,
    items: impl Iterator<Item = &'a ItemPath>,
    audience: Audience,
) -> Resource {
    Resource::document(audience, documents::listing(namespace, items))
}

/// The list of the namespaces that are open, given in order.
pub fn namespaces<'a>(open: impl IntoIterator<Item = &'a Namespace>) -> Resource {
    Resource::document(Audience::Public, documents::namespaces(open))
}
