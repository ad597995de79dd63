//! The check of a version's folder: what it will be when it is packed. What is packed is what the manifest declares;
//! what lies there besides is left out, with a warning.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::manifest::CheckedManifest;
use super::{Findings, ReadDocument, read, suggest};
use crate::error::{At, Result};
use crate::error_code::ErrorCode;
use crate::model::manifest::MANIFEST_FILE;
use crate::model::{FilePath, ReleaseId};
use crate::package::{Limits, PackError, foresee};
use crate::report::Problem;

/// A folder that can be packed and published.
#[derive(Debug)]
pub struct CheckedFolder {
    /// What it will be.
    pub id: ReleaseId,
    /// What is packed, and where it is.
    pub files: BTreeMap<FilePath, PathBuf>,
}

/// Checks a version's folder: everything that is wrong with it, and what it will be if nothing is refused. Without
/// `limits`, where the registry's are not known, sizes are left to it.
pub fn check_folder(
    folder: &Path,
    limits: Option<&Limits>,
) -> Result<(Findings, Option<CheckedFolder>)> {
    let path = folder.join(MANIFEST_FILE);
    let bytes = match read(&path)? {
        Ok(bytes) => bytes,
        Err(problem) => return Ok((Findings::new(vec![problem], None), None)),
    };
    let document = ReadDocument::new(&path, &bytes);
    let mut manifest = match CheckedManifest::of(&path, &bytes) {
        Ok(manifest) => manifest,
        Err(fault) => {
            let problem = Problem::of_fault(&path, ErrorCode::UploadFailed, fault);
            return Ok((Findings::new(vec![problem], Some(document)), None));
        }
    };
    let mut contents = Contents::of(folder, &manifest)?;
    let there = contents.files.keys().chain(&contents.irregular);
    for missing in manifest.disagreements(there) {
        manifest.refuse_missing(&missing, &contents.spare);
    }
    if let Ok(name) = MANIFEST_FILE.parse() {
        contents.files.insert(name, path.clone());
    }
    let faults = match foresee(&contents.files, limits) {
        Ok(faults) => faults,
        Err(PackError::File { path, source }) => return Err(source).at("read", &path),
        Err(PackError::Archive(cause)) => return Err(cause).at("write", &std::env::temp_dir()),
    };
    let mut problems = manifest.problems;
    problems.append(&mut contents.problems);
    problems.extend(faults.into_iter().map(|fault| {
        let path = fault
            .path()
            .map_or(folder.to_owned(), |file| folder.join(file));
        Problem::refused(path, &fault).with_code(fault.code())
    }));
    let findings = Findings::new(problems, Some(document));
    let release = manifest.release.filter(|_| !findings.is_refused());
    let checked = release.map(|id| CheckedFolder {
        id,
        files: contents.files,
    });
    Ok((findings, checked))
}

/// What lies in a folder beside its manifest.
#[derive(Default)]
struct Contents {
    /// What is declared, and where it is.
    files: BTreeMap<FilePath, PathBuf>,
    /// What is declared and no regular file.
    irregular: Vec<FilePath>,
    /// What could be declared and is not.
    spare: Vec<FilePath>,
    problems: Vec<Problem>,
}

impl Contents {
    fn of(folder: &Path, manifest: &CheckedManifest<'_>) -> Result<Self> {
        let mut contents = Self::default();
        let mut walk = WalkDir::new(folder)
            .min_depth(1)
            .sort_by_file_name()
            .into_iter();
        while let Some(entry) = walk.next() {
            let entry = entry.at("walk", folder)?;
            let relative = entry.path().strip_prefix(folder).unwrap_or(entry.path());
            let relative = relative.to_string_lossy();
            if entry.file_type().is_dir() && contents.leaves_out(&entry, &relative, manifest) {
                walk.skip_current_dir();
            } else if relative != MANIFEST_FILE {
                contents.add(&entry, &relative, manifest);
            }
        }
        Ok(contents)
    }

    /// Warns of a whole folder, such as `node_modules`: a line for each of thousands of files helps nobody.
    fn leaves_out(
        &mut self,
        folder: &DirEntry,
        name: &str,
        manifest: &CheckedManifest<'_>,
    ) -> bool {
        const FEW: usize = 10;
        let files = WalkDir::new(folder.path()).into_iter().flatten();
        let files = files.filter(|entry| !entry.file_type().is_dir());
        let leaves_out = !manifest.declares_below(name) && files.take(FEW + 1).count() > FEW;
        if leaves_out {
            let what = "`registry.json` declares nothing in this folder, so none of it is packed";
            self.warn(folder, what);
        }
        leaves_out
    }

    fn add(&mut self, entry: &DirEntry, relative: &str, manifest: &CheckedManifest<'_>) {
        const UNDECLARED: &str = "`registry.json` does not declare it, so it is not packed";
        let is_file = entry.file_type().is_file();
        match relative.parse::<FilePath>() {
            Ok(file) if manifest.declares(&file) && is_file => {
                self.files.insert(file, entry.path().to_owned());
            }
            Ok(file) if manifest.declares(&file) => {
                self.irregular.push(file);
                let why = "`registry.json` declares it, but only regular files are packed, and links are not followed";
                let problem = Problem::refused(entry.path(), why);
                self.problems.push(problem.with_code(ErrorCode::UnsafeFile));
            }
            _ if entry.file_type().is_dir() => {}
            Ok(file) if is_file => {
                self.warn(entry, UNDECLARED).suggestion = Some(Box::new(suggest::declare(&file)));
                self.spare.push(file);
            }
            Ok(_) => {
                self.warn(entry, UNDECLARED);
            }
            Err(invalid) => {
                self.warn(entry, &format!("{invalid}; so it is not packed"));
            }
        }
    }

    fn warn(&mut self, entry: &DirEntry, why: &str) -> &mut Problem {
        let problem = Problem::warning(entry.path(), why).with_code(ErrorCode::UndeclaredFile);
        self.problems.push_mut(problem)
    }
}
