//! The file: lines are appended whole, by one process at a time; a file that is long or old enough gets another name.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::slice;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Unit};
use rustix::process::geteuid;
use serde::Deserialize;

use super::{Line, Reader, Rotation};
use crate::appended::cut_torn_end;
use crate::commit::durable;
use crate::error::{At, Error, Result};
use crate::lock::{self, Held};
use crate::regular;

const NAME: &str = "audit.jsonl";

/// The audit log of a registry. It holds nothing open: whoever appends looks for the file anew.
#[derive(Debug, Clone)]
pub struct Log {
    state: PathBuf,
    rotation: Rotation,
    /// Threads of one process wait here: for others' locks one has to ask again and again.
    queue: Arc<Mutex<()>>,
}

/// The file, for its holder alone, as it is to be appended to: whole lines, not too many, not too old.
struct Turn<'a> {
    file: File,
    _queue: MutexGuard<'a, ()>,
}

impl Log {
    /// That of the registry with this state folder.
    pub fn of(state: &Path, rotation: Rotation) -> Self {
        Self {
            state: state.to_owned(),
            rotation,
            queue: Arc::default(),
        }
    }

    /// Whether lines could be appended.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<()> {
        self.open().map(drop)
    }

    /// Appends lines, at once. They last as soon as the state folder has its barrier.
    pub fn append(&self, lines: &[Line]) -> Result<()> {
        match lines {
            [] => Ok(()),
            lines => self.write(&self.open()?, self.texts(lines)?),
        }
    }

    /// Appends a line that lasts when this returns.
    pub fn append_durably(&self, line: &Line) -> Result<()> {
        let turn = self.open()?;
        self.write(&turn, self.texts(slice::from_ref(line))?)?;
        turn.file.sync_all().at("sync", &self.path())?;
        // Its name may be new.
        durable::sync_folder(&self.state)
    }

    /// Appends those of these lines that do not stand there yet. A clock that was set back may let one stand twice.
    pub fn complete(&self, lines: &[Line]) -> Result<()> {
        let Some(earliest) = lines.iter().map(|line| line.time).min() else {
            return Ok(());
        };
        // While it is held open nobody else appends or gives it another name.
        let turn = self.open()?;
        let mut missing = self.texts(lines)?;
        for (path, written) in self.files()? {
            if written.saturating_add(CLOCK_STEP).unwrap_or(written) < earliest {
                continue;
            }
            let mut reader = BufReader::new(regular::open(&path).at("open", &path)?);
            let mut text = Vec::new();
            while reader.read_until(b'\n', &mut text).at("read", &path)? > 0 {
                missing.retain(|line| line.as_bytes() != text);
                text.clear();
            }
        }
        self.write(&turn, missing)
    }

    /// All that it holds, from the oldest line on.
    pub fn reader(&self) -> Reader {
        Reader::new(self.clone())
    }

    fn path(&self) -> PathBuf {
        self.state.join(NAME)
    }

    fn open(&self) -> Result<Turn<'_>> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let file = self.open_locked()?;
        Ok(Turn {
            file,
            _queue: queue,
        })
    }

    fn open_locked(&self) -> Result<File> {
        let path = self.path();
        let mut options = OpenOptions::new();
        options.create(true).read(true).append(true).mode(0o600);
        loop {
            let mut file = regular::open_with(&mut options, &path).at("open", &path)?;
            if !lock::wait_for(&file).at("lock", &path)? {
                // Its text is lines, and no name.
                let held = Held::Unsaid;
                return Err(Error::Locked { path, held });
            }
            let known = file.metadata().at("read", &path)?;
            // Meanwhile it may have got another name.
            let is_current = |it: fs::Metadata| (it.dev(), it.ino()) == (known.dev(), known.ino());
            if !fs::symlink_metadata(&path).is_ok_and(is_current) {
                continue;
            }
            cut_torn_end(&mut file).at("cut the torn end of", &path)?;
            if known.len() == 0 {
                self.give_to_owner(&file)?;
                return Ok(file);
            }
            let now = Timestamp::now();
            if !self.rotation.is_due(known.len(), first(&file), now) {
                return Ok(file);
            }
            self.rotate(now)?;
        }
    }

    /// What root makes, the user of the state folder is to write on.
    fn give_to_owner(&self, file: &File) -> Result<()> {
        if !geteuid().is_root() {
            return Ok(());
        }
        let owner = fs::metadata(&self.state).at("read", &self.state)?;
        fchown(file, Some(owner.uid()), Some(owner.gid())).at("set the owner of", &self.path())
    }

    /// All of it or nothing, but for a power cut.
    fn texts(&self, lines: &[Line]) -> Result<Vec<String>> {
        let texts: serde_json::Result<_> = lines.iter().map(Line::to_text).collect();
        texts.at("append to", &self.path())
    }

    fn write(&self, turn: &Turn<'_>, lines: Vec<String>) -> Result<()> {
        let mut file = &turn.file;
        let path = self.path();
        let text: String = lines.into_iter().collect();
        let before = file.metadata().at("read", &path)?.len();
        file.write_all(text.as_bytes())
            .inspect_err(|_| {
                // What resists is torn, and the next one cuts it.
                let _ = file.set_len(before);
            })
            .at("append to", &path)
    }

    /// Gives the file another name, and takes away those of long ago. The caller holds its lock.
    fn rotate(&self, now: Timestamp) -> Result<()> {
        let mut old = self.rotated()?;
        // No name comes twice or out of order, whatever the clock says.
        let step = SignedDuration::from_micros(1);
        let after_last = old.last().and_then(|last| last.checked_add(step).ok());
        let now = now.round(Unit::Microsecond).unwrap_or(now);
        let time = after_last.map_or(now, |after| after.max(now));
        let path = self.path();
        fs::rename(&path, self.named(time)).at("rename", &path)?;
        old.insert(time);
        let surplus = old.len().saturating_sub(self.rotation.keep);
        old.iter()
            .take(surplus)
            .try_for_each(|time| durable::remove_if_there(&self.named(*time)))
    }

    fn named(&self, time: Timestamp) -> PathBuf {
        self.state.join(time.strftime(ROTATED).to_string())
    }

    /// When those files got their names that are no longer written to.
    fn rotated(&self) -> Result<BTreeSet<Timestamp>> {
        let mut times = BTreeSet::new();
        for entry in fs::read_dir(&self.state).at("read", &self.state)? {
            let name = entry.at("read", &self.state)?.file_name();
            let time = name.to_str().and_then(time_of);
            // What is not named as we do is somebody else's.
            times.extend(time.filter(|time| self.named(*time).file_name() == Some(&name)));
        }
        Ok(times)
    }

    /// The files that there are, the oldest first, and when each was last written to.
    pub(super) fn files(&self) -> Result<Vec<(PathBuf, Timestamp)>> {
        // Before the others are looked for: one that gets its new name meanwhile stands among them, once.
        let current = look(&self.path())?;
        let mut files = Vec::new();
        let mut is_listed = false;
        for time in self.rotated()? {
            let path = self.named(time);
            if let Some(known) = look(&path)? {
                is_listed |= current
                    .as_ref()
                    .is_some_and(|current| current.id == known.id);
                files.push((path, known.written));
            }
        }
        if let Some(current) = current.filter(|_| !is_listed) {
            files.push((self.path(), current.written));
        }
        Ok(files)
    }
}

/// The time of a file is coarser than that of a line.
const CLOCK_STEP: SignedDuration = SignedDuration::from_secs(1);

/// In UTC, so that names sort as times do.
const ROTATED: &str = "audit-%Y%m%dT%H%M%S%.6fZ.jsonl";

fn time_of(name: &str) -> Option<Timestamp> {
    let time = name.strip_prefix("audit-")?.strip_suffix("Z.jsonl")?;
    let time = DateTime::strptime("%Y%m%dT%H%M%S%.f", time).ok()?;
    let zoned = time.to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp())
}

struct Looks {
    id: (u64, u64),
    written: Timestamp,
}

/// None if it is not there.
fn look(path: &Path) -> Result<Option<Looks>> {
    let known = match fs::symlink_metadata(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        known => known.at("read", path)?,
    };
    let written = Timestamp::new(known.mtime(), known.mtime_nsec() as i32).unwrap_or_default();
    Ok(Some(Looks {
        id: (known.dev(), known.ino()),
        written,
    }))
}

/// The time of the first line.
fn first(mut file: &File) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Dated {
        time: Timestamp,
    }
    let mut text = Vec::new();
    file.rewind().ok()?;
    BufReader::new(file).read_until(b'\n', &mut text).ok()?;
    let line: Dated = serde_json::from_slice(&text).ok()?;
    Some(line.time)
}
