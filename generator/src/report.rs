//! What a build found and did, for people and for machines. Nothing here decides an exit status but `refused`.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A part of the input is not served as somebody may have meant it, by rule.
    Warning,
    /// A part of the input was refused.
    Refused,
}

/// Something in the input that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The file or folder.
    pub path: PathBuf,
    /// Where in the file, from 1; none where the whole is meant.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// How bad.
    pub severity: Severity,
    /// What is wrong, and what to do.
    pub message: String,
}

/// A place in a file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

impl Problem {
    /// Refused, as a whole.
    pub fn refused(path: impl Into<PathBuf>, message: impl ToString) -> Self {
        Self {
            path: path.into(),
            place: None,
            severity: Severity::Refused,
            message: message.to_string(),
        }
    }

    /// Left out by rule.
    pub fn warning(path: impl Into<PathBuf>, message: impl ToString) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::refused(path, message)
        }
    }
}

/// `path:line:column: what is wrong`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(Place { line, column }) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        let warning = match self.severity {
            Severity::Warning => "warning: ",
            Severity::Refused => "",
        };
        write!(f, ": {warning}{}", self.message)
    }
}

/// What a commit did to the trees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Resources that are new or have new bytes.
    pub written: usize,
    /// Resources that are gone.
    pub removed: usize,
    /// Resources that stayed as they were.
    pub kept: usize,
    /// Bytes written, variants included.
    pub bytes: u64,
}

/// A resource that a build would write or remove.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Planned {
    /// The path of its URL.
    pub url: String,
    /// What would happen.
    pub action: Action,
    /// Bytes that it has now, variants not counted; none if there is nothing.
    pub before: Option<u64>,
    /// Bytes that it would have.
    pub after: Option<u64>,
    /// Why.
    pub why: String,
}

/// What would happen to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Action {
    Write,
    Replace,
    Remove,
}

/// What a build found and did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// What it did.
    #[serde(flatten)]
    pub changes: Changes,
    /// How many versions are served.
    pub releases: usize,
    /// What is wrong with the input, by path.
    pub problems: Vec<Problem>,
    /// What it would do, if it only says so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub planned: Vec<Planned>,
    /// How long it took.
    pub seconds: f64,
}

impl Report {
    /// Whether parts of the input were refused (exit status 1).
    pub fn refused(&self) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.severity == Severity::Refused)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Changes {
            written,
            removed,
            kept,
            bytes,
        } = self.changes;
        write!(
            f,
            "{} versions; {written} resources written ({}), {removed} removed, {kept} kept, in {:.2} s",
            self.releases,
            indicatif::BinaryBytes(bytes),
            self.seconds
        )
    }
}
