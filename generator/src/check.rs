//! The rules of a publish that need no server: what a manifest and the files beside it must agree on.
//!
//! The daemon asks the same questions of an upload, in the order of protocol.md; here they are asked of
//! folders and archives, all at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::error::{At, Result};
use crate::error_code::ErrorCode;
use crate::model::manifest::MANIFEST_FILE;
use crate::model::{FilePath, Manifest, ReleaseId};
use crate::package::{Limits, UnpackError, unpack};
use crate::report::Problem;
use crate::schema;
use crate::source::load::at_their_places;

/// A folder that can be packed and published.
#[derive(Debug)]
pub struct CheckedFolder {
    /// What it will be.
    pub id: ReleaseId,
    /// What is packed, and where it is.
    pub files: BTreeMap<FilePath, PathBuf>,
    /// What lies there besides, and is not packed.
    pub warnings: Vec<Problem>,
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
    manifest: &Manifest,
    packed: impl Iterator<Item = &'a FilePath>,
) -> Vec<Disagreement> {
    let declared: BTreeSet<&FilePath> = manifest.declared_files().collect();
    let packed: BTreeSet<&FilePath> = packed
        .filter(|path| path.as_str() != MANIFEST_FILE)
        .collect();
    let undeclared = packed
        .difference(&declared)
        .map(|path| Disagreement::Undeclared((*path).clone()));
    let missing = declared
        .difference(&packed)
        .filter(|path| path.as_str() != MANIFEST_FILE)
        .map(|path| Disagreement::Missing((*path).clone()));
    undeclared.chain(missing).collect()
}

/// Checks a version's folder: what it will be, or everything that is wrong with it.
pub fn check_folder(folder: &Path) -> Result<Result<CheckedFolder, Vec<Problem>>> {
    let path = folder.join(MANIFEST_FILE);
    let manifest = match check_manifest(&path)? {
        Ok(manifest) => manifest,
        Err(problems) => return Ok(Err(problems)),
    };
    let id = match manifest.release_id() {
        Ok(id) => id,
        Err(fault) => return Ok(Err(vec![Problem::refused(path, fault)])),
    };
    let mut warnings = Vec::new();
    let declared: BTreeSet<&FilePath> = manifest.declared_files().collect();
    let manifest_path = MANIFEST_FILE.parse().ok();
    let mut files: BTreeMap<FilePath, PathBuf> =
        manifest_path.map(|name| (name, path)).into_iter().collect();
    for entry in WalkDir::new(folder).min_depth(1).sort_by_file_name() {
        let entry = entry.at("walk", folder)?;
        let relative = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        match relative.to_string_lossy().parse::<FilePath>() {
            _ if entry.file_type().is_dir() => {}
            Ok(file) if file.as_str() == MANIFEST_FILE => {}
            Ok(file) if declared.contains(&file) && entry.file_type().is_file() => {
                files.insert(file, entry.path().to_owned());
            }
            _ => warnings.push(Problem::warning(
                entry.path(),
                "`registry.json` does not declare it, so it is not packed",
            )),
        }
    }
    let missing: Vec<Problem> = disagreements(&manifest, files.keys())
        .into_iter()
        .map(|disagreement| Problem::refused(folder.join(MANIFEST_FILE), disagreement))
        .collect();
    Ok(match missing.is_empty() {
        true => Ok(CheckedFolder {
            id,
            files,
            warnings,
        }),
        false => Err(missing),
    })
}

/// Checks an archive: everything that a registry would refuse it for.
pub fn check_archive(path: &Path, limits: &Limits) -> Result<Vec<Problem>> {
    let mut archive = File::open(path).at("open", path)?;
    let folder = tempfile::tempdir().at("create", &std::env::temp_dir())?;
    let unpacked = match unpack(&mut archive, folder.path(), limits) {
        Ok(unpacked) => unpacked,
        Err(UnpackError::Refused(fault)) => return Ok(vec![Problem::refused(path, fault)]),
        Err(UnpackError::Source(cause)) => return Err(cause).at("read", path),
        Err(UnpackError::Disk { path, source }) => return Err(source).at("write", &path),
    };
    let manifest = match check_manifest(&folder.path().join(MANIFEST_FILE))? {
        Ok(manifest) => manifest,
        Err(problems) => {
            // Named by the archive: the folder is gone by the time that anyone reads this.
            let in_archive = |problem: Problem| Problem {
                path: path.join(MANIFEST_FILE),
                ..problem
            };
            return Ok(problems.into_iter().map(in_archive).collect());
        }
    };
    let mut problems: Vec<Problem> = disagreements(&manifest, unpacked.files.keys())
        .into_iter()
        .map(|disagreement| Problem::refused(path, disagreement))
        .collect();
    if let Err(fault) = manifest.release_id() {
        problems.push(Problem::refused(path, fault));
    }
    Ok(problems)
}

/// Identity and schema of a manifest on disk.
fn check_manifest(path: &Path) -> Result<Result<Manifest, Vec<Problem>>> {
    let text = match fs::read(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            return Ok(Err(vec![Problem::refused(
                path,
                "there is no `registry.json`",
            )]));
        }
        read => read.at("read", path)?,
    };
    let faults = match schema::check_manifest(&text) {
        Ok(manifest) => match schema::identity(&text) {
            Ok(_) => return Ok(Ok(manifest)),
            Err(why) => vec![Problem::refused(path, why)],
        },
        Err(faults) => at_their_places(path, faults),
    };
    Ok(Err(faults))
}
