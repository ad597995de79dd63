//! Builds whenever the source tree changes: what of it changed, and when it is quiet enough to look.
//!
//! Events say where to look, never what is there: a build compares what it sees with what the last one saw.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use notify::event::{EventKind, Flag};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use crate::build::Scope;
use crate::commit::durable::folder_of;
use crate::error::{At, Error, Result};
use crate::model::event::EVENTS_FILE;
use crate::model::{ItemId, Namespace, Version};
use crate::source::SourceTree;
use crate::source::walk::Below;

/// Nothing has happened for so long: whoever writes is through with it,
const QUIET: Duration = Duration::from_millis(200);
/// and nobody waits longer than this for somebody who is not.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is watched: a source tree, and the access file.
#[derive(Debug)]
pub struct Watch {
    source: SourceTree,
    /// Absolute, as the paths of events are.
    access: Option<PathBuf>,
    events: Receiver<notify::Result<Event>>,
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Watches from now on.
    ///
    /// # Errors
    /// The system has no watches left (`fs.inotify.max_user_watches`), or the tree is not there.
    pub fn start(source: &SourceTree, access: Option<&Path>) -> Result<Self> {
        let (send, events) = channel();
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |fault: notify::Error| {
                let hint = match fault.kind {
                    notify::ErrorKind::MaxFilesWatch => {
                        "; raise the sysctl `fs.inotify.max_user_watches`, there is one for each folder"
                    }
                    _ => "",
                };
                Error::refused(path, format!("it cannot be watched: {fault}{hint}"))
            }
        };
        let mut watcher = notify::recommended_watcher(send).map_err(failed(source.root()))?;
        let root = source.root();
        watcher
            .watch(root, RecursiveMode::Recursive)
            .map_err(failed(root))?;
        let access = access
            .map(|path| std::path::absolute(path).at("find", path))
            .transpose()?;
        if let Some(access) = &access {
            // The folder, since a file that is replaced by a rename is another file.
            let folder = folder_of(access);
            watcher
                .watch(folder, RecursiveMode::NonRecursive)
                .map_err(failed(folder))?;
        }
        Ok(Self {
            source: source.clone(),
            access,
            events,
            _watcher: watcher,
        })
    }

    /// Waits for a change and then for quiet; says where to look. None if there is nothing to wait for any more.
    pub fn next(&self) -> Option<Scope> {
        let mut places = BTreeSet::new();
        let mut everything = false;
        loop {
            let event = self.events.recv().ok()?;
            everything |= self.gather(event, &mut places);
            if everything || !places.is_empty() {
                break;
            }
        }
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(QUIET.min(left)) {
                Ok(event) => everything |= self.gather(event, &mut places),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        Some(match everything {
            true => Scope::Everything,
            false => Scope::Parts(places),
        })
    }

    /// Notes where an event says to look; says whether it is anywhere.
    fn gather(&self, event: notify::Result<Event>, places: &mut BTreeSet<Below>) -> bool {
        let Ok(event) = event else {
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
            if self.access.as_ref() == Some(path) {
                everything = true;
                continue;
            }
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
    use super::*;

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
