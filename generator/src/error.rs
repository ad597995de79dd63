//! What stops a whole operation: one line that names the path, the reason and, where there is one, the way out.
//!
//! Faults of single items are no errors but problems of a report (`crate::report`).

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::error_code::ErrorCode;
use crate::lock::Held;

/// The result of an operation that may be stopped.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why nothing was done (exit status 2).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk said no.
    #[error("cannot {action} {}: {cause}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A file or folder is not what it must be.
    #[error("{}: {why}", path.display())]
    Refused {
        /// Which.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// A file is not any longer what it was when the build looked at it.
    #[error("{}: it {how}; build again", path.display())]
    Changed {
        /// Which, or what is made of it.
        path: PathBuf,
        /// Goes on after what it is.
        how: String,
    },
    /// Somebody else holds the lock.
    #[error("{} is locked{held}; waited ten seconds for it", path.display())]
    Locked {
        /// The lock's file.
        path: PathBuf,
        /// By whom, and since when.
        held: Held,
    },
    /// The source tree is not the one any more that it was when the program started.
    #[error(
        "{}: the source tree is not the one any more that this program started with ({why}): is it mounted? \
         nothing was changed; bring it back, and all goes on",
        path.display()
    )]
    Displaced {
        /// The source tree.
        path: PathBuf,
        /// What is in its place.
        why: &'static str,
    },
    /// The record of the last build cannot be used.
    #[error("{}: the record of the last build fails: {why}; it may be deleted, the next build makes it anew", path.display())]
    Record {
        /// The record's file.
        path: PathBuf,
        /// What the store said.
        why: String,
    },
    /// A build would remove suspiciously much.
    #[error(
        "{}: this build would remove {removals} of {outputs} outputs; is the source tree complete? `--allow-removals` goes on",
        path.display()
    )]
    ManyRemovals {
        /// The source tree.
        path: PathBuf,
        /// Outputs that would go.
        removals: usize,
        /// Outputs that there are.
        outputs: usize,
    },
}

impl Error {
    /// A file or folder that is not what it must be.
    pub fn refused(path: impl Into<PathBuf>, why: impl ToString) -> Self {
        Self::Refused {
            path: path.into(),
            why: why.to_string(),
        }
    }

    /// A file that could be read when the build looked at it.
    pub fn unreadable_now(path: &Path, cause: &io::Error) -> Self {
        Self::Changed {
            path: path.to_owned(),
            how: format!("could be read before, and not any longer ({cause})"),
        }
    }

    /// Whether the disk is full, or a quota is.
    pub fn is_storage_full(&self) -> bool {
        matches!(
            self.io_kind(),
            Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        )
    }

    /// Whether the disk takes no writes at all.
    pub fn is_read_only(&self) -> bool {
        self.io_kind() == Some(io::ErrorKind::ReadOnlyFilesystem)
    }

    /// Whether the disk itself failed (`EIO`). What was written before may be lost, also where nobody was told: after a
    /// failed `fsync` the system takes it for written.
    pub fn is_disk_failure(&self) -> bool {
        matches!(self, Self::Io { cause, .. } if cause.raw_os_error() == Some(Errno::IO.raw_os_error()))
    }

    /// The code under which it is told.
    pub fn code(&self) -> ErrorCode {
        match self {
            error if error.is_storage_full() => ErrorCode::StorageFull,
            error if error.is_read_only() => ErrorCode::Unavailable,
            Self::Locked { .. } | Self::Displaced { .. } => ErrorCode::Unavailable,
            _ => ErrorCode::InternalError,
        }
    }

    fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Io { cause, .. } => Some(cause.kind()),
            _ => None,
        }
    }
}

/// Says what was tried and on what when the disk says no.
pub trait At<T> {
    /// `action` is a verb: `read`, `create`.
    fn at(self, action: &'static str, path: &Path) -> Result<T>;
}

impl<T, E: Into<io::Error>> At<T> for std::result::Result<T, E> {
    fn at(self, action: &'static str, path: &Path) -> Result<T> {
        self.map_err(|cause| Error::Io {
            action,
            path: path.to_owned(),
            cause: cause.into(),
        })
    }
}
