//! A walk of a tree that looks at every file, by folder descriptor, in two threads.

use std::ffi::CString;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, openat, statat};

use crate::Result;

/// How many files there are below a folder, each of them looked at.
pub(crate) fn files(root: &Path) -> Result<usize> {
    // Shared out: the folders three levels down, which are items here.
    let mut jobs = vec![CString::new(root.as_os_str().as_encoded_bytes())?];
    let mut count = 0;
    for _ in 0..3 {
        let mut deeper = Vec::new();
        for job in &jobs {
            let folder = open(CWD, job)?;
            count += entries(&folder, |name| {
                deeper.push(CString::new(
                    [job.as_bytes(), b"/", name.to_bytes()].concat(),
                )?);
                Ok(0)
            })?;
        }
        jobs = deeper;
    }
    let next = AtomicUsize::new(0);
    let work = || -> Result<usize> {
        let mut count = 0;
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            count += below(&open(CWD, job)?)?;
        }
        Ok(count)
    };
    let [first, second] = thread::scope(|scope| {
        let other = scope.spawn(work);
        [
            work(),
            other
                .join()
                .unwrap_or_else(|_| Err("a walker panicked".into())),
        ]
    });
    Ok(count + first? + second?)
}

fn below(folder: &OwnedFd) -> Result<usize> {
    entries(folder, |name| below(&open(folder, name)?))
}

/// Looks at the files of a folder, hands its folders on, and counts.
fn entries(
    folder: &OwnedFd,
    mut enter: impl FnMut(&std::ffi::CStr) -> Result<usize>,
) -> Result<usize> {
    let mut buffer = Vec::with_capacity(32 << 10);
    let mut entries = RawDir::new(folder, buffer.spare_capacity_mut());
    let mut count = 0;
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        if entry.file_type() == FileType::Directory {
            count += enter(name)?;
        } else {
            statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
            count += 1;
        }
    }
    Ok(count)
}

fn open(folder: impl AsFd, name: &std::ffi::CStr) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(folder, name, flags, Mode::empty())?)
}
