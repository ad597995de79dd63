//! Where announcements wait, in `webhooks/` of the state folder: `staged` until what they announce can be read, then
//! `outbox` until the daemon has spread them over its endpoints. One file a commit, plain JSON.
//!
//! There is a spool as soon as somebody wants to be told (the daemon makes it then); without one nobody announces.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Announcement, Shelves, file};
use crate::commit::durable;
use crate::error::{At, Result};
use crate::source::SourceTree;

const SEQUENCE: &str = "sequence";
const STAGED: &str = "staged";
const OUTBOX: &str = "outbox";

/// The spool of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spool {
    folder: PathBuf,
}

/// A file of the spool.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Batch {
    announcements: Vec<Announcement>,
}

impl Spool {
    /// That of a state folder, if there is one.
    pub fn of(state: &Path) -> Option<Self> {
        let folder = Self::folder(state);
        folder.is_dir().then_some(Self { folder })
    }

    /// That of a state folder; from now on every commit is announced.
    pub fn create(state: &Path) -> Result<Self> {
        let folder = Self::folder(state);
        for part in [STAGED, OUTBOX] {
            durable::create_folders(&folder.join(part), file::FOLDER_MODE)?;
        }
        Ok(Self { folder })
    }

    pub(super) fn folder(state: &Path) -> PathBuf {
        state.join("webhooks")
    }

    /// Where all of it is.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Gives so many numbers, and says which is the one before the first.
    pub fn number(&self, count: usize) -> Result<u64> {
        // The daemon gives some too, whoever has the locks of the trees.
        let folder = File::open(&self.folder).at("open", &self.folder)?;
        folder.lock().at("lock", &self.folder)?;
        let path = self.sequence();
        let last = match self.last()? {
            Some(last) => last,
            None => self.largest()?,
        };
        // Not left to the caller's barrier: a power cut before it would leave no number at all.
        let text = format!("{}\n", last + count as u64);
        // No secret, and `rackgen` may be run by another user.
        durable::replace(&path, text.as_bytes(), 0o644)?;
        Ok(last)
    }

    fn sequence(&self) -> PathBuf {
        self.folder.join(SEQUENCE)
    }

    /// The last number that was given, if its file tells it: a power cut may have torn it.
    fn last(&self) -> Result<Option<u64>> {
        let path = self.sequence();
        match fs::read(&path) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
            read => Ok(str::from_utf8(&read.at("read", &path)?)
                .ok()
                .and_then(given)),
        }
    }

    /// The largest number that is left in what was numbered: no counter stops a registry.
    fn largest(&self) -> Result<u64> {
        let announced = [files(&self.folder.join(STAGED))?, self.outbox()?].concat();
        // The name has the first number in it, if all else is torn.
        let names = announced
            .iter()
            .filter_map(|path| given(path.file_stem()?.to_str()?));
        let announcements = announced.iter().flat_map(|path| Self::read(path).ok());
        let deliveries = Shelves::of_spool(self).all()?;
        let bodies = announcements
            .flatten()
            .map(|announcement| announcement.body)
            .chain(deliveries.into_iter().map(|(_, delivery)| delivery.body));
        let numbers = bodies.filter_map(|body| given(&body.get(SEQUENCE)?.to_string()));
        Ok(names.chain(numbers).max().unwrap_or(0))
    }

    /// That the last number cannot be told, and what follows.
    pub fn doubt(&self) -> Result<Option<String>> {
        let path = self.sequence();
        let is_torn = path.exists() && self.last()?.is_none();
        Ok(is_torn.then(|| {
            format!(
                "{}: this is no number; the next event has one larger than all in this folder, which may have been \
                 sent before",
                path.display()
            )
        }))
    }

    /// Writes what a commit will have to announce, each with its number; the caller's barrier makes it durable.
    pub(crate) fn stage(&self, mut announcements: Vec<Announcement>) -> Result<Staged> {
        let last = self.number(announcements.len())?;
        for (number, announcement) in (last + 1..).zip(&mut announcements) {
            announcement.body.insert("sequence".into(), json!(number));
        }
        let name = format!("{:020}.json", last + 1);
        let staged = Staged {
            path: self.folder.join(STAGED).join(&name),
            due: self.outbox_folder().join(&name),
        };
        let text = file::text(&staged.path, &Batch { announcements })?;
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(file::MODE)
            .open(&staged.path)
            .at("write", &staged.path)?;
        file.write_all(&text).at("write", &staged.path)?;
        Ok(staged)
    }

    /// What a commit staged that was killed before its end; the caller holds the locks of the trees.
    pub(crate) fn left_behind(&self) -> Result<Vec<Staged>> {
        let files = files(&self.folder.join(STAGED))?;
        let due = |path: &Path| {
            let name = path.file_name().unwrap_or_default();
            self.outbox_folder().join(name)
        };
        Ok(files
            .into_iter()
            .map(|path| Staged {
                due: due(&path),
                path,
            })
            .collect())
    }

    /// The folder of what is to be delivered.
    pub fn outbox_folder(&self) -> PathBuf {
        self.folder.join(OUTBOX)
    }

    /// What is to be delivered, oldest first.
    pub fn outbox(&self) -> Result<Vec<PathBuf>> {
        files(&self.outbox_folder())
    }

    /// What a file of the outbox announces.
    ///
    /// # Errors
    /// A file that is none of ours, or of another format.
    pub fn read(path: &Path) -> Result<Vec<Announcement>> {
        let batch: Option<Batch> = file::read(path)?;
        // Whoever spread it took it away.
        Ok(batch.unwrap_or_default().announcements)
    }
}

/// What a commit announces as soon as it can be read.
#[derive(Debug)]
pub(crate) struct Staged {
    path: PathBuf,
    due: PathBuf,
}

impl Staged {
    /// It can be read.
    pub(crate) fn is_due(&self) -> Result<()> {
        fs::rename(&self.path, &self.due).at("rename into place", &self.due)
    }

    /// Nothing came of it.
    pub(crate) fn forget(&self) -> Result<()> {
        durable::remove_if_there(&self.path)
    }

    /// Announces of it what came to be, whatever stopped the commit that was to; after a build of everything.
    pub(crate) fn recover(&self, source: &SourceTree) -> Result<()> {
        // A power cut before the barrier tears it, and then nothing of it happened.
        if durable::is_torn(&fs::read(&self.path).at("read", &self.path)?) {
            return self.forget();
        }
        let mut due = Vec::new();
        for announcement in Spool::read(&self.path)? {
            if announcement.is_so(source)? {
                due.push(announcement);
            }
        }
        if due.is_empty() {
            return self.forget();
        }
        file::write(&self.path, &Batch { announcements: due })?;
        self.is_due()
    }
}

/// A number that an event may have: no larger than what a receiver's JSON holds exactly.
fn given(text: &str) -> Option<u64> {
    let number = text.trim().parse().ok();
    number.filter(|number| *number < 1 << 53)
}

/// The files of a folder by name; none where there is no folder.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.at("read", folder)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.at("read", folder)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
