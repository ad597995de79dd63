//! What a check found: the one door to the output, so that secrets are taken out in one place.

use std::io;
use std::path::Path;

use serde::Serialize;

use super::redact::redact;

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// It works, and may not do so for long, or not for everybody.
    Warning,
    /// Something does not work.
    Fault,
}

impl Status {
    /// As it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }
}

/// One line of the output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The group of checks that it is of.
    pub check: &'static str,
    /// How it is.
    pub status: Status,
    /// What was found on what and, if it is not well, what to do.
    pub says: String,
}

impl Finding {
    /// As it should be.
    pub(super) fn ok(check: &'static str, says: impl AsRef<str>) -> Self {
        Self::new(check, Status::Ok, says.as_ref())
    }

    /// It works for now.
    pub(super) fn warning(check: &'static str, says: impl AsRef<str>) -> Self {
        Self::new(check, Status::Warning, says.as_ref())
    }

    /// It does not work.
    pub(super) fn fault(check: &'static str, says: impl AsRef<str>) -> Self {
        Self::new(check, Status::Fault, says.as_ref())
    }

    /// It is there, and cannot be read: nothing is known of it.
    pub(super) fn unreadable(check: &'static str, path: &Path, cause: &io::Error) -> Self {
        let at = path.display();
        let says = format!("cannot read {at}: {cause}; chown it to the user that rackd runs as");
        Self::fault(check, says)
    }

    fn new(check: &'static str, status: Status, says: &str) -> Self {
        // One line, whatever stands in a file that is quoted.
        let says = redact(says).replace(['\n', '\r'], " ");
        Self {
            check,
            status,
            says,
        }
    }
}
