//! What can go wrong with an archive, and whose fault it is: the sender's or our disk's.
//!
//! The words for people are put together here, so that each says what failed, on what, and what to do.

use std::borrow::Cow;
use std::path::PathBuf;
use std::{fmt, io};

use crate::error_code::ErrorCode;
use crate::model::file_path::FILE_PATH_MAX;

/// Why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The archive is at fault: the answer to whoever sent it.
    #[error(transparent)]
    Refused(#[from] ArchiveFault),
    /// The bytes of the archive could not be had. Says nothing about the archive.
    #[error("could not read the archive")]
    Source(#[source] io::Error),
    /// Our own disk refused (full, read-only, broken). Says nothing about the archive.
    #[error("could not write `{}`", .path.display())]
    Disk {
        /// The file or folder that was to be written.
        path: PathBuf,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
}

/// What is wrong with an archive, displayed as a sentence for the person who packed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveFault {
    reason: Reason,
    path: Option<String>,
    /// The rest of a sentence that begins with the path or with "the archive".
    problem: Cow<'static, str>,
}

impl std::error::Error for ArchiveFault {}

impl ArchiveFault {
    /// The same fault, blamed on this entry. A path from an archive may be any bytes, and many.
    pub(super) fn at(mut self, raw: &[u8]) -> Self {
        let text = String::from_utf8_lossy(raw);
        self.path = Some(text.chars().take(FILE_PATH_MAX).collect());
        self
    }

    /// The code of the answer (protocol.md, "Publishing").
    pub fn code(&self) -> ErrorCode {
        self.reason.parts().1
    }

    /// The `reason` of the answer.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The `path` of the answer: the entry at fault, cut short and with bytes replaced that are no UTF-8.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }
}

impl fmt::Display for ArchiveFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "`{}`", path.escape_debug())?,
            None => f.write_str("the archive")?,
        }
        let (_, _, advice) = self.reason.parts();
        write!(f, " {}; {advice}", self.problem)
    }
}

/// The last column of the table in hostile-archives.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "hostile-archives.md says when each is sent")]
pub enum Reason {
    PathEscape,
    PathIllegal,
    PathTooLong,
    PathCollision,
    EntryType,
    TarFraming,
    CompressFraming,
    CompressWindow,
    ExpandsTooFar,
}

impl Reason {
    /// A fault with this reason. `problem` goes on after "the archive" or after a path.
    pub(super) fn fault(self, problem: impl Into<Cow<'static, str>>) -> ArchiveFault {
        ArchiveFault {
            reason: self,
            path: None,
            problem: problem.into(),
        }
    }

    /// The word in the answer.
    pub fn as_str(self) -> &'static str {
        self.parts().0
    }

    /// The word, the code that goes with it, and what the sender can do.
    #[rustfmt::skip]
    fn parts(self) -> (&'static str, ErrorCode, &'static str) {
        use ErrorCode::{InvalidArchive, PayloadTooLarge, UnsafeFile};
        match self {
            Self::PathEscape => ("path_escape", UnsafeFile, "pack the files by their paths inside the package's folder"),
            Self::PathIllegal => ("path_illegal", UnsafeFile, "rename it"),
            Self::PathTooLong => ("path_too_long", UnsafeFile, "shorten it"),
            Self::PathCollision => ("path_collision", UnsafeFile, "keep one of the two"),
            Self::EntryType => ("entry_type", UnsafeFile, "a package holds regular files and folders, nothing else"),
            Self::TarFraming => ("tar_framing", InvalidArchive, "pack it again with a current tar"),
            Self::CompressFraming => ("compress_framing", InvalidArchive, "compress it again, as one gzip member or one zstd frame"),
            Self::CompressWindow => ("compress_window", InvalidArchive, "compress it again with `zstd -19` or lower and without `--long`"),
            Self::ExpandsTooFar => ("expands_too_far", PayloadTooLarge, "leave out what the package does not need, or ask the registry's operator to raise the limit"),
        }
    }
}
