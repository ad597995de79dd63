//! `preset.json` as typed data (protocol.md, "Manifests").

use serde::Deserialize;

use super::{Identifier, PresetName, Version};

/// The preset's file inside its folder.
pub const PRESET_FILE: &str = "preset.json";

/// A named list of items that go together.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// Where an editor finds the schema.
    #[serde(rename = "$schema")]
    pub schema: Option<String>,
    /// Its name, which is its folder's.
    pub name: PresetName,
    /// Its version.
    pub version: Version,
    /// For people.
    pub description: Option<String>,
    /// For people.
    pub author: Option<String>,
    /// For search.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The items, at least one.
    pub registries: Vec<Identifier>,
}
