//! `registry.json` as typed data (protocol.md, "Manifests").
//!
//! The schema in `generator/schemas/registry-item.json` says the same to editors; `crate::schema` checks
//! against it first, so that people get all faults at once, and then parses into these types.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Number;

use super::identifier::{Identifier, Language};
use super::{FilePath, InvalidName, ItemId, ItemName, ItemPath, Namespace, ReleaseId, Version};

/// The manifest's name inside every version folder and archive.
pub const MANIFEST_FILE: &str = "registry.json";

/// A manifest.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// Where an editor finds the schema.
    #[serde(rename = "$schema")]
    pub schema: Option<String>,
    /// The item's name, the last segment of its path.
    pub name: ItemName,
    /// Where the item lives.
    pub namespace: Namespace,
    /// What kind of item it is; says where it lives when there is no `path`.
    #[serde(rename = "type")]
    pub item_type: ItemType,
    /// This release's version.
    pub version: Version,
    /// In which order clients apply items; lower comes first. Theirs to compare: whatever is an integer to the schema.
    pub priority: Number,
    /// The item's path inside its namespace, when the type does not decide it.
    pub path: Option<ItemPath>,
    /// For people.
    pub description: Option<String>,
    /// For search.
    #[serde(default)]
    pub tags: Vec<String>,
    /// For people.
    pub author: Option<String>,
    /// For people.
    pub license: Option<String>,
    /// For people.
    pub homepage: Option<String>,
    /// For people.
    pub repository: Option<String>,
    /// Items that do not go with this one.
    #[serde(default)]
    pub conflicts: Vec<Identifier>,
    /// Items that this one needs.
    #[serde(default)]
    pub registry_dependencies: Vec<Identifier>,
    /// Packages that the project then depends on.
    #[serde(default)]
    pub dependencies: BTreeMap<String, String>,
    /// Packages that the project's development then depends on.
    #[serde(default)]
    pub dev_dependencies: BTreeMap<String, String>,
    /// Scripts that the project then has.
    #[serde(default)]
    pub scripts: BTreeMap<String, String>,
    /// What is put into the project.
    #[serde(default)]
    pub files: Vec<FileEntry>,
    /// What differs by language.
    #[serde(default)]
    pub languages: BTreeMap<Language, LanguageVariant>,
    /// The language that is taken when nobody chose.
    pub default_language: Option<Language>,
}

/// What an item adds for one language.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LanguageVariant {
    /// As in [`Manifest`].
    #[serde(default)]
    pub dependencies: BTreeMap<String, String>,
    /// As in [`Manifest`].
    #[serde(default)]
    pub dev_dependencies: BTreeMap<String, String>,
    /// As in [`Manifest`].
    #[serde(default)]
    pub files: Vec<FileEntry>,
}

/// A file that an item puts into a project.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileEntry {
    /// Where it goes in the project.
    pub target: String,
    /// What it is there for.
    #[serde(rename = "type")]
    pub role: FileRole,
    /// The file in the item that holds it.
    #[serde(default, deserialize_with = "declared_path")]
    pub path: Option<FilePath>,
    /// Its text, in place of a file.
    pub content: Option<String>,
    /// Whether it may be run.
    #[serde(default)]
    pub executable: bool,
    /// What happens where the project has such a file already.
    pub merge_strategy: Option<MergeStrategy>,
}

/// What a file is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, reason = "protocol.md lists the words and nothing more")]
pub enum FileRole {
    #[serde(rename = "registry:entry")]
    Entry,
    #[serde(rename = "registry:config")]
    Config,
    #[serde(rename = "registry:lib")]
    Lib,
    #[serde(rename = "registry:test")]
    Test,
    #[serde(rename = "registry:docs")]
    Docs,
    #[serde(rename = "registry:script")]
    Script,
    #[serde(rename = "registry:asset")]
    Asset,
}

/// How a file meets one that is there already.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum MergeStrategy {
    /// One that every client knows.
    Builtin {
        /// Which.
        strategy: BuiltinStrategy,
    },
    /// A script of the item's own.
    Custom {
        /// The file in the item that holds it.
        #[serde(deserialize_with = "declared_script")]
        script: FilePath,
    },
}

/// The strategies that every client knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "protocol.md lists the words and nothing more")]
pub enum BuiltinStrategy {
    Json,
    Ignore,
    Env,
    Overwrite,
}

/// What kind of item it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, reason = "protocol.md lists the words and nothing more")]
pub enum ItemType {
    #[serde(rename = "registry:runtime")]
    Runtime,
    #[serde(rename = "registry:framework")]
    Framework,
    #[serde(rename = "registry:build")]
    Build,
    #[serde(rename = "registry:feature")]
    Feature,
    #[serde(rename = "registry:testing")]
    Testing,
    #[serde(rename = "registry:quality")]
    Quality,
}

impl ItemType {
    /// The first segment of items that have no `path` (protocol.md, "Names").
    pub fn first_segment(self) -> &'static str {
        match self {
            Self::Runtime => "runtimes",
            Self::Framework => "frameworks",
            Self::Build => "build",
            Self::Feature => "features",
            Self::Testing => "testing",
            Self::Quality => "quality",
        }
    }
}

impl Manifest {
    /// Where a publish of this manifest goes.
    pub fn release_id(&self) -> Result<ReleaseId, InvalidName> {
        let path = match &self.path {
            Some(path) => path.clone(),
            None => ItemPath::by_type(self.item_type.first_segment(), &self.name)?,
        };
        Ok(ReleaseId {
            item: ItemId {
                namespace: self.namespace.clone(),
                path,
            },
            version: self.version.clone(),
        })
    }

    /// Every file that the manifest declares, `registry.json` itself not among them; a path may come twice.
    pub fn declared_files(&self) -> impl Iterator<Item = &FilePath> {
        let variants = self.languages.values().flat_map(|variant| &variant.files);
        self.files.iter().chain(variants).flat_map(|entry| {
            let script = match &entry.merge_strategy {
                Some(MergeStrategy::Custom { script }) => Some(script),
                _ => None,
            };
            entry.path.iter().chain(script)
        })
    }
}

fn declared_path<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<FilePath>, D::Error> {
    declared_script(from).map(Some)
}

fn declared_script<'de, D: serde::Deserializer<'de>>(from: D) -> Result<FilePath, D::Error> {
    FilePath::declared(&String::deserialize(from)?).map_err(serde::de::Error::custom)
}
