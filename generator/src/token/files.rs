//! The files of minted tokens, in `tokens` of the state folder: which there are, and who may change them.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::commit::durable;
use crate::error::{At, Result};
use crate::lock::Lock;
use crate::state_file;

/// What to do about one that cannot be read.
const ADVICE: &str = "put back a copy from a backup, or delete it, which ends every minted token";

/// Their folder.
pub(crate) fn folder(state: &Path) -> PathBuf {
    state.join("tokens")
}

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum File {
    /// What tokens are signed with.
    Keys,
    /// Which tokens there are, and which were revoked.
    Ledger,
    /// When they were last used.
    Usage,
}

impl File {
    /// Where it is.
    pub(crate) fn path(self, state: &Path) -> PathBuf {
        folder(state).join(match self {
            Self::Keys => "keys.json",
            Self::Ledger => "ledger.json",
            Self::Usage => "last-used.json",
        })
    }

    /// What stands in it; the empty one, if there is none.
    ///
    /// # Errors
    /// One of another format, or that is none of ours. What is in it is not quoted.
    pub(super) fn read<T: DeserializeOwned + Default>(self, state: &Path) -> Result<T> {
        Ok(state_file::read(&self.path(state), ADVICE)?.unwrap_or_default())
    }

    /// Replaces it.
    pub(super) fn write<T: Serialize>(self, state: &Path, contents: &T) -> Result<()> {
        let path = self.path(state);
        durable::create_folder(&folder(state), state_file::FOLDER_MODE)?;
        state_file::write(&path, contents)
    }
}

/// Keeps others from changing them meanwhile. A daemon only reads these, and holds no lock for it.
pub(super) fn lock(state: &Path) -> Result<Lock> {
    let folder = folder(state);
    durable::create_folder(&folder, state_file::FOLDER_MODE)?;
    Lock::take(&folder)
}

/// Tells keys and ledger of one moment from those of another: each change makes a new file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp([Option<Looks>; 2]);

/// Device, inode, change time in seconds and nanoseconds, length.
type Looks = (u64, u64, i64, i64, u64);

impl Stamp {
    /// As they are now.
    ///
    /// # Errors
    /// A folder that cannot be looked into.
    pub fn of(state: &Path) -> Result<Self> {
        let looks = |file: File| {
            let path = file.path(state);
            match fs::metadata(&path) {
                Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
                metadata => metadata
                    .at("read", &path)
                    .map(|metadata| Some(looks_of(&metadata))),
            }
        };
        Ok(Self([looks(File::Keys)?, looks(File::Ledger)?]))
    }
}

fn looks_of(file: &Metadata) -> Looks {
    (
        file.dev(),
        file.ino(),
        file.ctime(),
        file.ctime_nsec(),
        file.len(),
    )
}
