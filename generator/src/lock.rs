//! Locks between processes: `flock` on a file inside the tree that is locked (design.md, decision 9).
//!
//! Held for one operation, never across requests; the order is source, public, private.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::error::{At, Error, Result};
use crate::regular;

/// How long anybody waits for a lock.
pub const PATIENCE: Duration = Duration::from_secs(10);
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
        let until = Instant::now() + PATIENCE;
        Self::take_while(folder, &|| Instant::now() < until)
    }

    /// Takes the lock of a folder: asks once, and again for as long as `waits` says so.
    ///
    /// # Errors
    /// As for [`Lock::take`].
    pub fn take_while(folder: &Path, waits: &dyn Fn() -> bool) -> Result<Self> {
        let path = folder.join(LOCK_FILE);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        // A source tree may come with links in it, and this file is written to.
        let mut file = regular::open_with(&mut options, &path).at("open", &path)?;
        if !wait_while(&file, waits).at("lock", &path)? {
            let held = Held::as_said_in(&mut file).at("read", &path)?;
            return Err(Error::Locked { path, held });
        }
        // Words for whoever waits; the lock itself is the kernel's, and on a full disk it is held without them: what makes
        // room needs it.
        let _ = Holder::this_process().introduce(&mut file);
        Ok(Self { _file: file })
    }
}

/// Who wrote its name into a lock: `rackd (process 42) since 2026-11-22T21:38:15Z`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The name of its binary.
    pub program: String,
    /// Its id.
    pub process: u32,
    /// When it took the lock, to the second.
    pub since: Timestamp,
}

impl Holder {
    fn this_process() -> Self {
        let path = std::env::current_exe().ok();
        let program = path.as_deref().and_then(Path::file_name);
        Self {
            program: program.map_or("a process".into(), |name| name.to_string_lossy().into()),
            process: std::process::id(),
            since: Timestamp::now(),
        }
    }

    fn introduce(&self, lock: &mut File) -> io::Result<()> {
        lock.set_len(0)?;
        lock.rewind()?;
        writeln!(lock, "{self}")
    }

    fn is_alive(&self) -> bool {
        Path::new("/proc").join(self.process.to_string()).exists()
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            program,
            process,
            since,
        } = self;
        write!(f, "{program} (process {process}) since {since:.0}")
    }
}

/// Text that nobody of ours wrote into a lock.
#[derive(Debug, PartialEq, Eq)]
pub struct NoHolder;

impl FromStr for Holder {
    type Err = NoHolder;

    fn from_str(text: &str) -> Result<Self, NoHolder> {
        let parse = || {
            let (program, rest) = text.trim().split_once(" (process ")?;
            let (process, since) = rest.split_once(") since ")?;
            Some(Self {
                program: program.to_owned(),
                process: process.parse().ok()?,
                since: since.parse().ok()?,
            })
        };
        parse().ok_or(NoHolder)
    }
}

/// By whom a lock is held, as far as its file tells: `flock` takes it, too, and writes no name.
#[derive(Debug)]
pub enum Held {
    /// By this one.
    By(Holder),
    /// By somebody else: this one had it last, and is gone.
    After(Holder),
    /// It does not say.
    Unsaid,
}

impl Held {
    /// By whom, as its file says now.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn as_said_in(lock: &mut File) -> io::Result<Self> {
        let mut text = Vec::new();
        lock.read_to_end(&mut text)?;
        Ok(match String::from_utf8_lossy(&text).parse() {
            Ok(holder) if Holder::is_alive(&holder) => Self::By(holder),
            Ok(holder) => Self::After(holder),
            // Empty in the instant, too, in which the holder introduces itself.
            Err(NoHolder) => Self::Unsaid,
        })
    }
}

/// Goes on after "is held" or "is locked".
impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::By(holder) => write!(f, " by {holder}"),
            Self::After(Holder {
                program, process, ..
            }) => write!(
                f,
                ", and {program} (process {process}), who had it last, does not run here any longer; `lslocks` may say by \
                 whom"
            ),
            Self::Unsaid => f.write_str(", and does not say by whom; `lslocks` may"),
        }
    }
}

/// Takes the lock of a file, waiting ten seconds at most; says whether it could be had.
pub(crate) fn wait_for(file: &File) -> io::Result<bool> {
    let until = Instant::now() + PATIENCE;
    wait_while(file, &|| Instant::now() < until)
}

fn wait_while(file: &File, waits: &dyn Fn() -> bool) -> io::Result<bool> {
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(cause)) => return Err(cause),
            Err(TryLockError::WouldBlock) if waits() => thread::sleep(STEP),
            Err(TryLockError::WouldBlock) => return Ok(false),
        }
    }
}

/// The lock's name in the folder that it locks.
pub const LOCK_FILE: &str = ".rack-lock";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_holder_writes_is_read() {
        let text = "rackd (process 42) since 2026-11-22T21:38:15Z";
        assert_eq!(
            text.parse::<Holder>().map(|it| it.to_string()),
            Ok(text.to_owned())
        );
        for text in ["", "rackd", "rackd (process x) since 2026-11-22T21:38:15Z"] {
            assert_eq!(text.parse::<Holder>(), Err(NoHolder), "{text}");
        }
    }
}
