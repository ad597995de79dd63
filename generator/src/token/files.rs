//! The files of minted tokens, in `tokens` of the state folder: JSON with a format version, for its owner's eyes only.
//! What stands in them is each file's own.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::commit::durable;
use crate::error::{At, Error, Result};
use crate::lock::Lock;

const FORMAT: u32 = 1;

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
        let path = self.path(state);
        let text = match fs::read(&path) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(T::default()),
            read => read.at("read", &path)?,
        };
        let Head { format } = parse(&text, &path)?;
        if format != FORMAT {
            let why = format!("format {format} is none that this program knows; it knows {FORMAT}");
            return Err(Error::refused(path, why));
        }
        parse(&text, &path)
    }

    /// Replaces it.
    pub(super) fn write<T: Serialize>(self, state: &Path, contents: &T) -> Result<()> {
        let path = self.path(state);
        durable::create_folder(&folder(state), 0o700)?;
        let whole = Whole {
            format: FORMAT,
            contents,
        };
        let mut text =
            serde_json::to_vec_pretty(&whole).map_err(|why| Error::refused(&path, why))?;
        text.push(b'\n');
        durable::replace(&path, &text, 0o600)
    }
}

#[derive(Deserialize)]
struct Head {
    format: u32,
}

#[derive(Serialize)]
struct Whole<'a, T> {
    format: u32,
    #[serde(flatten)]
    contents: &'a T,
}

fn parse<T: DeserializeOwned>(text: &[u8], path: &Path) -> Result<T> {
    serde_json::from_slice(text).map_err(|fault| {
        let why = format!(
            "this is no token file of ours (line {}, column {}); put back a copy from a backup, or delete it, which \
             ends every minted token",
            fault.line(),
            fault.column()
        );
        Error::refused(path, why)
    })
}

/// Keeps others from changing them meanwhile. A daemon only reads these, and holds no lock for it.
pub(super) fn lock(state: &Path) -> Result<Lock> {
    let folder = folder(state);
    durable::create_folder(&folder, 0o700)?;
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
