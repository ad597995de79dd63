//! What a build found and did, for people and for machines. Nothing here decides an exit status but `refused`.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use crate::error_code::ErrorCode;
use crate::model::Words;
use crate::schema::{DidYouMean, SchemaFault};

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
    #[serde(serialize_with = "as_shown")]
    pub path: PathBuf,
    /// Where in the file; none where the whole is meant.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// How bad.
    pub severity: Severity,
    /// What a registry answers to a publish of it, if it is that kind of problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<ErrorCode>,
    /// What is wrong, and what to do.
    pub message: String,
    /// A JSON Pointer to the value in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// What would be right, where that is near.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<Box<Suggestion>>,
    /// The system did not let it be read, so nobody knows what it holds.
    #[serde(skip)]
    pub is_unread: bool,
}

/// JSON has no bytes that are no text.
fn as_shown<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// A place within one line of a file, counted from 1, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Place {
    pub line: usize,
    pub column: usize,
    /// The column behind its end.
    pub end_column: usize,
}

/// What would be right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Suggestion {
    /// This word, in place of the one that is there.
    ReplaceWith(String),
    /// This entry more in the manifest's `files`.
    AddToFiles(NewEntry),
}

/// An entry for a file that a manifest does not declare; its author may know better.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NewEntry {
    /// Where the file goes in a project.
    pub target: String,
    /// What the file is for.
    #[serde(rename = "type")]
    pub role: &'static str,
    /// The file.
    pub path: String,
}

/// As JSON, spaced as people write it.
impl fmt::Display for NewEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, role, path } = self;
        // File paths have nothing that JSON would escape.
        write!(
            f,
            r#"{{ "target": "{target}", "type": "{role}", "path": "{path}" }}"#
        )
    }
}

impl Problem {
    /// Refused, as a whole.
    pub fn refused(path: impl Into<PathBuf>, message: impl ToString) -> Self {
        Self {
            path: path.into(),
            place: None,
            severity: Severity::Refused,
            code: None,
            message: message.to_string(),
            pointer: None,
            suggestion: None,
            is_unread: false,
        }
    }

    /// Refused, since the system does not let it be read.
    pub fn unread(path: impl Into<PathBuf>, cause: &io::Error) -> Self {
        Self {
            is_unread: true,
            ..Self::refused(path, format!("it cannot be read: {cause}"))
        }
    }

    /// Left out by rule.
    pub fn warning(path: impl Into<PathBuf>, message: impl ToString) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::refused(path, message)
        }
    }

    /// A fault of a document, at its place.
    pub fn of_fault(path: impl Into<PathBuf>, code: ErrorCode, fault: SchemaFault) -> Self {
        Self {
            place: Some(Place {
                line: fault.line,
                column: fault.column,
                end_column: fault.end_column,
            }),
            code: Some(code),
            pointer: Some(fault.path).filter(|pointer| !pointer.is_empty()),
            suggestion: fault
                .meant
                .map(|word| Box::new(Suggestion::ReplaceWith(word))),
            ..Self::refused(path, fault.message)
        }
    }

    /// What a registry answers to a publish of it.
    pub fn with_code(self, code: ErrorCode) -> Self {
        Self {
            code: Some(code),
            ..self
        }
    }

    /// All that is to be said of it but where the file is, and what to do.
    pub fn explanation(&self) -> String {
        match self.help() {
            Some(help) => format!("{}\nhelp: {help}", self.sentence()),
            None => self.sentence(),
        }
    }

    /// The word that was probably meant.
    pub fn meant(&self) -> Option<&str> {
        match self.suggestion.as_deref() {
            Some(Suggestion::ReplaceWith(word)) => Some(word),
            _ => None,
        }
    }

    /// What to do, where the message does not say it.
    pub fn help(&self) -> Option<String> {
        match self.suggestion.as_deref() {
            Some(Suggestion::AddToFiles(entry)) => {
                Some(format!("to declare it, add this to `files`:\n{entry}"))
            }
            _ => None,
        }
    }

    /// All that is to be said of it but where the file is, in one line.
    pub fn sentence(&self) -> String {
        let mut sentence = format!("{}{}", self.message, DidYouMean(self.meant()));
        if let Some(pointer) = &self.pointer {
            sentence += &format!(" (at {})", pointer.escape_debug());
        }
        sentence
    }
}

/// Faults of a document as problems at their places.
pub fn at_their_places(path: &Path, faults: Vec<SchemaFault>) -> Vec<Problem> {
    let problem = |fault: SchemaFault| {
        // What is no JSON does not say what it is, and a publish asks that first.
        let code = match fault.is_syntax {
            true => ErrorCode::UploadFailed,
            false => ErrorCode::SchemaValidationFailed,
        };
        Problem::of_fault(path, code, fault)
    };
    faults.into_iter().map(problem).collect()
}

/// `path:line:column: what is wrong`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Words(&self.path.display().to_string()))?;
        if let Some(Place { line, column, .. }) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        let warning = match self.severity {
            Severity::Warning => "warning: ",
            Severity::Refused => "",
        };
        write!(f, ": {warning}{}", self.sentence())
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
