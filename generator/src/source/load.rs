//! Loads versions and presets: reads, checks and hashes every file. A fault refuses the version it is in,
//! with a problem that says where; the rest is loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{self, ErrorKind};
use std::path::Path;

use jiff::Timestamp;
use rustix::fs::FileType;

use super::SourceTree;
use super::folder::{self, FoundFile, unseen};
use super::signature::Sight;
use crate::hashing;
use crate::model::manifest::MANIFEST_FILE;
use crate::model::{
    ContentDigest, FilePath, History, Manifest, PresetName, ReleaseId, Sha256, StoredFile, Version,
};
use crate::package::Limits;
use crate::regular;
use crate::report::Problem;
pub use crate::report::at_their_places;
use crate::schema;

/// A version, read.
#[derive(Debug)]
pub struct Loaded {
    /// What its folder looked like before anything in it was read: what changes from then on shows.
    pub sight: Sight,
    /// What it holds.
    pub files: BTreeMap<FilePath, StoredFile>,
    /// Its `registry.json`.
    pub manifest: StoredFile,
    /// What it is.
    pub digest: ContentDigest,
    /// When the youngest of its files was written.
    pub youngest: Timestamp,
    /// The bytes of its files, as far as they were small enough to keep: they are wanted once more.
    pub bytes: BTreeMap<FilePath, Vec<u8>>,
    /// What of it is not served, and why.
    pub problems: Vec<Problem>,
}

/// Bytes of one version's files that are kept in memory, at most.
const KEPT: usize = 4 << 20;

impl SourceTree {
    /// Reads a version and checks it against everything that a folder has to be; all that is wrong with it, if
    /// anything is.
    pub fn load_release(&self, id: &ReleaseId) -> Result<Loaded, Vec<Problem>> {
        Self::load_release_in(id, &self.release(id))
    }

    /// The same, of a folder that may not be in its place yet.
    pub fn load_release_in(id: &ReleaseId, folder: &Path) -> Result<Loaded, Vec<Problem>> {
        let found = folder::files(folder).map_err(|what| vec![unseen(folder, what)])?;
        let path = folder.join(MANIFEST_FILE);
        let text = read_document(&path).map_err(|problem| vec![problem])?;
        let manifest =
            schema::check_manifest(&text).map_err(|faults| at_their_places(&path, faults))?;
        if let Some(why) = contradiction(id, &manifest) {
            return Err(vec![Problem::refused(path, why)]);
        }
        let declared: BTreeSet<_> = manifest.declared_files().collect();
        let loaded = load_files(folder, found, &declared, text)?;
        let missing: Vec<Problem> = declared
            .iter()
            .filter(|file| !loaded.files.contains_key(**file))
            .map(|file| {
                Problem::refused(&path, format!("it declares `{file}`, which is not there"))
            })
            .collect();
        match missing.is_empty() {
            true => Ok(loaded),
            false => Err(missing),
        }
    }

    /// Loads a preset; none if it cannot be served.
    pub fn load_preset(
        &self,
        name: &PresetName,
        problems: &mut Vec<Problem>,
    ) -> Option<StoredFile> {
        let path = self.preset(name);
        let mut refuse = |problem| {
            problems.push(problem);
            None
        };
        let text = match read_document(&path) {
            Ok(text) => text,
            Err(problem) => return refuse(problem),
        };
        match schema::check_preset(&text) {
            Ok(preset) if preset.name == *name => Some(StoredFile {
                sha256: Sha256::of(&text),
                len: text.len() as u64,
            }),
            Ok(preset) => {
                let why = format!(
                    "it says it is `{}`, but its folder is `{name}`",
                    preset.name
                );
                refuse(Problem::refused(path, why))
            }
            Err(faults) => {
                problems.extend(at_their_places(&path, faults));
                None
            }
        }
    }
}

/// Reads what must be a regular file.
fn read_document(path: &Path) -> Result<Vec<u8>, Problem> {
    regular::read_at_most(path, Limits::DOCUMENT.as_u64()).map_err(|cause| match cause.kind() {
        ErrorKind::NotFound => Problem::refused(path, "there is no such file"),
        _ => unreadable(path, &cause),
    })
}

/// What the disk says, or that it is no regular file.
fn unreadable(path: &Path, cause: &io::Error) -> Problem {
    match regular::is_refusal(cause) {
        true => Problem::refused(path, cause),
        false => Problem::unread(path, cause),
    }
}

/// The version that is served in place of this one: of versions that differ in build metadata only,
/// the one with a publish event, else the byte-lowest (protocol.md, "Names"). One that was removed for good stands in
/// nobody's way.
pub fn better_twin<'a>(
    version: &Version,
    versions: impl Iterator<Item = &'a Version>,
    history: &History,
) -> Option<&'a Version> {
    let is_published = |version: &Version| history.of(version).published.is_some();
    let is_removed = |version: &Version| history.of(version).removed.is_some();
    versions
        .filter(|other| other.is_twin_of(version) && !is_removed(other))
        .min_by_key(|twin| (!is_published(twin), twin.to_string()))
        .filter(|best| *best != version)
}
/// The folder is the address; a manifest that says otherwise is not served from it.
fn contradiction(id: &ReleaseId, manifest: &Manifest) -> Option<String> {
    let says = |what, said: &dyn std::fmt::Display, folder: &dyn std::fmt::Display| {
        Some(format!(
            "its {what} is `{said}`, but its folder says `{folder}`"
        ))
    };
    let item = &id.item;
    if manifest.namespace != item.namespace {
        return says("namespace", &manifest.namespace, &item.namespace);
    }
    if manifest.name.as_str() != item.path.name() {
        return says("name", &manifest.name, &item.path.name());
    }
    if manifest.version != id.version {
        return says("version", &manifest.version, &id.version);
    }
    None
}

/// Every file of a version that is served. `text` is that of its manifest, which was read before.
fn load_files(
    folder: &Path,
    (found, sight): (Vec<FoundFile>, Sight),
    declared: &BTreeSet<&FilePath>,
    text: Vec<u8>,
) -> Result<Loaded, Vec<Problem>> {
    let mut loaded = Loaded {
        sight,
        files: BTreeMap::new(),
        manifest: StoredFile {
            sha256: Sha256::of(&text),
            len: text.len() as u64,
        },
        digest: ContentDigest::of(std::iter::empty()),
        youngest: Timestamp::UNIX_EPOCH,
        bytes: BTreeMap::new(),
        problems: Vec::new(),
    };
    let mut kept = 0;
    let mut text = Some(text);
    for FoundFile {
        path: relative,
        kind,
        written,
    } in found
    {
        let path = folder.join(&relative);
        if kind != FileType::RegularFile {
            let why = "only regular files are served, links are not followed";
            loaded.problems.push(Problem::refused(path, why));
            continue;
        }
        let file: FilePath = match relative.to_string_lossy().parse() {
            Ok(file) => file,
            Err(fault) => {
                loaded.problems.push(Problem::refused(path, fault));
                continue;
            }
        };
        if file.is_hidden() && !declared.contains(&file) {
            let why = "a hidden file that the manifest does not declare is not served";
            loaded.problems.push(Problem::warning(path, why));
            continue;
        }
        let (stored, held) = match text.take_if(|_| file.is_manifest()) {
            Some(text) => (loaded.manifest.clone(), Some(text)),
            None => {
                read_file(&path, KEPT - kept).map_err(|cause| vec![unreadable(&path, &cause)])?
            }
        };
        loaded.youngest = loaded.youngest.max(written);
        if let Some(held) = held {
            kept += held.len().min(KEPT - kept);
            loaded.bytes.insert(file.clone(), held);
        }
        loaded.files.insert(file, stored);
    }
    let files = loaded.files.iter();
    loaded.digest = ContentDigest::of(files.map(|(path, file)| (path, &file.sha256)));
    Ok(loaded)
}

/// What is known of a file by its bytes; they come along if they are no more than so many.
fn read_file(path: &Path, keep: usize) -> io::Result<(StoredFile, Option<Vec<u8>>)> {
    let (file, metadata) = regular::open_and_look(OpenOptions::new().read(true), path)?;
    if metadata.len() > keep as u64 {
        return Ok((hashing::read(file)?, None));
    }
    let bytes = regular::read_to_end(file, &metadata)?;
    let stored = StoredFile {
        sha256: Sha256::of(&bytes),
        len: bytes.len() as u64,
    };
    Ok((stored, Some(bytes)))
}
