//! The one key of every public resource. Where it is on disk, its content type, how long caches keep it
//! and when in a commit it appears all come from here (design.md, decision 10).

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::url::InvalidUrl;
use crate::model::{Audience, FilePath, ItemId, MediaType, Namespace, PresetName, ReleaseId, Tag};

/// A schema that we serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SchemaName {
    /// Of `registry.json`.
    RegistryItem,
    /// Of `preset.json`.
    Preset,
    /// Of a project's own `rack.json`.
    Rack,
}

impl SchemaName {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::RegistryItem, Self::Preset, Self::Rack];

    /// The last segment of its URL, which is a file name.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::RegistryItem => "registry-item.json",
            Self::Preset => "preset.json",
            Self::Rack => "rack.json",
        }
    }
}

/// What a URL of the registry names. Parsed from a URL path by [`PublicKey::parse`] and from nothing else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PublicKey {
    /// `/schemas/<name>`
    Schema(SchemaName),
    /// `/registries/@ns/<path>/<version>/files/<file path>`
    File(ReleaseId, FilePath),
    /// `/registries/@ns/<path>/<version>`
    Manifest(ReleaseId),
    /// `/registries/@ns/<path>/versions`
    Versions(ItemId),
    /// `/registries/@ns/<path>`: the manifest of the latest version
    Latest(ItemId),
    /// `/registries/@ns/<path>/tags/<tag>`: the manifest of the version that the tag names
    Tag(ItemId, Tag),
    /// `/presets/<name>`
    Preset(PresetName),
    /// `/namespaces/@ns/registries`
    Listing(Namespace),
    /// `/namespaces`
    Namespaces,
}

/// When in a commit a resource appears: nothing is named before it exists (design.md, decision 5).
/// Removals run in the opposite order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the variants are those of PublicKey")]
pub enum CommitRank {
    Schema,
    File,
    Manifest,
    Versions,
    Latest,
    Tag,
    Preset,
    Listing,
    Namespaces,
}

/// How long caches keep a resource (protocol.md, "Reading").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CacheClass {
    /// Never changes: a version and its files.
    Immutable,
    /// Changes with a publish: latest, tags, version lists, listings.
    Pointer,
    /// Changes with the hand of an admin: presets, schemas.
    Daily,
}

impl CacheClass {
    /// The `Cache-Control` of a 200 and a 304.
    pub fn cache_control(self, audience: Audience) -> &'static str {
        match (self, audience) {
            (Self::Immutable, Audience::Public) => "public, max-age=31536000, immutable",
            (Self::Immutable, Audience::Private) => "private, max-age=31536000, immutable",
            (Self::Pointer, Audience::Public) => "public, max-age=60",
            (Self::Pointer, Audience::Private) => "private, max-age=60",
            (Self::Daily, Audience::Public) => "public, max-age=86400",
            (Self::Daily, Audience::Private) => "private, max-age=86400",
        }
    }
}

/// What a metadata URL is on disk, behind its path (design.md, decision 2).
const INDEX: &str = "/index.json";

impl PublicKey {
    /// The resource's path in a tree, relative to its root or to that of a variant.
    pub fn disk_path(&self) -> PathBuf {
        let index = match self {
            Self::File(..) | Self::Schema(_) => "",
            _ => INDEX,
        };
        let path = format!("{self}{index}");
        path.trim_start_matches('/').into()
    }

    /// The key of a path in a tree; none if no key has that path.
    pub fn from_disk_path(path: &Path) -> Option<Self> {
        let key_at = |path: &Path| Self::parse(&format!("/{}", path.to_str()?)).ok();
        let key = key_at(path).or_else(|| key_at(path.parent()?))?;
        (key.disk_path() == path).then_some(key)
    }

    /// What it is served as.
    pub fn media_type(&self) -> MediaType {
        match self {
            Self::File(_, path) => MediaType::of(path),
            _ => MediaType::JSON,
        }
    }

    /// How long caches keep it.
    pub fn cache_class(&self) -> CacheClass {
        match self {
            Self::File(..) | Self::Manifest(_) => CacheClass::Immutable,
            Self::Versions(_)
            | Self::Latest(_)
            | Self::Tag(..)
            | Self::Listing(_)
            | Self::Namespaces => CacheClass::Pointer,
            Self::Preset(_) | Self::Schema(_) => CacheClass::Daily,
        }
    }

    /// When in a commit it appears.
    pub fn rank(&self) -> CommitRank {
        match self {
            Self::Schema(_) => CommitRank::Schema,
            Self::File(..) => CommitRank::File,
            Self::Manifest(_) => CommitRank::Manifest,
            Self::Versions(_) => CommitRank::Versions,
            Self::Latest(_) => CommitRank::Latest,
            Self::Tag(..) => CommitRank::Tag,
            Self::Preset(_) => CommitRank::Preset,
            Self::Listing(_) => CommitRank::Listing,
            Self::Namespaces => CommitRank::Namespaces,
        }
    }

    /// The namespace that decides who may read it; none for what everybody may.
    pub fn namespace(&self) -> Option<&Namespace> {
        match self {
            Self::File(release, _) | Self::Manifest(release) => Some(&release.item.namespace),
            Self::Versions(item) | Self::Latest(item) | Self::Tag(item, _) => Some(&item.namespace),
            Self::Listing(namespace) => Some(namespace),
            Self::Schema(_) | Self::Preset(_) | Self::Namespaces => None,
        }
    }
}

/// The URL path, with nothing escaped: `@` and `+` may stand in a path as they are (RFC 3986, section 3.3).
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schema(name) => write!(f, "/schemas/{}", name.file_name()),
            Self::File(release, path) => write!(f, "/registries/{release}/files/{path}"),
            Self::Manifest(release) => write!(f, "/registries/{release}"),
            Self::Versions(item) => write!(f, "/registries/{item}/versions"),
            Self::Latest(item) => write!(f, "/registries/{item}"),
            Self::Tag(item, tag) => write!(f, "/registries/{item}/tags/{tag}"),
            Self::Preset(name) => write!(f, "/presets/{name}"),
            Self::Listing(namespace) => write!(f, "/namespaces/{namespace}/registries"),
            Self::Namespaces => write!(f, "/namespaces"),
        }
    }
}

impl FromStr for PublicKey {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}
