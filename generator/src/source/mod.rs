//! The source tree: where things are in it, walking and loading it, its event logs.
//!
//! Reads hand-made input with suspicion; the only writes are appended events and admitted versions.

pub mod admit;
pub mod below;
pub mod events;
pub mod existing;
mod folder;
pub mod load;
pub mod signature;
pub mod walk;
pub mod workspace;

use std::path::{Path, PathBuf};

use crate::model::preset::PRESET_FILE;
use crate::model::{FilePath, ItemId, Namespace, PresetName, ReleaseId};

/// A source tree: the only place where names become its paths.
#[derive(Debug, Clone)]
pub struct SourceTree {
    root: PathBuf,
}

impl SourceTree {
    /// The tree at this folder.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Its root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where uploads and imports are put together: on the tree's own file system, so that one rename admits them, and
    /// outside everything that a build looks at.
    pub fn staging(&self) -> PathBuf {
        self.root.join(".staging")
    }

    /// A namespace's folder.
    pub fn namespace(&self, namespace: &Namespace) -> PathBuf {
        self.root.join(namespace.as_str())
    }

    /// An item's folder.
    pub fn item(&self, item: &ItemId) -> PathBuf {
        self.namespace(&item.namespace).join(item.path.as_str())
    }

    /// A version's folder.
    pub fn release(&self, release: &ReleaseId) -> PathBuf {
        self.item(&release.item).join(release.version.to_string())
    }

    /// The folder of all presets.
    pub fn presets(&self) -> PathBuf {
        self.root.join("presets")
    }

    /// A preset's file.
    pub fn preset(&self, name: &PresetName) -> PathBuf {
        self.presets().join(name.as_str()).join(PRESET_FILE)
    }
}

/// A file of a version's folder.
pub fn file_in(release: &Path, file: &FilePath) -> PathBuf {
    release.join(file.as_str())
}
