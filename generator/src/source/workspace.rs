//! Folders inside `.staging` that belong to a process while it works: it holds a lock on its own, so that whoever
//! tidies up can tell what a kill left behind from what is in use.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::SourceTree;
use crate::commit::durable;
use crate::error::{At, Error, Result};
use crate::folders::random_hex;

/// A held folder, laid out like a source tree; dropping it removes it.
#[derive(Debug)]
pub struct Workspace {
    folder: PathBuf,
    _held: File,
}

/// Their names begin with this: an import tidies up after imports only. What an intent waits with is held by nobody, and
/// only the daemon knows of it.
const PREFIX: &str = "work-";

impl Workspace {
    /// A fresh one. Those that a kill left behind are removed.
    pub fn new(source: &SourceTree) -> Result<Self> {
        // First, since a link in its place is refused here, and would be cleared away there.
        source.make_staging()?;
        source.clear_staging(PREFIX)?;
        let (folder, _held) = source.make_held(PREFIX)?;
        Ok(Self { folder, _held })
    }

    /// The tree in it.
    pub fn tree(&self) -> SourceTree {
        SourceTree::at(&self.folder)
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // What stays is removed by the next one.
        let _ = durable::remove_folder(&self.folder);
    }
}

impl SourceTree {
    /// The staging folder, made if it is not there.
    ///
    /// # Errors
    /// Refused where it is a symbolic link; disk and permissions otherwise.
    pub fn make_staging(&self) -> Result<PathBuf> {
        let staging = self.staging();
        if staging.is_symlink() {
            return Err(Error::refused(
                staging,
                "it is a symbolic link, which is not followed; remove it",
            ));
        }
        durable::create_folders(&staging, 0o700)?;
        Ok(staging)
    }

    /// Makes a folder inside the staging folder, of a new name that begins with this. It is held for as long as the file is
    /// open.
    ///
    /// # Errors
    /// As [`SourceTree::make_staging`].
    pub fn make_held(&self, prefix: &str) -> Result<(PathBuf, File)> {
        let staging = self.make_staging()?;
        loop {
            let folder = staging.join(format!("{prefix}{}", random_hex::<8>()?));
            fs::create_dir(&folder).at("create", &folder)?;
            // Between these two lines somebody may have taken it for a leftover.
            if let Some(held) = hold(&folder)?
                && folder.exists()
            {
                return Ok((folder, held));
            }
        }
    }

    /// Removes from the staging folder what has a name of this beginning and is not held by a process.
    pub fn clear_staging(&self, prefix: &str) -> Result<()> {
        let staging = self.staging();
        if staging.is_symlink() {
            return durable::remove_if_there(&staging);
        }
        let entries = match fs::read_dir(&staging) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries.at("read", &staging)?,
        };
        for entry in entries {
            let entry = entry.at("read", &staging)?;
            if !entry.file_name().to_string_lossy().starts_with(prefix) {
                continue;
            }
            let path = entry.path();
            if !entry.file_type().at("read", &path)?.is_dir() {
                durable::remove_if_there(&path)?;
            } else if let Some(_held) = hold(&path)? {
                durable::remove_folder(&path)?;
            }
        }
        Ok(())
    }
}

/// Takes a folder's lock; none if another process has it, or has removed the folder.
fn hold(folder: &Path) -> Result<Option<File>> {
    let handle = match File::open(folder) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        handle => handle.at("open", folder)?,
    };
    match handle.try_lock() {
        Ok(()) => Ok(Some(handle)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(cause)) => Err(cause).at("lock", folder),
    }
}
