//! Builds whenever the source tree changes: what of it changed, and when it is quiet enough to look.
//!
//! Events say where to look, never what is there: a build compares what it sees with what the last one saw.

pub mod file;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use notify::event::{EventKind, Flag};
use notify::{Config, Event, RecommendedWatcher, RecursiveMode, Watcher};

use crate::build::Scope;
use crate::error::{Error, Result};
use crate::model::event::EVENTS_FILE;
use crate::model::{ItemId, Namespace, Version};
use crate::source::SourceTree;
use crate::source::below::Below;
use file::FileWatch;

/// Nothing has happened for so long: whoever writes is through with it,
const QUIET: Duration = Duration::from_millis(200);
/// and nobody waits longer than this for somebody who is not.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is watched: a source tree, and the access file.
pub struct Watch {
    source: SourceTree,
    access: Option<FileWatch>,
    seen: Receiver<Seen>,
    _watcher: RecommendedWatcher,
}

/// What was seen, and where.
#[derive(Debug)]
enum Seen {
    Source(notify::Result<Event>),
    Access,
}

impl Watch {
    /// Watches from now on.
    ///
    /// # Errors
    /// The system has no watches left (`fs.inotify.max_user_watches`), or the tree is not there.
    pub fn start(source: &SourceTree, access: Option<&Path>) -> Result<Self> {
        let (send, seen) = channel();
        let tell = send.clone();
        // Nobody is told any more when nobody waits.
        let told = move |event| drop(tell.send(Seen::Source(event)));
        let root = source.root();
        let failed = |fault| cannot_watch(root, &fault);
        // A link leads to what is not of the source, be it all of the disk.
        let config = Config::default().with_follow_symlinks(false);
        let mut watcher = RecommendedWatcher::new(told, config).map_err(failed)?;
        watcher
            .watch(root, RecursiveMode::Recursive)
            .map_err(failed)?;
        let access = access
            .map(|path| FileWatch::start(path, move || drop(send.send(Seen::Access))))
            .transpose()?;
        Ok(Self {
            source: source.clone(),
            access,
            seen,
            _watcher: watcher,
        })
    }

    /// Waits for a change, but no longer than until `latest`, and then for quiet; says where to look. None if there is
    /// nothing to wait for any more.
    ///
    /// # Errors
    /// The access file is elsewhere now, and cannot be watched there.
    pub fn wait(&mut self, latest: Option<Instant>) -> Result<Option<Scope>> {
        let mut places = BTreeSet::new();
        let mut everything = false;
        while !everything && places.is_empty() {
            let seen = match latest {
                Some(latest) => self
                    .seen
                    .recv_timeout(latest.saturating_duration_since(Instant::now())),
                None => self.seen.recv().map_err(RecvTimeoutError::from),
            };
            match seen {
                Ok(seen) => everything |= self.gather(seen, &mut places),
                Err(RecvTimeoutError::Timeout) => everything = true,
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.seen.recv_timeout(QUIET.min(left)) {
                Ok(seen) => everything |= self.gather(seen, &mut places),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
        // Before it is read: what changes from here on is told again.
        self.access.as_mut().map_or(Ok(()), FileWatch::follow)?;
        Ok(Some(match everything {
            true => Scope::Everything,
            false => Scope::Parts(places),
        }))
    }

    /// Notes where an event says to look; says whether it is anywhere.
    fn gather(&self, seen: Seen, places: &mut BTreeSet<Below>) -> bool {
        let Seen::Source(Ok(event)) = seen else {
            return true;
        };
        // The system lost count of what happened.
        if event.attrs.flag() == Some(Flag::Rescan) {
            return true;
        }
        if matches!(event.kind, EventKind::Access(_)) {
            return false;
        }
        let mut everything = false;
        for path in &event.paths {
            let Ok(path) = path.strip_prefix(self.source.root()) else {
                continue;
            };
            match place(path) {
                Place::Nowhere => {}
                Place::Below(place) => drop(places.insert(place)),
                Place::Anywhere => everything = true,
            }
        }
        everything
    }
}

fn cannot_watch(path: &Path, fault: &notify::Error) -> Error {
    let hint = match fault.kind {
        notify::ErrorKind::MaxFilesWatch => {
            "; raise the sysctl `fs.inotify.max_user_watches`, there is one for each folder"
        }
        _ => "",
    };
    Error::refused(path, format!("it cannot be watched: {fault}{hint}"))
}

/// Where a path of the source tree says to look.
enum Place {
    Nowhere,
    Below(Below),
    Anywhere,
}

fn place(path: &Path) -> Place {
    let names: Vec<_> = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    let Some((first, rest)) = names.split_first() else {
        return Place::Anywhere;
    };
    let Ok(namespace) = first.parse::<Namespace>() else {
        return match first.starts_with('@') || first == "presets" {
            true => Place::Anywhere,
            // Ours, or nobody's.
            false => Place::Nowhere,
        };
    };
    // An item ends before its versions and its log; above them an event may be about any item below.
    let end = rest
        .iter()
        .position(|name| name.parse::<Version>().is_ok() || name == EVENTS_FILE);
    let item: Option<ItemId> = rest
        .get(..end.unwrap_or(rest.len()))
        .and_then(|segments| format!("{namespace}/{}", segments.join("/")).parse().ok());
    Place::Below(match item {
        Some(item) => Below::Item(item),
        None => Below::Namespace(namespace),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_is_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let folder = |path: &str| {
            let folder = root.path().join(path);
            fs::create_dir_all(&folder).unwrap();
            folder
        };
        let (aside, source) = (folder("aside"), folder("source"));
        symlink(&aside, folder("source/@a").join("link")).unwrap();
        let here = folder("source/@a/here");
        let mut watch = Watch::start(&SourceTree::at(&source), None).unwrap();
        // The first of two events comes first.
        fs::write(aside.join("file"), "").unwrap();
        fs::write(here.join("file"), "").unwrap();
        let Some(Scope::Parts(places)) = watch.wait(None).unwrap() else {
            panic!("an event of a folder");
        };
        let places: Vec<_> = places.iter().map(ToString::to_string).collect();
        assert_eq!(places, ["@a/here/file"]);
    }

    fn looked_at(path: &str) -> String {
        match place(Path::new(path)) {
            Place::Nowhere => "nowhere".into(),
            Place::Anywhere => "anywhere".into(),
            Place::Below(Below::Namespace(namespace)) => namespace.to_string(),
            Place::Below(Below::Item(item)) => item.to_string(),
        }
    }

    #[test]
    fn an_event_says_where_to_look() {
        for (path, expected) in [
            ("@a/x/1.0.0/files/index.ts", "@a/x"),
            ("@a/x/1.0.0", "@a/x"),
            ("@a/x/releases.jsonl", "@a/x"),
            ("@a/x/y/z", "@a/x/y/z"),
            ("@a", "@a"),
            ("@a/1.0.0", "@a"),
            ("@a/Bad Name/x", "@a"),
            ("@A/x", "anywhere"),
            ("", "anywhere"),
            ("presets/start/preset.json", "anywhere"),
            (".staging/0123/registry.json", "nowhere"),
            (".rack-lock", "nowhere"),
            ("README.md", "nowhere"),
        ] {
            assert_eq!(looked_at(path), expected, "{path}");
        }
    }
}
