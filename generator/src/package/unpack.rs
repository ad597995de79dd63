//! Unpacks an archive that a stranger made: the order of the steps. Each rule lives in a room of its own.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use super::compression::Decoded;
use super::entry_path::entry_path;
use super::header::Kind;
use super::layout::Layout;
use super::tar_reader::{Entry, TarReader};
use super::target::Target;
use super::{ArchiveFault, Limits, Reason, UnpackError};
use crate::model::manifest::MANIFEST_FILE;
use crate::model::{FilePath, InvalidName, StoredFile};

/// What an archive held. Its folders are not told: files make a release, and folders follow from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// The files, by their paths below the folder that they were unpacked into.
    pub files: BTreeMap<FilePath, StoredFile>,
}

impl Unpacked {
    /// The `registry.json` at the root.
    pub fn manifest(&self) -> Option<&StoredFile> {
        let at_root = |(path, file)| (FilePath::as_str(path) == MANIFEST_FILE).then_some(file);
        self.files.iter().find_map(at_root)
    }
}

/// Unpacks `archive` into `into`, a folder that is empty and nobody else's. Nothing is synced to disk.
///
/// One single top-level folder that holds everything is taken away, unless `registry.json` is at the root
/// already (protocol.md, "Publishing").
///
/// # Errors
///
/// [`UnpackError::Refused`] for every row of the table in hostile-archives.md and for what is past
/// `limits`; nothing past a limit is written. After any error `into` holds a part of the archive, and the
/// caller removes it.
pub fn unpack(
    archive: &mut impl Read,
    into: &Path,
    limits: &Limits,
) -> Result<Unpacked, UnpackError> {
    let mut tar = TarReader::new(Decoded::new(archive, limits)?);
    let mut layout = Layout::new(limits.max_entries);
    let mut target = Target::new(into);
    let mut files = BTreeMap::new();
    while let Some(entry) = tar.next_entry()? {
        match (entry.kind, entry_path(&entry)?) {
            (Kind::File, Some(path)) => {
                check_size(&entry, limits)?;
                layout.add_file(&path)?;
                let stored = target.write(&path, |buffer| tar.read(buffer))?;
                files.insert(path, stored);
            }
            (_, folder) => layout.add_folder(folder.as_ref())?,
        }
    }
    let mut unpacked = Unpacked { files };
    if unpacked.manifest().is_none()
        && let Some(folder) = layout.only_folder()
        && !unpacked.files.is_empty()
    {
        target.lift(folder)?;
        unpacked.files =
            lifted(unpacked.files).map_err(|fault| Reason::PathIllegal.fault(fault.to_string()))?;
    }
    check_manifest_size(&unpacked, limits)?;
    Ok(unpacked)
}

fn check_size(entry: &Entry, limits: &Limits) -> Result<(), ArchiveFault> {
    if entry.size > limits.max_file.as_u64() {
        let problem = format!("is larger than {}", limits.max_file);
        return Err(Reason::ExpandsTooFar.fault(problem).at(&entry.path));
    }
    Ok(())
}

/// Only at the end is it known which file is the manifest. Until then it was one file like others.
fn check_manifest_size(unpacked: &Unpacked, limits: &Limits) -> Result<(), ArchiveFault> {
    match unpacked.manifest() {
        Some(manifest) if manifest.len > limits.max_manifest.as_u64() => {
            let problem = format!("is larger than {}", limits.max_manifest);
            Err(Reason::ExpandsTooFar
                .fault(problem)
                .at(MANIFEST_FILE.as_bytes()))
        }
        _ => Ok(()),
    }
}

/// The same files without their first segment.
fn lifted(
    files: BTreeMap<FilePath, StoredFile>,
) -> Result<BTreeMap<FilePath, StoredFile>, InvalidName> {
    files
        .into_iter()
        .map(|(path, file)| {
            let below = path.as_str().split_once('/').map_or("", |(_, below)| below);
            Ok((below.parse()?, file))
        })
        .collect()
}
