//! A folder of staged files, known by its descriptor: the system looks every segment of a name up at every call, and the
//! names of what is made in it are short. What a resource is may not enter.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode as RawMode, OFlags, chmodat, mkdirat, openat, statat};
use rustix::io::Errno;

use super::durable;
use super::staging::STAGING_MODE;
use crate::error::{At, Result};

#[derive(Debug)]
pub(super) struct Folder {
    fd: OwnedFd,
    /// Those in it that are made.
    made: HashSet<OsString>,
}

impl Folder {
    /// Makes it in a staging folder, which it makes if it has to.
    pub(super) fn make(path: &Path, mode: &mut Mode) -> Result<Self> {
        match (mode.make_folder(CWD, path), path.parent()) {
            (Err(Errno::NOENT), Some(staging)) => {
                durable::create_folders(staging, STAGING_MODE)?;
                mode.make_folder(CWD, path)
            }
            (made, _) => made,
        }
        .at("create", path)?;
        Self::open(path)
    }

    /// The staging folder itself.
    pub(super) fn staging(path: &Path) -> Result<Self> {
        durable::create_folders(path, STAGING_MODE)?;
        Self::open(path)
    }

    fn open(path: &Path) -> Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(CWD, path, flags, RawMode::empty()).at("open", path)?;
        let made = HashSet::new();
        Ok(Self { fd, made })
    }

    /// Makes a file in it that is not there yet, to be written and read, and the folders above that in it.
    pub(super) fn create(
        &mut self,
        path: &Path,
        file_mode: &mut Mode,
        folder_mode: &mut Mode,
    ) -> Result<File, Errno> {
        if let Some(folder) = path.parent() {
            self.make_below(folder, folder_mode)?;
        }
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(&self.fd, path, flags, file_mode.wanted)?;
        file_mode.give(&self.fd, path)?;
        Ok(file.into())
    }

    /// Nobody else makes any, so this goes down, and no call fails.
    fn make_below(&mut self, folder: &Path, mode: &mut Mode) -> Result<(), Errno> {
        if folder.as_os_str().is_empty() || self.made.contains(folder.as_os_str()) {
            return Ok(());
        }
        if let Some(parent) = folder.parent() {
            self.make_below(parent, mode)?;
        }
        mode.make_folder(&self.fd, folder)?;
        self.made.insert(folder.as_os_str().to_owned());
        Ok(())
    }
}

/// A mode that is asked for at creation. The first one shows whether it is had at once: a umask, or an access list of
/// the file system, takes the same from all that follow.
#[derive(Debug)]
pub(super) struct Mode {
    wanted: RawMode,
    is_given: Option<bool>,
}

impl Mode {
    pub(super) fn new(wanted: u32) -> Self {
        Self {
            wanted: RawMode::from_raw_mode(wanted),
            is_given: None,
        }
    }

    /// Makes a folder that may be there.
    fn make_folder(&mut self, at: impl AsFd, path: &Path) -> Result<(), Errno> {
        match mkdirat(&at, path, self.wanted) {
            Err(Errno::EXIST) => Ok(()),
            made => made.and_then(|()| self.give(at, path)),
        }
    }

    fn give(&mut self, at: impl AsFd, path: &Path) -> Result<(), Errno> {
        let is_given = match self.is_given {
            Some(is_given) => is_given,
            None => {
                let stat = statat(&at, path, AtFlags::SYMLINK_NOFOLLOW)?;
                RawMode::from_raw_mode(stat.st_mode) == self.wanted
            }
        };
        self.is_given = Some(is_given);
        match is_given {
            true => Ok(()),
            false => chmodat(at, path, self.wanted, AtFlags::empty()),
        }
    }
}
