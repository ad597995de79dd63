//! Locks between processes: `flock` on a file inside the tree that is locked (design.md, decision 9).
//!
//! Held for one operation, never across requests; the order is source, public, private.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::error::{At, Error, Result};
use crate::regular;

const PATIENCE: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(20);

/// A held lock; dropping it, or the end of the process, lets go.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a folder, waiting ten seconds at most.
    ///
    /// # Errors
    /// [`Error::Locked`] names who holds it and since when.
    pub fn take(folder: &Path) -> Result<Self> {
        let path = folder.join(LOCK_FILE);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        // A source tree may come with links in it, and this file is written to.
        let mut file = regular::open_with(&mut options, &path).at("open", &path)?;
        if !wait_for(&file).at("lock", &path)? {
            let mut holder = String::new();
            file.read_to_string(&mut holder).at("read", &path)?;
            // Empty only in the instant in which the holder introduces itself.
            let holder = match holder.trim() {
                "" => "another process".to_owned(),
                holder => holder.to_owned(),
            };
            return Err(Error::Locked { path, holder });
        }
        // Words for whoever waits; the lock itself is the kernel's.
        let holder = format!(
            "{} (process {}) since {:.0}\n",
            program(),
            std::process::id(),
            Timestamp::now()
        );
        file.set_len(0).at("write", &path)?;
        file.rewind().at("write", &path)?;
        file.write_all(holder.as_bytes()).at("write", &path)?;
        Ok(Self { _file: file })
    }
}

/// Takes the lock of a file, waiting ten seconds at most; says whether it could be had.
pub(crate) fn wait_for(file: &File) -> io::Result<bool> {
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(cause)) => return Err(cause),
            Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => thread::sleep(STEP),
            Err(TryLockError::WouldBlock) => return Ok(false),
        }
    }
}

/// The lock's name in the folder that it locks.
pub const LOCK_FILE: &str = ".rack-lock";

fn program() -> String {
    std::env::current_exe()
        .ok()
        .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .unwrap_or_else(|| "a process".into())
}
