//! What a look at a folder tells without reading a file: enough to see that nothing in it changed.
//!
//! Names, sizes, times and inodes, as `make` and `git` go by them; no bytes of files.

use std::time::{Duration, SystemTime};

use rustix::fs::{FileType, Statx};
use serde::{Deserialize, Serialize};

use crate::model::Version;
use crate::model::event::EVENTS_FILE;

/// A hash over everything that a look showed, cut to 128 bits: it tells change, not truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature([u8; 16]);

impl From<[u8; 16]> for Signature {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl Signature {
    /// The signature as it is stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The same sight in certain circumstances: what they decide about outputs is another sight with others.
    pub fn under(&self, circumstances: &[u8]) -> Self {
        let mut hash = blake3::Hasher::new();
        hash.update(circumstances);
        hash.update(&self.0);
        Self::cut(&hash)
    }

    fn cut(hash: &blake3::Hasher) -> Self {
        let mut bytes = [0; 16];
        hash.finalize_xof().fill(&mut bytes);
        Self(bytes)
    }
}

/// What was seen of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Tells it from any other.
    pub signature: Signature,
    /// Whether something in it changed so lately that the next change may not show.
    pub fresh: bool,
}

impl Sight {
    /// All of an item: its log and its versions, in order.
    pub fn of_item<'v>(
        log: Option<Self>,
        releases: impl Iterator<Item = (&'v Version, Self)>,
    ) -> Self {
        let mut look = Look::now();
        if let Some(log) = log {
            look.part(EVENTS_FILE, log);
        }
        for (version, sight) in releases {
            look.part(&version.to_string(), sight);
        }
        look.done()
    }
}

/// The coarsest clock of a file system that we know of (FAT's): two changes within it may look like one.
const TICK: Duration = Duration::from_secs(2);

/// Gathers a sight, entry by entry, in sorted order.
pub(super) struct Look {
    hash: blake3::Hasher,
    /// Seconds since 1970: what changed since is fresh.
    fresh_from: i64,
    fresh: bool,
}

impl Look {
    /// A look at this moment.
    pub(super) fn now() -> Self {
        let lately = SystemTime::now() - TICK;
        let since_1970 = lately.duration_since(SystemTime::UNIX_EPOCH);
        let seconds = since_1970.map_or(0, |since| since.as_secs());
        Self {
            hash: blake3::Hasher::new(),
            fresh_from: seconds.try_into().unwrap_or(i64::MAX),
            fresh: false,
        }
    }

    /// A file, or what is neither file nor folder.
    pub(super) fn file(&mut self, name: &[u8], kind: FileType, stat: &Statx) {
        self.name(b'f', name);
        let times = [&stat.stx_mtime, &stat.stx_ctime];
        let numbers = [stat.stx_size, stat.stx_ino, kind.as_raw_mode().into()];
        for number in numbers {
            self.hash.update(&number.to_le_bytes());
        }
        for time in times {
            self.hash.update(&time.tv_sec.to_le_bytes());
            self.hash.update(&time.tv_nsec.to_le_bytes());
            self.fresh |= time.tv_sec >= self.fresh_from;
        }
    }

    /// What follows is in this folder, until [`Look::leave`].
    pub(super) fn enter(&mut self, name: &[u8]) {
        self.name(b'd', name);
    }

    /// The folder is done.
    pub(super) fn leave(&mut self) {
        self.name(b'u', b"");
    }

    /// Something that was seen before, by its name.
    fn part(&mut self, name: &str, sight: Sight) {
        self.name(b'p', name.as_bytes());
        self.hash.update(sight.signature.as_bytes());
        self.fresh |= sight.fresh;
    }

    fn name(&mut self, mark: u8, name: &[u8]) {
        self.hash.update(&[mark]);
        self.hash.update(&(name.len() as u64).to_le_bytes());
        self.hash.update(name);
    }

    /// What was seen.
    pub(super) fn done(self) -> Sight {
        Sight {
            signature: Signature::cut(&self.hash),
            fresh: self.fresh,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use crate::model::Namespace;
    use crate::model::event::EVENTS_FILE;
    use crate::source::SourceTree;
    use crate::source::below::Below;
    use crate::source::signature::Sight;
    use crate::source::walk::Seen;

    /// Else the first build would have every item looked into again by the second.
    #[test]
    fn what_is_looked_at_as_it_is_read_looks_like_what_is_walked() {
        let folder = tempfile::tempdir().unwrap();
        let tree = SourceTree::at(folder.path());
        let item = "@a/features/n".parse().unwrap();
        for version in ["1.0.0", "1.10.0", "1.2.0"] {
            let files = tree.item(&item).join(version);
            fs::create_dir_all(files.join("src/.hidden")).unwrap();
            let manifest = format!(
                r#"{{"name": "n", "namespace": "@a", "type": "registry:feature", "version": "{version}", "priority": 0}}"#
            );
            fs::write(files.join("registry.json"), manifest).unwrap();
            fs::write(files.join("src/index.ts"), version).unwrap();
        }
        fs::write(tree.item(&item).join(EVENTS_FILE), "").unwrap();
        let place = Below::Namespace(Namespace::clone(&item.namespace));
        let mut walked = tree.survey(&place, &|_| true).items;
        let mut listed = tree.survey(&place, &|_| false).items;
        let (Some((_, Seen::Walked(_, walked))), Some((_, Seen::Listed(versions, log)))) =
            (walked.pop(), listed.pop())
        else {
            panic!("an item is there");
        };
        assert!(log.is_some() && versions.len() == 3);
        let read: BTreeMap<_, _> = versions
            .into_iter()
            .map(|version| {
                let loaded = tree.load_release(&item.release(version.clone())).unwrap();
                (version, loaded.sight)
            })
            .collect();
        let read = read.iter().map(|(version, sight)| (version, *sight));
        assert_eq!(Sight::of_item(log, read), walked);
    }
}
