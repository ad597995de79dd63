//! Unpacks an archive that a stranger made: the order of the steps. Each rule lives in a room of its own.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use bytesize::ByteSize;

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
        let at_root = |(path, file)| FilePath::is_manifest(path).then_some(file);
        self.files.iter().find_map(at_root)
    }
}

/// What an archive held that may be refused, and everything that it is refused for.
#[derive(Debug)]
pub struct Inspected {
    /// The files that were unpacked.
    pub files: BTreeMap<FilePath, StoredFile>,
    /// What is wrong with the archive and its entries, in their order.
    pub faults: Vec<ArchiveFault>,
    /// Whether it was read to its end. What it lacks is only known then.
    pub is_complete: bool,
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
    let mut files = BTreeMap::new();
    let only_folder = unpack_entries(archive, into, limits, &mut files, Err)?;
    let unpacked = lift(into, only_folder, files)?;
    check_manifest_size(&unpacked, limits)?;
    Ok(unpacked)
}

/// Unpacks what can be unpacked of `archive`, as [`unpack`] does, and names all that it is refused for: an entry at
/// fault is left out, and a fault of the archive itself ends it.
///
/// # Errors
///
/// Those of the disks. What `into` then holds is a part of the archive.
pub fn inspect(
    archive: &mut impl Read,
    into: &Path,
    limits: &Limits,
) -> Result<Inspected, UnpackError> {
    /// Nobody mends more in one go, and a hostile archive has millions.
    const FAULTS_MAX: usize = 1000;
    let mut files = BTreeMap::new();
    let mut faults = Vec::new();
    let read = unpack_entries(archive, into, limits, &mut files, |fault| {
        if fault.path().is_none() || faults.len() == FAULTS_MAX {
            return Err(fault);
        }
        if !faults.contains(&fault) {
            faults.push(fault);
        }
        Ok(())
    });
    let (only_folder, is_complete) = match read {
        Ok(folder) => (folder, true),
        Err(UnpackError::Refused(fault)) => {
            faults.push(fault);
            (None, false)
        }
        Err(other) => return Err(other),
    };
    let unpacked = lift(into, only_folder, files)?;
    if let Err(fault) = check_manifest_size(&unpacked, limits) {
        faults.push(fault);
    }
    Ok(Inspected {
        files: unpacked.files,
        faults,
        is_complete,
    })
}

/// Unpacks entry by entry into `files`, and tells which folder holds everything. `refuse` is told of an entry that
/// is refused, and lets the rest be unpacked or not.
fn unpack_entries(
    archive: &mut impl Read,
    into: &Path,
    limits: &Limits,
    files: &mut BTreeMap<FilePath, StoredFile>,
    mut refuse: impl FnMut(ArchiveFault) -> Result<(), ArchiveFault>,
) -> Result<Option<String>, UnpackError> {
    let mut tar = TarReader::new(Decoded::new(archive, limits)?);
    let mut layout = Layout::new(limits.max_entries);
    let mut target = Target::new(into);
    while let Some(entry) = tar.next_entry()? {
        match entry.and_then(|entry| admit(&entry, &mut layout, limits)) {
            Ok(Some(path)) => {
                let stored = target.write(&path, |buffer| tar.read(buffer))?;
                files.insert(path, stored);
            }
            Ok(None) => {}
            Err(fault) => refuse(fault)?,
        }
    }
    Ok(layout.only_folder().map(str::to_owned))
}

/// Where the entry is written; folders are not, they come with the files in them.
fn admit(
    entry: &Entry,
    layout: &mut Layout,
    limits: &Limits,
) -> Result<Option<FilePath>, ArchiveFault> {
    match (entry.kind, entry_path(entry)?) {
        (Kind::File, Some(path)) => {
            check_size(&entry.path, entry.size, limits.max_file)?;
            layout.add_file(&path)?;
            Ok(Some(path))
        }
        (_, folder) => layout.add_folder(folder.as_ref()).map(|()| None),
    }
}

/// Takes the folder away that holds everything.
fn lift(
    into: &Path,
    only_folder: Option<String>,
    files: BTreeMap<FilePath, StoredFile>,
) -> Result<Unpacked, UnpackError> {
    let mut unpacked = Unpacked { files };
    if unpacked.manifest().is_none()
        && let Some(folder) = only_folder
        && !unpacked.files.is_empty()
    {
        Target::new(into).lift(&folder)?;
        unpacked.files =
            lifted(unpacked.files).map_err(|fault| Reason::PathIllegal.fault(fault.to_string()))?;
    }
    Ok(unpacked)
}

/// Checks that a file is no larger than it may be.
pub(super) fn check_size(path: &[u8], size: u64, max: ByteSize) -> Result<(), ArchiveFault> {
    match size > max.as_u64() {
        true => {
            let problem = format!("is larger than {max}");
            Err(Reason::ExpandsTooFar.fault(problem).at(path))
        }
        false => Ok(()),
    }
}

/// Only at the end is it known which file is the manifest. Until then it was one file like others.
fn check_manifest_size(unpacked: &Unpacked, limits: &Limits) -> Result<(), ArchiveFault> {
    let size = unpacked.manifest().map_or(0, |manifest| manifest.len);
    check_size(MANIFEST_FILE.as_bytes(), size, limits.max_manifest)
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
