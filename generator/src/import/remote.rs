//! A registry behind a URL, by the API that every Rack registry has (protocol.md, "Reading"). All that it sends is
//! a stranger's: names are parsed, sizes bounded, digests compared where it tells them.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::de::DeserializeOwned;

use super::documents::{Listing, Namespaces, Versions};
use super::events::BY;
use super::origin::{Facts, Held, Offer, Origin};
use super::{Http, staged};
use crate::error::{At, Error, Result};
use crate::model::manifest::MANIFEST_FILE;
use crate::model::{
    FilePath, InvalidName, ItemId, ItemPath, Manifest, Namespace, PresetName, ReleaseId, Sha256,
    Shown,
};
use crate::package::Limits;
use crate::plan::key::PublicKey;
use crate::regular;
use crate::report::Problem;
use crate::schema;
use crate::source::{SourceTree, file_in};

/// So many versions of an item no registry has; a list of more is there to fill memory.
const VERSIONS_MAX: usize = 100_000;

/// A registry that is asked over HTTP.
#[derive(Debug)]
pub struct Remote {
    http: Http,
    limits: Limits,
}

impl Remote {
    /// That registry, with no more taken than these limits allow.
    pub fn new(http: Http, limits: Limits) -> Self {
        Self { http, limits }
    }

    /// A list. It is as long as the registry is large, so of limits that of a file is the nearest.
    fn list<T: DeserializeOwned>(&self, key: &PublicKey) -> Result<T> {
        let bytes = self.http.document(key, self.limits.max_file.as_u64())?;
        serde_json::from_slice(&bytes).map_err(|fault| {
            let why = format!(
                "this is not the list that belongs here: {}",
                Shown(&fault.to_string())
            );
            Error::refused(self.http.url(key), why)
        })
    }

    /// The names in a list that are names; the others are problems, and no more of them than one cares to read.
    fn names<T: FromStr<Err = InvalidName> + Ord>(
        &self,
        key: &PublicKey,
        texts: &[String],
        problems: &mut Vec<Problem>,
    ) -> BTreeSet<T> {
        const ENOUGH: usize = 20;
        let mut names = BTreeSet::new();
        let mut bad = 0;
        for text in texts {
            match text.parse() {
                Ok(name) => drop(names.insert(name)),
                Err(fault) => {
                    bad += 1;
                    if bad <= ENOUGH {
                        problems.push(Problem::refused(self.http.url(key), fault));
                    }
                }
            }
        }
        if bad > ENOUGH {
            let why = format!("{} more names in this list are none", bad - ENOUGH);
            problems.push(Problem::refused(self.http.url(key), why));
        }
        names
    }

    fn manifest(&self, release: &ReleaseId, facts: &Facts) -> Result<Vec<u8>> {
        let key = PublicKey::Manifest(release.clone());
        let bytes = self
            .http
            .document(&key, self.limits.max_manifest.as_u64())?;
        let sha256 = Sha256::of(&bytes);
        match facts.manifest {
            Some(told) if told != sha256 => {
                let why = format!("its SHA-256 is {sha256}, but the list of versions says {told}");
                Err(Error::refused(self.http.url(&key), why))
            }
            _ => Ok(bytes),
        }
    }

    /// What a manifest declares besides itself, if it can all be there at once.
    fn declared<'a>(&self, manifest: &'a Manifest) -> Result<BTreeSet<&'a FilePath>, String> {
        let mut files: BTreeSet<&FilePath> = manifest.declared_files().collect();
        files.retain(|file| !file.is_manifest());
        let most = self.limits.max_entries;
        if files.len() as u64 >= most {
            return Err(format!(
                "it declares more files than `max_entries` in [limits] allows, {most}"
            ));
        }
        let names: BTreeSet<&str> = files
            .iter()
            .map(|file| file.as_str())
            .chain([MANIFEST_FILE])
            .collect();
        for file in &files {
            let path = file.as_str();
            let above = path.match_indices('/').map(|(end, _)| &path[..end]);
            if let Some(both) = above.into_iter().find(|above| names.contains(above)) {
                return Err(format!(
                    "it declares `{both}` as a file and `{path}` in a folder of that name"
                ));
            }
        }
        Ok(files)
    }
}

impl Origin for Remote {
    fn name(&self) -> PathBuf {
        self.http.base().to_string().into()
    }

    fn namespaces(&self, problems: &mut Vec<Problem>) -> Result<BTreeSet<Namespace>> {
        let key = PublicKey::Namespaces;
        let list: Namespaces = self.list(&key)?;
        Ok(self.names(&key, &list.namespaces, problems))
    }

    fn items(
        &self,
        namespace: &Namespace,
        problems: &mut Vec<Problem>,
    ) -> Result<BTreeSet<ItemId>> {
        let key = PublicKey::Listing(namespace.clone());
        let list: Listing = self.list(&key)?;
        let paths: BTreeSet<ItemPath> = self.names(&key, &list.registries, problems);
        let item = |path| ItemId {
            namespace: namespace.clone(),
            path,
        };
        Ok(paths.into_iter().map(item).collect())
    }

    fn offer(&self, item: ItemId, problems: &mut Vec<Problem>) -> Result<Offer> {
        let key = PublicKey::Versions(item.clone());
        let document: Versions = self.list(&key)?;
        let count = document.versions.len();
        if count > VERSIONS_MAX {
            let why = format!(
                "it lists {count} versions; of an item, no more than {VERSIONS_MAX} are taken"
            );
            return Err(Error::refused(self.http.url(&key), why));
        }
        let listed = self.names(&key, &document.versions, problems);
        let known =
            document.known(&mut |why| problems.push(Problem::warning(self.http.url(&key), why)));
        Ok(Offer {
            item,
            versions: known.facts(listed),
            later: Vec::new(),
            standing: known.standing(),
        })
    }

    fn presets(&self, _: &mut Vec<Problem>) -> Result<Option<BTreeSet<PresetName>>> {
        Ok(None)
    }

    /// Its files would all have to be loaded again; but one that was taken from here before was whole then, and no
    /// registry changes a version.
    fn agrees(&self, release: &ReleaseId, facts: &Facts, held: &Held) -> Result<bool> {
        if held.by != BY {
            return Ok(false);
        }
        let Ok(bytes) =
            regular::read_at_most(&held.folder.join(MANIFEST_FILE), Limits::DOCUMENT.as_u64())
        else {
            return Ok(false);
        };
        let ours = Sha256::of(&bytes);
        Ok(match facts.manifest {
            Some(told) => told == ours,
            None => Sha256::of(&self.manifest(release, facts)?) == ours,
        })
    }

    fn fetch(
        &self,
        release: &ReleaseId,
        facts: &Facts,
        into: &SourceTree,
        _: &mut Vec<Problem>,
    ) -> Result<bool> {
        let folder = into.release(release);
        let bytes = self.manifest(release, facts)?;
        write(&folder.join(MANIFEST_FILE), &bytes)?;
        let Ok(manifest) = schema::check_manifest(&bytes) else {
            // Whoever loads it says what is wrong with it.
            return Ok(true);
        };
        let files = self.declared(&manifest).map_err(|why| {
            Error::refused(self.http.url(&PublicKey::Manifest(release.clone())), why)
        })?;
        let mut room = self
            .limits
            .max_unpacked
            .as_u64()
            .saturating_sub(bytes.len() as u64);
        for file in files {
            let key = PublicKey::File(release.clone(), file.clone());
            let most = room.min(self.limits.max_file.as_u64());
            room -= self.http.file(&key, most, &file_in(&folder, file))?;
        }
        Ok(true)
    }

    fn fetch_preset(&self, name: &PresetName, into: &SourceTree) -> Result<()> {
        let key = PublicKey::Preset(name.clone());
        let bytes = self
            .http
            .document(&key, self.limits.max_manifest.as_u64())?;
        write(&into.preset(name), &bytes)
    }

    fn release_address(&self, release: &ReleaseId, below: &Path) -> PathBuf {
        let key = match below.to_string_lossy().parse::<FilePath>() {
            Ok(file) if !file.is_manifest() => PublicKey::File(release.clone(), file),
            _ => PublicKey::Manifest(release.clone()),
        };
        self.http.url(&key).into()
    }

    fn preset_address(&self, name: &PresetName) -> PathBuf {
        self.http.url(&PublicKey::Preset(name.clone())).into()
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file: File = staged::create(path)?;
    file.write_all(bytes).at("write", path)
}
