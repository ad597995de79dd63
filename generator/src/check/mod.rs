//! The rules of a publish that need no server: what a manifest and the files beside it must agree on.
//!
//! The daemon asks the same questions of an upload, in the order of protocol.md; here they are asked of
//! folders and archives, all at once. How the answers are shown may not enter.

mod archive;
mod folder;
mod manifest;
mod suggest;

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub use self::archive::check_archive;
pub use self::folder::{CheckedFolder, check_folder};
use crate::error::{At, Result};
use crate::error_code::ErrorCode;
use crate::model::{FilePath, Manifest};
use crate::package::Limits;
use crate::regular;
use crate::report::{Problem, Severity, at_their_places};
use crate::schema;

/// Everything that a check found.
#[derive(Debug, Default)]
pub struct Findings {
    /// What is wrong, in the order in which it stands there.
    pub problems: Vec<Problem>,
    /// The document that problems have their places in.
    pub document: Option<ReadDocument>,
}

/// A document as it was when it was checked: that of an archive is gone by the time that anyone reads about it.
#[derive(Debug)]
pub struct ReadDocument {
    /// What problems call it.
    pub path: PathBuf,
    /// What is not UTF-8 is replaced, behind every place that a problem can have.
    pub text: String,
}

impl ReadDocument {
    pub(crate) fn new(path: &Path, bytes: &[u8]) -> Self {
        Self {
            path: path.to_owned(),
            text: String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

impl Findings {
    fn new(mut problems: Vec<Problem>, document: Option<ReadDocument>) -> Self {
        problems.sort();
        Self { problems, document }
    }

    /// Whether a registry would refuse it.
    pub fn is_refused(&self) -> bool {
        let is_refused = |problem: &Problem| problem.severity == Severity::Refused;
        self.problems.iter().any(is_refused)
    }
}

/// A file that manifest and package disagree about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Disagreement {
    /// In the package, not in the manifest.
    #[error(
        "`{0}` is in the package, but `registry.json` does not declare it; declare it or leave it out"
    )]
    Undeclared(FilePath),
    /// In the manifest, not in the package.
    #[error("`registry.json` declares `{0}`, which is not in the package")]
    Missing(FilePath),
}

impl Disagreement {
    /// The code of the answer (protocol.md, "Publishing").
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Undeclared(_) => ErrorCode::UndeclaredFile,
            Self::Missing(_) => ErrorCode::FileNotFound,
        }
    }

    /// The file.
    pub fn path(&self) -> &FilePath {
        match self {
            Self::Undeclared(path) | Self::Missing(path) => path,
        }
    }
}

/// Every file that manifest and package disagree about, undeclared ones first.
pub fn disagreements<'a>(
    manifest: &'a Manifest,
    packed: impl Iterator<Item = &'a FilePath>,
) -> Vec<Disagreement> {
    disagreements_between(manifest.declared_files(), packed)
}

fn disagreements_between<'a>(
    declared: impl Iterator<Item = &'a FilePath>,
    packed: impl Iterator<Item = &'a FilePath>,
) -> Vec<Disagreement> {
    let declared: BTreeSet<&FilePath> = declared.collect();
    let packed: BTreeSet<&FilePath> = packed.filter(|path| !path.is_manifest()).collect();
    let undeclared = packed
        .difference(&declared)
        .map(|path| Disagreement::Undeclared((*path).clone()));
    let missing = declared
        .difference(&packed)
        .filter(|path| !path.is_manifest())
        .map(|path| Disagreement::Missing((*path).clone()));
    undeclared.chain(missing).collect()
}

/// Checks a `preset.json`.
pub fn check_preset(path: &Path) -> Result<Findings> {
    let bytes = match read(path)? {
        Ok(bytes) => bytes,
        Err(problem) => return Ok(Findings::new(vec![problem], None)),
    };
    let faults = schema::check_preset(&bytes).err().unwrap_or_default();
    let document = ReadDocument::new(path, &bytes);
    Ok(Findings::new(at_their_places(path, faults), Some(document)))
}

/// Reads a document; that there is none, or something else in its place, is a problem and no error.
fn read(path: &Path) -> Result<Result<Vec<u8>, Problem>> {
    let name = path.file_name().unwrap_or_default().display();
    let refused = |why: &dyn std::fmt::Display| {
        Problem::refused(path, why).with_code(ErrorCode::UploadFailed)
    };
    match regular::read_at_most(path, Limits::DOCUMENT.as_u64()) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            Ok(Err(refused(&format_args!("there is no `{name}`"))))
        }
        Err(cause) if regular::is_refusal(&cause) => Ok(Err(refused(&cause))),
        bytes => bytes.at("read", path).map(Ok),
    }
}
