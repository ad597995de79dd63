//! A manifest under check: what it declares, read as far as it can be, and what is wrong with it so far. Files and
//! archives may not enter.

use std::collections::BTreeMap;
use std::path::Path;

use super::suggest::nearest_file;
use super::{Disagreement, disagreements_between};
use crate::error_code::ErrorCode;
use crate::model::{FilePath, ReleaseId};
use crate::report::{Problem, at_their_places};
use crate::schema::{self, Document, NoIdentity, SchemaFault};

pub(super) struct CheckedManifest<'a> {
    path: &'a Path,
    document: Document<'a>,
    /// Every declared file, and the pointer to where it is declared first.
    declared: BTreeMap<FilePath, String>,
    /// What it is; none if it cannot be published as it is.
    pub(super) release: Option<ReleaseId>,
    pub(super) problems: Vec<Problem>,
}

impl<'a> CheckedManifest<'a> {
    /// Judges a manifest by itself; if it is no JSON, that is all there is to say.
    pub(super) fn of(path: &'a Path, bytes: &'a [u8]) -> Result<Self, SchemaFault> {
        let document = Document::parse(bytes)?;
        let mut declared = BTreeMap::new();
        for (file, pointer) in document.declared_files() {
            declared.entry(file).or_insert(pointer);
        }
        let mut manifest = Self {
            path,
            document,
            declared,
            release: None,
            problems: Vec::new(),
        };
        // The schema says everything else that an identity can lack, and where.
        if let Err(why @ NoIdentity::OtherName { .. }) = schema::identity(bytes) {
            manifest.refuse("/path", ErrorCode::UploadFailed, why.to_string(), None);
        }
        match schema::check_manifest(bytes).map(|valid| valid.release_id()) {
            Ok(Ok(id)) => manifest.release = Some(id),
            Ok(Err(invalid)) => {
                manifest.refuse("/path", ErrorCode::UploadFailed, invalid.to_string(), None);
            }
            Err(faults) => manifest.problems.extend(at_their_places(path, faults)),
        }
        Ok(manifest)
    }

    pub(super) fn declares(&self, file: &FilePath) -> bool {
        self.declared.contains_key(file)
    }

    /// Whether it declares a file below this folder.
    pub(super) fn declares_below(&self, folder: &str) -> bool {
        let below = format!("{folder}/");
        self.declared
            .keys()
            .any(|file| file.as_str().starts_with(&below))
    }

    /// What it and the package disagree about.
    pub(super) fn disagreements<'b>(
        &'b self,
        packed: impl Iterator<Item = &'b FilePath>,
    ) -> Vec<Disagreement> {
        disagreements_between(self.declared.keys(), packed)
    }

    /// Refuses what is declared and not there, with the nearest of the `spare` files, which are there and not
    /// declared.
    pub(super) fn refuse_missing(&mut self, missing: &Disagreement, spare: &[FilePath]) {
        let file = missing.path();
        let near = nearest_file(file, spare).map(ToString::to_string);
        let pointer = self.declared.get(file).cloned().unwrap_or_default();
        self.refuse(&pointer, missing.code(), missing.to_string(), near);
    }

    fn refuse(&mut self, pointer: &str, code: ErrorCode, message: String, meant: Option<String>) {
        let fault = self.document.fault(pointer, message, meant);
        self.problems
            .push(Problem::of_fault(self.path, code, fault));
    }
}
