//! Looks at the source tree: which folders are namespaces, items and versions, and what each looks like.
//!
//! In parallel and by folder descriptor, since a build with nothing to do is this and nothing else. Looks at names
//! and times only; what a version holds is for `load`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rayon::prelude::*;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, StatxFlags, openat, statx};
use rustix::io::Errno;

use super::SourceTree;
use super::signature::{Look, Sight};
use crate::error::{At, Error, Result};
use crate::model::event::EVENTS_FILE;
use crate::model::{ItemId, Namespace, PresetName, ReleaseId, Version};
use crate::report::Problem;

const NO_LINKS: &str = "it is a symbolic link, which is not followed";

/// The list that existing servers keep beside the versions: always derived, so ours is made anew.
const STALE_LIST: &str = "versions.json";

/// A part of the source tree: everything at and below a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Below {
    /// A namespace.
    Namespace(Namespace),
    /// An item, and the items in it.
    Item(ItemId),
}

impl Below {
    /// Whether an item is there.
    pub fn covers(&self, item: &ItemId) -> bool {
        match self {
            Self::Namespace(namespace) => item.namespace == *namespace,
            Self::Item(top) => {
                let below = item.path.as_str().strip_prefix(top.path.as_str());
                item.namespace == top.namespace
                    && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
        }
    }

    /// Its namespace.
    pub fn namespace(&self) -> &Namespace {
        match self {
            Self::Namespace(namespace) => namespace,
            Self::Item(item) => &item.namespace,
        }
    }
}

impl fmt::Display for Below {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace(namespace) => namespace.fmt(f),
            Self::Item(item) => item.fmt(f),
        }
    }
}

/// An item as it was seen.
#[derive(Debug)]
pub struct SeenItem {
    /// Where it is.
    pub id: ItemId,
    /// All of it: its versions and its log.
    pub sight: Sight,
    /// Its version folders; what is wrong with one that cannot be looked into.
    pub releases: BTreeMap<Version, Result<Sight, Problem>>,
}

/// What a walk found.
#[derive(Debug, Default)]
pub struct Survey {
    /// In no order.
    pub items: Vec<SeenItem>,
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

    /// The presets that have a folder, sorted.
    pub fn preset_names(&self, problems: &mut Vec<Problem>) -> Result<Vec<PresetName>> {
        let folder = self.presets();
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for entry in self.entries(&folder)? {
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
        Ok(found)
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

    /// Looks at a part of the tree.
    pub fn survey(&self, part: &Below) -> Survey {
        let namespace = part.namespace();
        let root = self.namespace(namespace);
        let (path, item) = match part {
            Below::Namespace(_) => (root, None),
            Below::Item(item) => (self.item(item), Some(item.clone())),
        };
        let visit = Visit {
            namespace,
            at: path,
            item,
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
            .and_then(|fd| release(fd.as_fd()))
            .or_else(|(below, errno)| Err(errno).at("read", &folder.join(below)))
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

/// A folder on the way to items: a namespace, or a segment.
struct Visit<'a> {
    namespace: &'a Namespace,
    at: PathBuf,
    /// The item that the folder would be; none for the namespace itself.
    item: Option<ItemId>,
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
            let releases: BTreeMap<_, _> = versions
                .into_par_iter()
                .with_min_len(16)
                .map(|(name, version)| (version, self.release(fd, name)))
                .collect();
            let mut look = Look::now();
            if let Some(log) = &log {
                look.file(EVENTS_FILE.as_bytes(), kind_of(log), log);
            }
            for (version, sight) in &releases {
                if let Ok(sight) = sight {
                    look.part(version.to_string().as_bytes(), *sight);
                }
            }
            let (id, sight) = (id.clone(), look.done());
            found.items.push(SeenItem {
                id,
                sight,
                releases,
            });
        }
        let below = segments.into_par_iter().map(|(name, item)| {
            let visit = Visit {
                namespace: self.namespace,
                at: self.at.join(name),
                item: Some(item),
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

    fn release(&self, fd: BorrowedFd<'_>, name: &OsStr) -> Result<Sight, Problem> {
        let opened = open(fd, name.as_ref()).map_err(|errno| (PathBuf::new(), errno));
        let seen = opened.and_then(|fd| release(fd.as_fd()));
        seen.map_err(|(below, errno)| {
            let why = format!(
                "it cannot be read: {}; what is served of it stays",
                io::Error::from(errno)
            );
            let folder = self.at.join(name);
            let path = match below.as_os_str().is_empty() {
                true => folder,
                false => folder.join(below),
            };
            Problem::refused(path, why)
        })
    }

    fn blind(&self, errno: Errno) -> Survey {
        let why = format!(
            "it cannot be read: {}; what is served from below it stays",
            io::Error::from(errno)
        );
        let below = match &self.item {
            None => Below::Namespace(self.namespace.clone()),
            Some(item) => Below::Item(item.clone()),
        };
        Survey {
            blind: vec![below],
            problems: vec![Problem::refused(&self.at, why)],
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

/// A file in a version's folder, or what else is no folder.
pub(super) struct FoundFile {
    /// Below the version's folder.
    pub(super) path: PathBuf,
    pub(super) kind: FileType,
    pub(super) written: Timestamp,
}

/// What is in a version's folder, sorted.
pub(super) fn files(folder: &Path) -> Result<Vec<FoundFile>, Errno> {
    fn look_into(fd: BorrowedFd<'_>, at: &Path, found: &mut Vec<FoundFile>) -> Result<(), Errno> {
        for Entry { name, kind } in list(fd)? {
            let path = at.join(&name);
            if kind == FileType::Directory {
                look_into(open(fd, name.as_ref())?.as_fd(), &path, found)?;
            } else {
                let time = stat(fd, &name)?.stx_mtime;
                let written = Timestamp::new(time.tv_sec, time.tv_nsec.cast_signed());
                found.push(FoundFile {
                    path,
                    kind,
                    written: written.unwrap_or_default(),
                });
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    look_into(open(CWD, folder)?.as_fd(), Path::new(""), &mut found)?;
    Ok(found)
}

/// All of a version's folder, whatever is in it; else what in it cannot be seen.
fn release(fd: BorrowedFd<'_>) -> Result<Sight, (PathBuf, Errno)> {
    fn look_into(fd: BorrowedFd<'_>, look: &mut Look) -> Result<(), (PathBuf, Errno)> {
        for Entry { name, kind } in list(fd).map_err(|errno| (PathBuf::new(), errno))? {
            let unseen = |errno| (PathBuf::from(&name), errno);
            if kind == FileType::Directory {
                look.enter(name.as_bytes());
                let folder = open(fd, name.as_ref()).map_err(unseen)?;
                look_into(folder.as_fd(), look)
                    .map_err(|(below, errno)| (Path::new(&name).join(below), errno))?;
                look.leave();
            } else {
                look.file(name.as_bytes(), kind, &stat(fd, &name).map_err(unseen)?);
            }
        }
        Ok(())
    }
    let mut look = Look::now();
    look_into(fd, &mut look)?;
    Ok(look.done())
}

/// An entry of a folder.
struct Entry {
    name: OsString,
    kind: FileType,
}

impl Entry {
    /// The name, made UTF-8 where it is not: then it fails as any name of ours.
    fn text(&self) -> Cow<'_, str> {
        self.name.to_string_lossy()
    }
}

/// What is in a folder, sorted by name.
fn list(fd: BorrowedFd<'_>) -> Result<Vec<Entry>, Errno> {
    let mut buffer = [const { MaybeUninit::uninit() }; 8 << 10];
    let mut entries = RawDir::new(fd, &mut buffer);
    let mut found = Vec::new();
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if matches!(name, b"." | b"..") {
            continue;
        }
        let name = OsString::from_vec(name.to_vec());
        let kind = match entry.file_type() {
            // Some file systems do not tell.
            FileType::Unknown => kind_of(&stat(fd, &name)?),
            kind => kind,
        };
        found.push(Entry { name, kind });
    }
    found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn open(at: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(at, path, flags, Mode::empty())
}

fn stat(at: BorrowedFd<'_>, name: &OsStr) -> Result<rustix::fs::Statx, Errno> {
    statx(at, name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS)
}

fn kind_of(stat: &rustix::fs::Statx) -> FileType {
    FileType::from_raw_mode(stat.stx_mode.into())
}
