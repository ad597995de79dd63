//! Registries as large as one likes: source trees of synthetic items, as uploads would have left them.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::Result;
use crate::corpus::{Corpus, Texts};
use crate::library;

/// Versions that an item has.
pub(crate) const VERSIONS_PER_ITEM: usize = 10;
const NAMESPACES: usize = 4;
/// Items below one segment.
const GROUP: usize = 100;

/// Which item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) namespace: String,
    pub(crate) path: String,
}

impl Address {
    pub(crate) fn of(item: usize) -> Self {
        let group = item / NAMESPACES / GROUP;
        Self {
            namespace: format!("@bench-{}", item % NAMESPACES),
            path: format!("features/group-{group}/item-{item}"),
        }
    }

    /// Its folder, relative to a source tree or to the registries of a public one.
    pub(crate) fn folder(&self) -> PathBuf {
        Path::new(&self.namespace).join(&self.path)
    }
}

/// The version of an item that has so many older ones.
pub(crate) fn version(number: usize) -> String {
    format!("1.{number}.0")
}

/// The folders of one registry.
#[derive(Debug, Clone)]
pub(crate) struct Folders {
    pub(crate) source: PathBuf,
    /// Public, private and state are below.
    pub(crate) outputs: PathBuf,
}

impl Folders {
    pub(crate) fn public(&self) -> PathBuf {
        self.outputs.join("public")
    }

    pub(crate) fn private(&self) -> PathBuf {
        self.outputs.join("private")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.outputs.join("state")
    }
}

/// A source tree.
#[derive(Debug)]
pub(crate) struct Synthetic {
    pub(crate) folder: PathBuf,
    pub(crate) versions: usize,
}

impl Synthetic {
    /// Makes one with so many versions in a folder of its own.
    pub(crate) fn make(corpus: &Corpus, folder: &Path, versions: usize) -> Result<Self> {
        let registry = Self {
            folder: folder.to_owned(),
            versions,
        };
        (0..registry.items())
            .into_par_iter()
            .try_for_each(|item| registry.make_item(corpus, &Address::of(item)))?;
        Ok(registry)
    }

    pub(crate) fn items(&self) -> usize {
        self.versions.div_ceil(VERSIONS_PER_ITEM)
    }

    /// Its source tree, and fresh output folders with this name.
    pub(crate) fn folders(&self, outputs: &str) -> Folders {
        Folders {
            source: self.folder.join("source"),
            outputs: self.folder.join(outputs),
        }
    }

    fn make_item(&self, corpus: &Corpus, address: &Address) -> Result<()> {
        let folder = self.folder.join("source").join(address.folder());
        let mut log = String::new();
        for number in 0..VERSIONS_PER_ITEM {
            let version = version(number);
            let texts = corpus.version(&address.namespace, &address.path, &version);
            write_version(&folder.join(&version), &texts)?;
            log += &library::publish_line(&version, &texts)?;
        }
        Ok(fs::write(folder.join(library::EVENTS_FILE), log)?)
    }
}

/// Writes the files of a version.
pub(crate) fn write_version(folder: &Path, texts: &Texts) -> Result<()> {
    for (file, bytes) in texts {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, bytes)?;
    }
    Ok(())
}
