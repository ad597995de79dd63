//! A registry's storage folder: a source tree, of ours or of another server (protocol.md, "The source tree"). It is
//! only read, and no link in it is followed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::origin::{Facts, Held, Offer, Origin, Standing};
use super::{events, staged, take};
use crate::error::{At, Error, Result};
use crate::model::manifest::MANIFEST_FILE;
use crate::model::{FilePath, ItemId, Namespace, PresetName, ReleaseId, StoredFile};
use crate::package::Limits;
use crate::regular;
use crate::report::Problem;
use crate::source::below::Below;
use crate::source::load::Loaded;
use crate::source::{SourceTree, file_in};

/// A registry in a folder.
#[derive(Debug)]
pub struct Folder {
    tree: SourceTree,
    limits: Limits,
}

impl Folder {
    /// The registry whose source tree that folder is, with no more taken than these limits allow.
    ///
    /// # Errors
    /// A folder that cannot be read, or that is the one to be imported into, as a whole or in part.
    pub fn new(folder: &Path, source: &SourceTree, limits: Limits) -> Result<Self> {
        let real = |path: &Path| path.canonicalize().at("read", path);
        let (from, to) = (real(folder)?, real(source.root())?);
        if from.starts_with(&to) || to.starts_with(&from) {
            let why = format!(
                "it cannot be imported into {}: one lies in the other",
                to.display()
            );
            return Err(Error::refused(folder, why));
        }
        Ok(Self {
            tree: SourceTree::at(folder),
            limits,
        })
    }

    /// A version as a build would load it; none if it would refuse it.
    fn load(&self, id: &ReleaseId, problems: &mut Vec<Problem>) -> Result<Option<Loaded>> {
        let manifest = self.tree.release(id).join(MANIFEST_FILE);
        // Before it is read: a build would hold it whole.
        if let Ok(found) = manifest.symlink_metadata()
            && found.len() > self.limits.max_manifest.as_u64()
        {
            let most = self.limits.max_manifest;
            let why = format!("it is larger than `max_manifest` in [limits] allows, {most}");
            return Err(Error::refused(manifest, why));
        }
        Ok(take::load(&self.tree, id, problems))
    }

    fn refuse_excess(&self, files: &BTreeMap<FilePath, StoredFile>) -> Result<(), String> {
        let Limits {
            max_file,
            max_unpacked,
            max_entries,
            ..
        } = self.limits;
        let large = |(_, file): &(_, &StoredFile)| file.len > max_file.as_u64();
        if let Some((path, _)) = files.iter().find(large) {
            return Err(format!(
                "`{path}` is larger than `max_file` in [limits] allows, {max_file}"
            ));
        }
        if files.values().map(|file| file.len).sum::<u64>() > max_unpacked.as_u64() {
            return Err(format!(
                "it is larger than `max_unpacked` in [limits] allows, {max_unpacked}"
            ));
        }
        if files.len() as u64 > max_entries {
            return Err(format!(
                "it has more files than `max_entries` in [limits] allows, {max_entries}"
            ));
        }
        Ok(())
    }
}

impl Origin for Folder {
    fn name(&self) -> PathBuf {
        self.tree.root().to_owned()
    }

    fn namespaces(&self, problems: &mut Vec<Problem>) -> Result<BTreeSet<Namespace>> {
        Ok(self.tree.namespaces(problems)?.into_iter().collect())
    }

    fn items(
        &self,
        namespace: &Namespace,
        problems: &mut Vec<Problem>,
    ) -> Result<BTreeSet<ItemId>> {
        let folder = self.tree.namespace(namespace);
        if folder.is_symlink() || !folder.is_dir() {
            return Err(Error::refused(folder, "there is no such folder"));
        }
        // Into all of it: what cannot be read is to be said before anything is taken.
        let below = Below::Namespace(namespace.clone());
        let found = self.tree.survey(&below, &|_| true);
        problems.extend(found.problems);
        Ok(found.items.into_iter().map(|(id, _)| id).collect())
    }

    fn offer(&self, item: ItemId, problems: &mut Vec<Problem>) -> Result<Offer> {
        let mut versions: BTreeMap<_, _> = self
            .tree
            .versions(&item)
            .map_err(of_a_part)?
            .into_iter()
            .map(|version| (version, Facts::default()))
            .collect();
        let log = self.tree.events(&item).map_err(of_a_part)?;
        let later = events::read_log(log, &mut versions);
        for version in later.iter().filter_map(|it| events::removed(&it.change)) {
            if versions.remove(version).is_some() {
                let folder = self.tree.release(&item.release(version.clone()));
                let why = "it was removed for good, and its folder is still there";
                problems.push(Problem::refused(folder, why));
            }
        }
        Ok(Offer {
            item,
            versions,
            later,
            standing: Standing::default(),
        })
    }

    fn presets(&self, problems: &mut Vec<Problem>) -> Result<Option<BTreeSet<PresetName>>> {
        let names = self.tree.preset_names(problems);
        Ok(Some(names.into_iter().flatten().collect()))
    }

    fn agrees(&self, release: &ReleaseId, facts: &Facts, held: &Held) -> Result<bool> {
        Ok(match facts.digest {
            Some(digest) => digest == held.digest,
            None => self
                .load(release, &mut Vec::new())?
                .is_some_and(|loaded| loaded.digest == held.digest),
        })
    }

    fn fetch(
        &self,
        release: &ReleaseId,
        _: &Facts,
        into: &SourceTree,
        problems: &mut Vec<Problem>,
    ) -> Result<bool> {
        let Some(loaded) = self.load(release, problems)? else {
            return Ok(false);
        };
        let folder = self.tree.release(release);
        self.refuse_excess(&loaded.files)
            .map_err(|why| Error::refused(&folder, why))?;
        let target = into.release(release);
        for (file, stored) in &loaded.files {
            copy(&file_in(&folder, file), &file_in(&target, file), stored.len)?;
        }
        Ok(true)
    }

    fn fetch_preset(&self, name: &PresetName, into: &SourceTree) -> Result<()> {
        let most = self.limits.max_manifest.as_u64();
        copy(&self.tree.preset(name), &into.preset(name), most)
    }

    fn release_address(&self, release: &ReleaseId, below: &Path) -> PathBuf {
        // An empty path would leave a slash at the end.
        self.tree
            .release(release)
            .components()
            .chain(below.components())
            .collect()
    }

    fn preset_address(&self, name: &PresetName) -> PathBuf {
        self.tree.preset(name)
    }
}

/// Copies a file of at most so many bytes, with the time that says how old a version is.
fn copy(from: &Path, to: &Path, most: u64) -> Result<()> {
    let source = regular::open(from).at("read", from).map_err(of_a_part)?;
    let metadata = source.metadata().at("read", from)?;
    let mut file = staged::create(to)?;
    if io::copy(&mut (&source).take(most + 1), &mut file).at("copy", from)? > most {
        return Err(Error::refused(
            from,
            format!("it is longer than {most} bytes"),
        ));
    }
    let modified = metadata.modified().at("read", from)?;
    file.set_modified(modified).at("set the time of", to)
}

/// What cannot be read over there is missing from what is taken, and no reason to stop.
fn of_a_part(error: Error) -> Error {
    match error {
        Error::Io {
            action,
            path,
            cause,
        } => Error::refused(path, format!("cannot {action} it: {cause}")),
        error => error,
    }
}
