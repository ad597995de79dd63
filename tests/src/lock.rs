//! The lock of a folder in the hands of a test: the binaries wait for as long as it wants.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use crate::wait;

/// A held lock; dropping it lets go.
#[derive(Debug)]
pub struct HeldLock {
    _file: File,
    path: PathBuf,
}

impl HeldLock {
    /// Takes the lock of a folder, as the binaries do (design.md, decision 9).
    pub fn take(folder: &Path) -> Self {
        let folder = folder.canonicalize().expect("a folder");
        let path = folder.join(".rack-lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let file = options.open(&path).expect("a file");
        file.lock().expect("nobody keeps a lock for long");
        Self { _file: file, path }
    }

    /// Waits until that process waits for the lock: it has the file open, and gets no further.
    pub fn until_awaited_by(&self, process: u32) {
        let what = format!("process {process} to want {}", self.path.display());
        wait::until(&what, wait::LONG, || self.is_open_in(process).then_some(()));
    }

    fn is_open_in(&self, process: u32) -> bool {
        let open = fs::read_dir(format!("/proc/{process}/fd"))
            .into_iter()
            .flatten();
        open.flatten()
            .any(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == self.path))
    }
}
