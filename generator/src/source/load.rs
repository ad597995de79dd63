//! Loads versions and presets: reads, checks and hashes every file. A fault refuses the version it is in,
//! with a problem that says where; the rest is loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::Path;

use jiff::Timestamp;
use walkdir::WalkDir;

use super::SourceTree;
use crate::error::{At, Error, Result};
use crate::hashing::Hashing;
use crate::model::event::VersionHistory;
use crate::model::manifest::MANIFEST_FILE;
use crate::model::{
    ContentDigest, FilePath, Item, ItemId, Manifest, PresetName, Release, ReleaseId, StoredFile,
    Version,
};
use crate::regular;
use crate::report::Problem;
pub use crate::report::at_their_places;
use crate::schema;

/// What is wrong with a version, so that it is not served.
type Refusal = Vec<Problem>;

impl SourceTree {
    /// Loads an item; none if no version of it can be served.
    pub fn load_item(
        &self,
        id: &ItemId,
        versions: &BTreeSet<Version>,
        problems: &mut Vec<Problem>,
    ) -> Result<Option<Item>> {
        let history = match self.history(id) {
            Err(Error::Refused { path, why }) => {
                problems.push(Problem::refused(path, why));
                return Ok(None);
            }
            history => history?,
        };
        let published: BTreeSet<_> = history.published().collect();
        let mut releases = BTreeMap::new();
        for version in versions {
            if let Some(better) = better_twin(version, versions, &published) {
                problems.push(Problem::refused(
                    self.release(&id.release(version.clone())),
                    format!(
                        "it differs from {better} in build metadata only, and that one is served"
                    ),
                ));
                continue;
            }
            let release = id.release(version.clone());
            match self.load_release(&release, history.of(version), problems)? {
                Ok(loaded) => {
                    releases.insert(version.clone(), loaded);
                }
                Err(refusal) => problems.extend(refusal),
            }
        }
        Ok((!releases.is_empty()).then(|| Item {
            id: id.clone(),
            releases,
        }))
    }

    fn load_release(
        &self,
        id: &ReleaseId,
        history: VersionHistory,
        problems: &mut Vec<Problem>,
    ) -> Result<Result<Release, Refusal>> {
        let folder = self.release(id);
        let path = folder.join(MANIFEST_FILE);
        let text = match read_document(&path)? {
            Ok(text) => text,
            Err(problem) => return Ok(Err(vec![problem])),
        };
        let manifest = match schema::check_manifest(&text) {
            Ok(manifest) => manifest,
            Err(faults) => return Ok(Err(at_their_places(&path, faults))),
        };
        if let Some(why) = contradiction(id, &manifest) {
            return Ok(Err(vec![Problem::refused(path, why)]));
        }
        let declared: BTreeSet<_> = manifest.declared_files().collect();
        let (files, youngest) = load_files(&folder, &declared, problems)?;
        let missing: Refusal = declared
            .iter()
            .filter(|file| !files.contains_key(**file))
            .map(|file| {
                Problem::refused(&path, format!("it declares `{file}`, which is not there"))
            })
            .collect();
        if !missing.is_empty() {
            return Ok(Err(missing));
        }
        let digest = ContentDigest::of(files.iter().map(|(path, file)| (path, &file.sha256)));
        if let Some((time, published)) = history.published
            && published != digest
        {
            let why = format!(
                "its files are not those that were published at {time:.0}: their digest is {digest}, that of \
                 the publish is {published}; bring them back, or publish a new version"
            );
            return Ok(Err(vec![Problem::refused(folder, why)]));
        }
        Ok(Ok(Release {
            published: history.published.map_or(youngest, |(time, _)| time),
            digest,
            yanked: history.yanked,
            files,
        }))
    }

    /// Loads a preset; none if it cannot be served.
    pub fn load_preset(
        &self,
        name: &PresetName,
        problems: &mut Vec<Problem>,
    ) -> Result<Option<StoredFile>> {
        let path = self.preset(name);
        let text = match read_document(&path)? {
            Ok(text) => text,
            Err(problem) => {
                problems.push(problem);
                return Ok(None);
            }
        };
        match schema::check_preset(&text) {
            Ok(preset) if preset.name == *name => stored(&path).map(Some).at("read", &path),
            Ok(preset) => {
                let why = format!(
                    "it says it is `{}`, but its folder is `{name}`",
                    preset.name
                );
                problems.push(Problem::refused(path, why));
                Ok(None)
            }
            Err(faults) => {
                problems.extend(at_their_places(&path, faults));
                Ok(None)
            }
        }
    }
}

/// Reads what must be a regular file; what it is instead is a problem, not an error.
fn read_document(path: &Path) -> Result<Result<Vec<u8>, Problem>> {
    match regular::read(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            Ok(Err(Problem::refused(path, "there is no such file")))
        }
        Err(cause) if regular::is_refusal(&cause) => Ok(Err(Problem::refused(path, cause))),
        read => read.at("read", path).map(Ok),
    }
}

/// The version that is served in place of this one: of versions that differ in build metadata only,
/// the one with a publish event, else the byte-lowest (protocol.md, "Names").
fn better_twin<'a>(
    version: &Version,
    versions: &'a BTreeSet<Version>,
    published: &BTreeSet<&Version>,
) -> Option<&'a Version> {
    versions
        .iter()
        .filter(|other| other.is_twin_of(version))
        .min_by_key(|twin| (!published.contains(twin), twin.to_string()))
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

/// Every file of a version that is served, and when the youngest was written.
fn load_files(
    folder: &Path,
    declared: &BTreeSet<&FilePath>,
    problems: &mut Vec<Problem>,
) -> Result<(BTreeMap<FilePath, StoredFile>, Timestamp)> {
    let mut files = BTreeMap::new();
    let mut youngest = Timestamp::UNIX_EPOCH;
    for entry in WalkDir::new(folder).min_depth(1).sort_by_file_name() {
        let entry = entry.at("walk", folder)?;
        if entry.file_type().is_dir() {
            continue;
        }
        let refuse = |why: &dyn std::fmt::Display| Problem::refused(entry.path(), why);
        if !entry.file_type().is_file() {
            problems.push(refuse(
                &"only regular files are served, links are not followed",
            ));
            continue;
        }
        let relative = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let path: FilePath = match relative.to_string_lossy().parse() {
            Ok(path) => path,
            Err(fault) => {
                problems.push(refuse(&fault));
                continue;
            }
        };
        if path.is_hidden() && !declared.contains(&path) {
            problems.push(Problem::warning(
                entry.path(),
                "a hidden file that the manifest does not declare is not served",
            ));
            continue;
        }
        let written = entry.metadata().at("read", entry.path())?.modified();
        let written = written.at("read", entry.path())?;
        youngest = youngest.max(Timestamp::try_from(written).unwrap_or_default());
        files.insert(path, stored(entry.path()).at("read", entry.path())?);
    }
    Ok((files, youngest))
}

/// What is known of a file by its bytes, which may be too many to hold.
fn stored(path: &Path) -> io::Result<StoredFile> {
    let mut hashing = Hashing::new(io::sink());
    io::copy(&mut regular::open(path)?, &mut hashing)?;
    Ok(hashing.finish())
}
