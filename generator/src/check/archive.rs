//! The check of an archive: everything that a registry would refuse it for. What its entries may be is decided in
//! `package`.

use std::fmt::Display;
use std::fs::{self, File};
use std::path::Path;

use super::manifest::CheckedManifest;
use super::{Disagreement, Findings, ReadDocument, suggest};
use crate::error::{At, Result};
use crate::error_code::ErrorCode;
use crate::model::FilePath;
use crate::model::manifest::MANIFEST_FILE;
use crate::package::{Inspected, Limits, UnpackError, inspect};
use crate::report::Problem;

/// Checks an archive. Its manifest is called `<archive>/registry.json`.
pub fn check_archive(path: &Path, limits: &Limits) -> Result<Findings> {
    let mut archive = File::open(path).at("open", path)?;
    let folder = tempfile::tempdir().at("create", &std::env::temp_dir())?;
    let refused = |why: &dyn Display, code| Problem::refused(path, why).with_code(code);
    let found = match inspect(&mut archive, folder.path(), limits) {
        Ok(found) => found,
        Err(UnpackError::Refused(fault)) => {
            let problem = refused(&fault, fault.code());
            return Ok(Findings::new(vec![problem], None));
        }
        Err(UnpackError::Source(cause)) => return Err(cause).at("read", path),
        Err(UnpackError::Disk { path, source }) => return Err(source).at("write", &path),
    };
    let faults = found.faults.iter();
    let mut problems: Vec<_> = faults.map(|fault| refused(fault, fault.code())).collect();
    let is_manifest = |file: &FilePath| file.is_manifest();
    if !found.files.keys().any(is_manifest) {
        // What was cut off may have had one.
        if found.is_complete {
            let why = "the archive has no `registry.json` at its root";
            problems.push(refused(&why, ErrorCode::UploadFailed));
        }
        return Ok(Findings::new(problems, None));
    }
    let unpacked = folder.path().join(MANIFEST_FILE);
    let bytes = fs::read(&unpacked).at("read", &unpacked)?;
    let name = path.join(MANIFEST_FILE);
    match CheckedManifest::of(&name, &bytes) {
        Err(fault) => problems.push(Problem::of_fault(&name, ErrorCode::UploadFailed, fault)),
        Ok(mut manifest) => {
            problems.extend(undeclared(path, &mut manifest, &found));
            problems.append(&mut manifest.problems);
        }
    }
    Ok(Findings::new(
        problems,
        Some(ReadDocument::new(&name, &bytes)),
    ))
}

/// The files that are not declared; those that are missing are refused in the manifest.
fn undeclared(
    archive: &Path,
    manifest: &mut CheckedManifest<'_>,
    found: &Inspected,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut spare = Vec::new();
    for disagreement in manifest.disagreements(found.files.keys()) {
        match &disagreement {
            Disagreement::Undeclared(file) => {
                spare.push(file.clone());
                problems.push(Problem {
                    suggestion: Some(Box::new(suggest::declare(file))),
                    ..Problem::refused(archive, &disagreement).with_code(disagreement.code())
                });
            }
            Disagreement::Missing(file) if is_missing(file, found) => {
                manifest.refuse_missing(&disagreement, &spare);
            }
            Disagreement::Missing(_) => {}
        }
    }
    problems
}

/// Whether the archive lacks a file, as far as that is known: it may have been cut off before, or be refused for it.
fn is_missing(file: &FilePath, found: &Inspected) -> bool {
    let mut blamed = found.faults.iter().filter_map(|fault| fault.path());
    found.is_complete && !blamed.any(|path| path.ends_with(file.as_str()))
}
