//! Looks at the source tree: which folders are namespaces, items and versions, and what each looks like.
//!
//! In parallel and by folder descriptor, since a build with nothing to do is this and nothing else. Looks at names
//! and times only; what a version holds is for `load`.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rustix::fs::{CWD, FileType};
use rustix::io::Errno;

use super::SourceTree;
use super::below::Below;
use super::folder::{Entry, kind_of, list, open, release, stat, unseen};
use super::signature::{Look, Sight};
use crate::error::{At, Error, Result};
use crate::model::event::EVENTS_FILE;
use crate::model::{ItemId, Namespace, PresetName, ReleaseId, Version};
use crate::report::Problem;

const NO_LINKS: &str = "it is a symbolic link, which is not followed";

/// The list that existing servers keep beside the versions: always derived, so ours is made anew.
const STALE_LIST: &str = "versions.json";

/// What is seen of the versions of an item.
#[derive(Debug)]
pub enum Seen {
    /// Each, or what is wrong with one that cannot be looked into; and all of them, with the log.
    Walked(BTreeMap<Version, Result<Sight, Problem>>, Sight),
    /// Their names, and the log if there is one: they are looked at when they are read, as nobody knows any of them.
    Listed(Vec<Version>, Option<Sight>),
    /// Their names; what the record knows is taken for true, and the next walk sees whether it is.
    Named(Vec<Version>),
}

impl Seen {
    /// Those that have a folder.
    pub fn versions(&self) -> Vec<&Version> {
        match self {
            Self::Walked(releases, _) => releases.keys().collect(),
            Self::Listed(versions, _) | Self::Named(versions) => versions.iter().collect(),
        }
    }
}

/// What a walk found.
#[derive(Debug, Default)]
pub struct Survey {
    /// In no order.
    pub items: Vec<(ItemId, Seen)>,
    /// Where nothing could be seen: what was there last is not to be taken for gone.
    pub blind: Vec<Below>,
    /// What is not as it should be.
    pub problems: Vec<Problem>,
}

impl Survey {
    /// Both.
    pub fn and(mut self, mut other: Self) -> Self {
        if self.items.len() < other.items.len() {
            std::mem::swap(&mut self, &mut other);
        }
        self.items.append(&mut other.items);
        self.blind.append(&mut other.blind);
        self.problems.append(&mut other.problems);
        self
    }
}

impl SourceTree {
    /// The namespaces that have a folder, sorted. What else lies at the root is none of our business.
    pub fn namespaces(&self, problems: &mut Vec<Problem>) -> Result<Vec<Namespace>> {
        let mut found = Vec::new();
        for entry in self.entries(self.root())? {
            let (name, kind) = (entry.text(), entry.kind);
            let path = || self.root().join(&entry.name);
            match name.parse() {
                _ if kind == FileType::RegularFile => {}
                Ok(_) if kind == FileType::Symlink => {
                    problems.push(Problem::refused(path(), NO_LINKS));
                }
                Ok(namespace) => found.push(namespace),
                Err(fault) if name.starts_with('@') => {
                    problems.push(Problem::refused(path(), fault));
                }
                Err(_) => {}
            }
        }
        Ok(found)
    }

    /// Whether a namespace has a folder. A link in its place is none, and is reported.
    pub fn has_namespace(&self, namespace: &Namespace, problems: &mut Vec<Problem>) -> bool {
        let folder = self.namespace(namespace);
        let kind = folder.symlink_metadata().map(|found| found.file_type());
        if kind.as_ref().is_ok_and(|kind| kind.is_symlink()) {
            problems.push(Problem::refused(folder, NO_LINKS));
        }
        kind.is_ok_and(|kind| kind.is_dir())
    }

    /// The presets that have a folder, sorted; none where they cannot be seen, which is reported.
    pub fn preset_names(&self, problems: &mut Vec<Problem>) -> Option<Vec<PresetName>> {
        let folder = self.presets();
        let entries = match open(CWD, &folder).and_then(|fd| list(fd.as_fd())) {
            Ok(entries) => entries,
            Err(Errno::NOENT) => return Some(Vec::new()),
            Err(Errno::LOOP | Errno::NOTDIR) => {
                if folder.is_symlink() {
                    problems.push(Problem::refused(folder, NO_LINKS));
                }
                return Some(Vec::new());
            }
            Err(errno) => {
                problems.push(blind(&folder, errno));
                return None;
            }
        };
        let mut found = Vec::new();
        for entry in entries {
            let (name, kind) = (entry.text(), entry.kind);
            let path = || folder.join(&entry.name);
            match name.parse() {
                _ if kind == FileType::RegularFile || name.starts_with('.') => {}
                Ok(_) if kind == FileType::Symlink => {
                    problems.push(Problem::refused(path(), NO_LINKS));
                }
                Ok(preset) => found.push(preset),
                Err(fault) => problems.push(Problem::refused(path(), fault)),
            }
        }
        Some(found)
    }

    /// The version folders of one item, by name.
    pub fn versions(&self, item: &ItemId) -> Result<Vec<Version>> {
        let folder = self.item(item);
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let folders = self.entries(&folder)?.into_iter();
        let real = folders.filter(|entry| entry.kind == FileType::Directory);
        Ok(real.filter_map(|entry| entry.text().parse().ok()).collect())
    }

    fn entries(&self, folder: &Path) -> Result<Vec<Entry>> {
        open(CWD, folder)
            .and_then(|fd| list(fd.as_fd()))
            .at("read", folder)
    }

    /// Looks at a part of the tree; into the versions of those items that it may be worth it, since somebody knows
    /// what they looked like.
    pub fn survey(&self, part: &Below, is_known: IsKnown<'_>) -> Survey {
        let namespace = part.namespace();
        let root = self.namespace(namespace);
        let (path, item) = match part {
            Below::Namespace(_) => (root, None),
            Below::Item(item) => (self.item(item), Some(item.clone())),
        };
        // An event may come from behind a link.
        if let Some(link) = self.link_on_the_way_to(&path) {
            return Survey {
                problems: vec![Problem::refused(link, NO_LINKS)],
                ..Survey::default()
            };
        }
        let visit = Visit {
            namespace,
            at: path,
            item,
            is_known,
        };
        match open(CWD, &visit.at) {
            Ok(fd) => visit.folder(fd.as_fd()),
            // Nobody has to have a folder.
            Err(Errno::NOENT | Errno::NOTDIR) => Survey::default(),
            Err(errno) => visit.blind(errno),
        }
    }

    /// Looks at one version's folder.
    pub fn sight(&self, folder: &Path) -> Result<Sight> {
        open(CWD, folder)
            .map_err(|errno| (PathBuf::new(), errno))
            .and_then(|fd| release(fd.as_fd(), &mut |_, _, _| ()))
            .or_else(|(below, errno)| Err(errno).at("read", &folder.join(below)))
    }

    /// Whether an item's folder, as far as it is there, is made of real folders all the way: what is published
    /// behind a link would be withdrawn by the next build.
    pub fn refuse_links(&self, item: &ItemId) -> Result<()> {
        match self.link_on_the_way_to(&self.item(item)) {
            Some(link) => Err(Error::refused(link, NO_LINKS)),
            None => Ok(()),
        }
    }

    /// The outermost is the one that a walk meets.
    fn link_on_the_way_to<'a>(&self, folder: &'a Path) -> Option<&'a Path> {
        let ours = folder.ancestors().take_while(|path| *path != self.root());
        ours.filter(|path| path.is_symlink()).last()
    }
}

/// Whether there is anything that a look at an item's versions could be compared with.
pub type IsKnown<'a> = &'a (dyn Fn(&ItemId) -> bool + Sync);

/// A folder on the way to items: a namespace, or a segment.
struct Visit<'a> {
    namespace: &'a Namespace,
    at: PathBuf,
    /// The item that the folder would be; none for the namespace itself.
    item: Option<ItemId>,
    is_known: IsKnown<'a>,
}

impl Visit<'_> {
    fn folder(&self, fd: BorrowedFd<'_>) -> Survey {
        let entries = match list(fd) {
            Ok(entries) => entries,
            Err(errno) => return self.blind(errno),
        };
        let mut found = Survey::default();
        let (mut versions, mut segments, mut log) = (Vec::new(), Vec::new(), None);
        for Entry { name, kind } in &entries {
            match self.step(&name.to_string_lossy(), *kind) {
                Step::Enter(item) => segments.push((name, item)),
                Step::Release(id) => versions.push((name, id.version)),
                Step::Log => log = stat(fd, name).ok(),
                Step::Ignore => {}
                Step::Refuse(why) => {
                    found
                        .problems
                        .push(Problem::refused(self.at.join(name), why));
                }
            }
        }
        if let Some(id) = &self.item
            && !(versions.is_empty() && log.is_none())
        {
            let log = log.map(|log| {
                let mut look = Look::now();
                look.file(EVENTS_FILE.as_bytes(), kind_of(&log), &log);
                look.done()
            });
            let seen = match (self.is_known)(id) {
                true => self.walked(fd, versions, log),
                false => Seen::Listed(versions.into_iter().map(|(_, v)| v).collect(), log),
            };
            found.items.push((id.clone(), seen));
        }
        let below = segments.into_par_iter().map(|(name, item)| {
            let visit = Visit {
                namespace: self.namespace,
                at: self.at.join(name),
                item: Some(item),
                is_known: self.is_known,
            };
            match open(fd, name.as_ref()) {
                Ok(fd) => visit.folder(fd.as_fd()),
                // Gone since it was listed.
                Err(Errno::NOENT) => Survey::default(),
                Err(errno) => visit.blind(errno),
            }
        });
        found.and(below.reduce(Survey::default, Survey::and))
    }

    fn walked(
        &self,
        fd: BorrowedFd<'_>,
        versions: Vec<(&OsString, Version)>,
        log: Option<Sight>,
    ) -> Seen {
        let releases: BTreeMap<_, _> = versions
            .into_par_iter()
            .with_min_len(16)
            .map(|(name, version)| (version, self.release(fd, name)))
            .collect();
        let seen = releases
            .iter()
            .filter_map(|(version, sight)| Some((version, *sight.as_ref().ok()?)));
        let all = Sight::of_item(log, seen);
        Seen::Walked(releases, all)
    }

    fn release(&self, fd: BorrowedFd<'_>, name: &OsStr) -> Result<Sight, Problem> {
        let opened = open(fd, name.as_ref()).map_err(|errno| (PathBuf::new(), errno));
        let seen = opened.and_then(|fd| release(fd.as_fd(), &mut |_, _, _| ()));
        seen.map_err(|what| unseen(&self.at.join(name), what))
    }

    fn blind(&self, errno: Errno) -> Survey {
        let below = match &self.item {
            None => Below::Namespace(self.namespace.clone()),
            Some(item) => Below::Item(item.clone()),
        };
        Survey {
            blind: vec![below],
            problems: vec![blind(&self.at, errno)],
            ..Survey::default()
        }
    }

    fn step(&self, name: &str, kind: FileType) -> Step {
        if name.starts_with('.') {
            return Step::Ignore;
        }
        if name == EVENTS_FILE {
            return Step::Log;
        }
        if kind == FileType::Symlink && name != STALE_LIST {
            return Step::Refuse(NO_LINKS.into());
        }
        if kind != FileType::Directory {
            return Step::Ignore;
        }
        if name.contains(char::REPLACEMENT_CHARACTER) {
            return Step::Refuse("its name is not UTF-8".into());
        }
        if let Ok(version) = name.parse::<Version>() {
            return match &self.item {
                Some(item) => Step::Release(item.release(version)),
                None => Step::Refuse(
                    "a version stands in an item's folder, at least one below the namespace".into(),
                ),
            };
        }
        let above = self
            .item
            .as_ref()
            .map_or_else(|| self.namespace.to_string(), ToString::to_string);
        match format!("{above}/{name}").parse() {
            Ok(item) => Step::Enter(item),
            Err(fault) => Step::Refuse(format!("{fault}; nor is it a version{}", hint(name))),
        }
    }
}

/// What it means that a folder cannot be looked into.
fn blind(folder: &Path, errno: Errno) -> Problem {
    let why = format!(
        "it cannot be read: {}; what is served from below it stays",
        io::Error::from(errno)
    );
    Problem::refused(folder, why)
}

/// The name that was probably meant.
fn hint(name: &str) -> String {
    let words: String = name
        .to_lowercase()
        .replace(['_', '.', ' '], "-")
        .trim_matches('-')
        .to_owned();
    match name
        .trim_start_matches(['v', 'V', '='])
        .parse::<Version>()
        .map(|version| version.to_string())
        .or_else(|_| {
            words
                .parse::<crate::model::Segment>()
                .map(|s| s.to_string())
        }) {
        Ok(meant) => format!("; `{meant}` would be one"),
        Err(_) => String::new(),
    }
}

/// What an entry of a namespace means.
enum Step {
    /// A folder on the way to items.
    Enter(ItemId),
    /// A version's folder.
    Release(ReleaseId),
    /// What happened to the item's versions.
    Log,
    /// Ours, or of a tool that hides what it keeps.
    Ignore,
    /// Neither; says why.
    Refuse(String),
}
