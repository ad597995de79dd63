//! Watches one file through all the names that lead to it: it may be replaced by a rename, be a link, or lie behind
//! links that are turned to another folder, as Kubernetes does with each update of a volume.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use super::cannot_watch;
use crate::error::{At, Result};

/// A file that is watched; dropping this ends it.
pub struct FileWatch {
    /// Absolute, as it was named.
    path: PathBuf,
    tell: Arc<dyn Fn() + Send + Sync>,
    way: Way,
    /// For this file alone: of one that watched a folder under two names, events would come under the later only.
    watcher: Option<RecommendedWatcher>,
}

impl FileWatch {
    /// Watches from now on, and tells whenever the file may be another one. It need not be there yet.
    ///
    /// # Errors
    /// The system has no watches left (`fs.inotify.max_user_watches`), or a folder on the way cannot be read.
    pub fn start(path: &Path, tell: impl Fn() + Send + Sync + 'static) -> Result<Self> {
        let mut this = Self {
            path: std::path::absolute(path).at("find", path)?,
            tell: Arc::new(tell),
            way: Way::default(),
            watcher: None,
        };
        this.follow()?;
        Ok(this)
    }

    /// Goes the way to the file anew; to be called before the file is read, whenever this told of something.
    ///
    /// # Errors
    /// As for [`FileWatch::start`]; what was watched before still is.
    pub fn follow(&mut self) -> Result<()> {
        loop {
            let way = Way::to(&self.path);
            // What changed before it was watched shows when one looks again.
            if way == self.way {
                return Ok(());
            }
            let (known, tell) = (way.clone(), self.tell.clone());
            let told = move |event| {
                if known.concerns(&event) {
                    tell();
                }
            };
            // A new one: that of before may have so many events that it hears of no other folder.
            let mut watcher = notify::recommended_watcher(told)
                .map_err(|fault| cannot_watch(&self.path, &fault))?;
            for folder in way.folders.keys() {
                watcher
                    .watch(folder, RecursiveMode::NonRecursive)
                    .map_err(|fault| cannot_watch(folder, &fault))?;
            }
            self.way = way;
            self.watcher = Some(watcher);
        }
    }
}

/// The names that lead to a file: the links on the way, and the file itself, or the first name that is not there. Each
/// is absolute, with no link above it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Way {
    names: BTreeSet<PathBuf>,
    /// Those that they are in, with device and inode: under the name of one there may be another some day.
    folders: BTreeMap<PathBuf, Option<(u64, u64)>>,
}

/// As many as the kernel follows.
const MOST_LINKS: usize = 40;

impl Way {
    fn to(path: &Path) -> Self {
        let mut names = BTreeSet::new();
        let mut here = PathBuf::from("/");
        let mut ahead = path.to_owned();
        let mut links = 0;
        loop {
            let mut parts = ahead.components();
            let Some(part) = parts.next() else {
                break;
            };
            let rest = parts.as_path().to_owned();
            let Component::Normal(name) = part else {
                match part {
                    Component::ParentDir => drop(here.pop()),
                    Component::RootDir => here = PathBuf::from("/"),
                    _ => {}
                }
                ahead = rest;
                continue;
            };
            let next = here.join(name);
            match fs::read_link(&next) {
                Ok(target) if links < MOST_LINKS => {
                    links += 1;
                    names.insert(next);
                    ahead = target.join(rest);
                }
                // It is there, and no link.
                Err(cause) if cause.kind() == ErrorKind::InvalidInput && rest != Path::new("") => {
                    here = next;
                    ahead = rest;
                }
                _ => {
                    names.insert(next);
                    break;
                }
            }
        }
        let identify = |folder: &Path| {
            let known = fs::metadata(folder).ok()?;
            Some((known.dev(), known.ino()))
        };
        let folders = names.iter().filter_map(|name| name.parent());
        Self {
            folders: folders
                .map(|folder| (folder.to_owned(), identify(folder)))
                .collect(),
            names,
        }
    }

    /// Whether after this another file may be at the end of the way.
    fn concerns(&self, event: &notify::Result<Event>) -> bool {
        let leads_there = |path: &PathBuf| {
            // A folder that is moved or removed tells so under its own name.
            self.names.contains(path) || self.folders.contains_key(path)
        };
        match event {
            // Nobody knows what else there was.
            Err(_) => true,
            Ok(event) if event.need_rescan() => true,
            Ok(event) => !event.kind.is_access() && event.paths.iter().any(leads_there),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_name_on_the_way_is_known() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let way = |path: &str| {
            let names = Way::to(&root.join(path)).names;
            let below = |name: &PathBuf| name.strip_prefix(&root).unwrap().to_owned();
            let names: Vec<PathBuf> = names.iter().map(below).collect();
            names
        };
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(way("access.json"), paths(&["access.json"]));
        assert_eq!(way("not/there/access.json"), paths(&["not"]));

        fs::create_dir_all(root.join("volume/..v1")).unwrap();
        symlink("..v1", root.join("volume/..data")).unwrap();
        symlink("..data/access.json", root.join("volume/access.json")).unwrap();
        symlink(
            root.join("aside/../volume/./access.json"),
            root.join("link"),
        )
        .unwrap();
        let volume = paths(&[
            "volume/..data",
            "volume/..v1/access.json",
            "volume/access.json",
        ]);
        // Whether the file is there or not.
        assert_eq!(way("volume/access.json"), volume);
        fs::write(root.join("volume/..v1/access.json"), "{}").unwrap();
        assert_eq!(way("volume/access.json"), volume);
        assert_eq!(way("link"), paths(&["aside", "link"]));
        fs::create_dir(root.join("aside")).unwrap();
        assert_eq!(way("link"), [paths(&["link"]), volume].concat());

        symlink("round", root.join("round")).unwrap();
        assert_eq!(way("round"), paths(&["round"]));
    }
}
