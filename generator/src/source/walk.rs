//! Finds the items of a namespace: which folders are versions, which are on the way to them.
//!
//! Looks at names only; what a version holds is for `load`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use walkdir::{DirEntry, WalkDir};

use super::SourceTree;
use crate::error::{At, Error, Result};
use crate::model::{ItemId, Namespace, PresetName, Version};
use crate::report::Problem;

/// The items of a namespace with their version folders.
pub type Found = BTreeMap<ItemId, BTreeSet<Version>>;

const NO_LINKS: &str = "it is a symbolic link, which is not followed";

/// The list that existing servers keep beside the versions: always derived, so ours is made anew.
const STALE_LIST: &str = "versions.json";

impl SourceTree {
    /// The namespaces that have a folder, sorted. What else lies at the root is none of our business.
    pub fn namespaces(&self, problems: &mut Vec<Problem>) -> Result<Vec<Namespace>> {
        let mut found = Vec::new();
        for (name, path) in folders(&self.root)? {
            match name.parse() {
                Ok(_) if path.is_symlink() => problems.push(Problem::refused(path, NO_LINKS)),
                Ok(namespace) => found.push(namespace),
                Err(fault) if name.starts_with('@') => problems.push(Problem::refused(path, fault)),
                Err(_) => {}
            }
        }
        Ok(found)
    }

    /// The presets that have a folder, sorted.
    pub fn preset_names(&self, problems: &mut Vec<Problem>) -> Result<Vec<PresetName>> {
        if !self.presets().is_dir() {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for (name, path) in folders(&self.presets())? {
            match name.parse() {
                Ok(_) if path.is_symlink() => problems.push(Problem::refused(path, NO_LINKS)),
                Ok(preset) => found.push(preset),
                Err(fault) => problems.push(Problem::refused(path, fault)),
            }
        }
        Ok(found)
    }

    /// The items of a namespace.
    pub fn items(&self, namespace: &Namespace, problems: &mut Vec<Problem>) -> Result<Found> {
        let root = self.namespace(namespace);
        let mut found = Found::new();
        let mut walk = WalkDir::new(&root)
            .min_depth(1)
            .sort_by_file_name()
            .into_iter();
        while let Some(entry) = walk.next() {
            let entry = entry.at("walk", &root)?;
            match step(namespace, &root, &entry) {
                Step::Enter => {}
                Step::Release(item, version) => {
                    found.entry(item).or_default().insert(version);
                    walk.skip_current_dir();
                }
                Step::Ignore => skip(&mut walk, &entry),
                Step::Refuse(why) => {
                    problems.push(Problem::refused(entry.path(), why));
                    skip(&mut walk, &entry);
                }
            }
        }
        Ok(found)
    }

    /// The version folders of one item.
    pub fn versions(&self, item: &ItemId) -> Result<BTreeSet<Version>> {
        let folder = self.item(item);
        if !folder.is_dir() {
            return Ok(BTreeSet::new());
        }
        let real = folders(&folder)?
            .into_iter()
            .filter(|(_, path)| !path.is_symlink());
        Ok(real.filter_map(|(name, _)| name.parse().ok()).collect())
    }

    /// Whether an item's folder, as far as it is there, is made of real folders all the way: what is published
    /// behind a link would be withdrawn by the next build.
    pub fn refuse_links(&self, item: &ItemId) -> Result<()> {
        let folder = self.item(item);
        let ours = folder.ancestors().take_while(|path| *path != self.root());
        match ours.into_iter().find(|path| path.is_symlink()) {
            Some(link) => Err(Error::refused(link, NO_LINKS)),
            None => Ok(()),
        }
    }
}

/// What an entry of a namespace means.
enum Step {
    /// A folder on the way to items.
    Enter,
    /// A version's folder.
    Release(ItemId, Version),
    /// Ours, or of a tool that hides what it keeps.
    Ignore,
    /// Neither; says why.
    Refuse(String),
}

fn step(namespace: &Namespace, root: &Path, entry: &DirEntry) -> Step {
    let Some(name) = entry.file_name().to_str() else {
        return Step::Refuse("its name is not UTF-8".into());
    };
    if name.starts_with('.') {
        return Step::Ignore;
    }
    if entry.path_is_symlink() && name != STALE_LIST {
        return Step::Refuse(NO_LINKS.into());
    }
    if !entry.file_type().is_dir() {
        return Step::Ignore;
    }
    let relative = |path: &Path| {
        let path = path.strip_prefix(root).ok()?.to_str()?;
        Some(path.to_owned())
    };
    let item_at =
        |path: &Path| format!("{namespace}/{}", relative(path).unwrap_or_default()).parse();
    if let Ok(version) = name.parse::<Version>() {
        return match entry.path().parent().map(item_at) {
            Some(Ok(item)) => Step::Release(item, version),
            _ => Step::Refuse(
                "a version stands in an item's folder, at least one below the namespace".into(),
            ),
        };
    }
    match item_at(entry.path()) {
        Ok::<ItemId, _>(_) => Step::Enter,
        Err(fault) => Step::Refuse(format!("{fault}; nor is it a version")),
    }
}

fn skip(walk: &mut walkdir::IntoIter, entry: &DirEntry) {
    if entry.file_type().is_dir() {
        walk.skip_current_dir();
    }
}

/// The folders in a folder, and the links, sorted by name; names that are not UTF-8 are made so, and fail as names.
fn folders(parent: &Path) -> Result<Vec<(String, std::path::PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(parent).at("read", parent)? {
        let entry = entry.at("read", parent)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let file_type = entry.file_type().at("read", parent)?;
        if (file_type.is_dir() || file_type.is_symlink()) && !name.starts_with('.') {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}
