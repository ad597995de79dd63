//! A folder of its own for each upload, on the source tree's file system, gone when the upload is.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rackgen::commit::durable;
use rackgen::error::{At, Result};
use rackgen::source::SourceTree;

/// The staging folder of one upload; dropping it removes what is left in it.
#[derive(Debug)]
pub(crate) struct Staging {
    folder: PathBuf,
    /// For a daemon that starts on the same source tree with another state folder, and tidies up.
    _held: Option<File>,
}

impl Staging {
    /// A fresh one.
    pub(crate) fn new(source: &SourceTree) -> Result<Self> {
        let (folder, held) = source.make_held("")?;
        // It becomes a version's folder, which the umask must not close.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))
            .at("set the mode of", &folder)?;
        Ok(Self {
            folder,
            _held: Some(held),
        })
    }

    /// Where the archive is unpacked: what becomes the version's folder.
    pub(crate) fn contents(&self) -> &Path {
        &self.folder
    }

    /// The folder's name, which an intent finds it by.
    pub(crate) fn name(&self) -> &str {
        self.folder
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
    }

    /// Takes up again what an intent names. The caller holds the source tree's lock, under which nobody tidies up.
    pub(crate) fn named(source: &SourceTree, name: &str) -> Self {
        Self {
            folder: source.staging().join(name),
            _held: None,
        }
    }

    /// Leaves the folder to the intent that names it; what is held stays so until this process ends.
    pub(crate) fn leave(self) {
        std::mem::forget(self);
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if let Err(fault) = durable::remove_folder(&self.folder) {
            tracing::warn!("{fault}");
        }
    }
}

/// Removes what uploads of an earlier run left behind. What another process works on, as an import does or another daemon,
/// it holds.
pub(crate) fn clear(source: &SourceTree) -> Result<()> {
    source.clear_staging("")
}
