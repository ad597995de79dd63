//! What is served, from what there is: the resources of a catalog and the documents among them.
//!
//! No files: a resource that is a file of the source tree is named by its key and known by its hash.

pub mod documents;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::manifest::MANIFEST_FILE;
use crate::model::{Audience, Catalog, FilePath, Item, PresetName, ReleaseId, Sha256, StoredFile};
use crate::plan::key::{PublicKey, SchemaName};
use crate::schema;

/// Where a resource's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// In the source tree: that file of that version.
    Release(ReleaseId, FilePath),
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

/// Everything that a catalog comes to.
pub fn everything(catalog: &Catalog) -> Resources {
    let mut resources = Resources::new();
    for schema in SchemaName::ALL {
        let document = Resource::document(Audience::Public, schema::source(schema).to_vec());
        resources.insert(PublicKey::Schema(schema), document);
    }
    for (name, file) in &catalog.presets {
        let preset = Resource::stored(Audience::Public, file, None, Body::Preset(name.clone()));
        resources.insert(PublicKey::Preset(name.clone()), preset);
    }
    for (namespace, held) in &catalog.namespaces {
        for item in held.items.values() {
            resources.extend(item_resources(item, held.audience));
        }
        let listing = documents::listing(namespace, held.items.keys());
        let listing = Resource::document(held.audience, listing);
        resources.insert(PublicKey::Listing(namespace.clone()), listing);
    }
    let open = documents::namespaces(catalog.namespaces_for(Audience::Public));
    let open = Resource::document(Audience::Public, open);
    resources.insert(PublicKey::Namespaces, open);
    resources
}

/// What one item comes to: its versions, their files, its version list and its latest.
pub fn item_resources(item: &Item, audience: Audience) -> Resources {
    let mut resources = Resources::new();
    for (version, release) in &item.releases {
        let id = item.id.release(version.clone());
        for (path, file) in &release.files {
            let body = Body::Release(id.clone(), path.clone());
            let resource = Resource::stored(audience, file, Some(release.published), body);
            if path.as_str() == MANIFEST_FILE {
                resources.insert(PublicKey::Manifest(id.clone()), resource.clone());
            }
            resources.insert(PublicKey::File(id.clone(), path.clone()), resource);
        }
    }
    let versions = Resource::document(audience, documents::versions(item));
    resources.insert(PublicKey::Versions(item.id.clone()), versions);
    let latest = item.latest().and_then(|(version, _)| {
        let manifest = PublicKey::Manifest(item.id.release(version.clone()));
        resources.get(&manifest).cloned()
    });
    if let Some(latest) = latest {
        // The same bytes under a URL that will have others one day.
        let pointer = Resource {
            since: None,
            ..latest
        };
        resources.insert(PublicKey::Latest(item.id.clone()), pointer);
    }
    resources
}
