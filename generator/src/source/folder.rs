//! Folders read by descriptor: what is in them, sorted, and what it looks like. Names mean nothing here.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, Statx, StatxFlags, openat, statx};
use rustix::io::Errno;

use super::signature::{Look, Sight};
use crate::report::Problem;

/// A file in a version's folder, or what else is no folder.
pub(super) struct FoundFile {
    /// Below the version's folder.
    pub(super) path: PathBuf,
    pub(super) kind: FileType,
    pub(super) written: Timestamp,
}

/// What cannot be seen of a version's folder, and why not.
pub(super) type Unseen = (PathBuf, Errno);

/// What is in a version's folder, sorted, and what that looks like.
pub(super) fn files(folder: &Path) -> Result<(Vec<FoundFile>, Sight), Unseen> {
    let mut found = Vec::new();
    let fd = open(CWD, folder).map_err(|errno| (PathBuf::new(), errno))?;
    let sight = release(fd.as_fd(), &mut |path, kind, stat| {
        let time = stat.stx_mtime;
        let written = Timestamp::new(time.tv_sec, time.tv_nsec.cast_signed());
        found.push(FoundFile {
            path: path(),
            kind,
            written: written.unwrap_or_default(),
        });
    })?;
    Ok((found, sight))
}

/// Told of each file, sorted: its path below the version's folder, if it is wanted.
type Each<'a> = &'a mut dyn FnMut(&dyn Fn() -> PathBuf, FileType, &Statx);

/// All of a version's folder, whatever is in it.
pub(super) fn release(fd: BorrowedFd<'_>, each: Each<'_>) -> Result<Sight, Unseen> {
    fn look_into(
        fd: BorrowedFd<'_>,
        at: &Path,
        look: &mut Look,
        each: Each<'_>,
    ) -> Result<(), Unseen> {
        for Entry { name, kind } in list(fd).map_err(|errno| (at.to_owned(), errno))? {
            let path = || at.join(&name);
            let unseen = |errno| (path(), errno);
            if kind == FileType::Directory {
                look.enter(name.as_bytes());
                let folder = open(fd, name.as_ref()).map_err(unseen)?;
                look_into(folder.as_fd(), &path(), look, each)?;
                look.leave();
            } else {
                let stat = stat(fd, &name).map_err(unseen)?;
                look.file(name.as_bytes(), kind, &stat);
                each(&path, kind, &stat);
            }
        }
        Ok(())
    }
    let mut look = Look::now();
    look_into(fd, Path::new(""), &mut look, each)?;
    Ok(look.done())
}

/// What it means that a version's folder, or something in it, cannot be seen.
pub(super) fn unseen(folder: &Path, (below, errno): Unseen) -> Problem {
    let path = match below.as_os_str().is_empty() {
        true => folder.to_owned(),
        false => folder.join(below),
    };
    let mut problem = Problem::unread(path, &errno.into());
    problem.message += "; what is served of it stays";
    problem
}

/// An entry of a folder.
pub(super) struct Entry {
    pub(super) name: OsString,
    pub(super) kind: FileType,
}

impl Entry {
    /// The name, made UTF-8 where it is not: then it fails as any name of ours.
    pub(super) fn text(&self) -> Cow<'_, str> {
        self.name.to_string_lossy()
    }
}

/// What is in a folder, sorted by name.
pub(super) fn list(fd: BorrowedFd<'_>) -> Result<Vec<Entry>, Errno> {
    let mut buffer = [const { MaybeUninit::uninit() }; 8 << 10];
    let mut entries = RawDir::new(fd, &mut buffer);
    let mut found = Vec::new();
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if matches!(name, b"." | b"..") {
            continue;
        }
        let name = OsString::from_vec(name.to_vec());
        let kind = match entry.file_type() {
            // Some file systems do not tell.
            FileType::Unknown => kind_of(&stat(fd, &name)?),
            kind => kind,
        };
        found.push(Entry { name, kind });
    }
    found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

pub(super) fn open(at: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(at, path, flags, Mode::empty())
}

pub(super) fn stat(at: BorrowedFd<'_>, name: &OsStr) -> Result<Statx, Errno> {
    statx(at, name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS)
}

pub(super) fn kind_of(stat: &Statx) -> FileType {
    FileType::from_raw_mode(stat.stx_mode.into())
}
