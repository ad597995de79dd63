//! What a registry found in a package, as what `rackgen check` finds there. It is all a stranger's text.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::check::{Disagreement, Findings, ReadDocument, check_archive};
use crate::error_code::ErrorCode;
use crate::model::manifest::MANIFEST_FILE;
use crate::model::{FilePath, Words};
use crate::package::Limits;
use crate::regular;
use crate::report::{Problem, at_their_places};
use crate::schema::SchemaFault;

/// What belongs to the codes that name more than one problem (protocol.md, "Publishing").
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    code: String,
    errors: Vec<ManifestFault>,
    paths: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct ManifestFault {
    path: String,
    line: usize,
    column: usize,
    message: String,
}

/// The problems of an answer, with the manifest that they are in.
pub(super) fn findings(package: &Path, answer: &Value) -> Findings {
    let details = Details::deserialize(answer).unwrap_or_default();
    let faults = details.errors.into_iter().map(SchemaFault::from).collect();
    let mut problems = at_their_places(&package.join(MANIFEST_FILE), faults);
    let files = details.paths.iter().filter_map(|path| path.parse().ok());
    let is_of = |code: ErrorCode| details.code == code.as_str();
    let disagreement: Option<fn(FilePath) -> Disagreement> = if is_of(ErrorCode::UndeclaredFile) {
        Some(Disagreement::Undeclared)
    } else if is_of(ErrorCode::FileNotFound) {
        Some(Disagreement::Missing)
    } else {
        None
    };
    if let Some(disagreement) = disagreement {
        problems.extend(files.map(disagreement).map(|disagreement| {
            Problem::refused(package, &disagreement).with_code(disagreement.code())
        }));
    }
    let document = match problems.iter().any(|problem| problem.place.is_some()) {
        true => manifest(package),
        false => None,
    };
    Findings { problems, document }
}

/// The manifest of a folder or an archive, for excerpts: without it there are none.
fn manifest(package: &Path) -> Option<ReadDocument> {
    if package.is_dir() {
        let path = package.join(MANIFEST_FILE);
        let bytes = regular::read_at_most(&path, Limits::DOCUMENT.as_u64()).ok()?;
        return Some(ReadDocument::new(&path, &bytes));
    }
    let found = check_archive(package, &Limits::default()).ok()?;
    found.document
}

impl From<ManifestFault> for SchemaFault {
    fn from(fault: ManifestFault) -> Self {
        Self {
            path: fault.path,
            line: fault.line.max(1),
            column: fault.column.max(1),
            // Where it ends is not told.
            end_column: fault.column.max(1).saturating_add(1),
            message: Words(&fault.message).to_string(),
            meant: None,
            // A publish of no JSON is refused before it has such a list.
            is_syntax: false,
        }
    }
}
