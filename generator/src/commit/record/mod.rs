//! The record of the last build: what is known of every URL, in an SQLite file of the state folder.
//!
//! Chosen by measuring (docs/performance.md, "The record"): at a million outputs it opens in half a millisecond, and
//! an update costs no barrier of its own, since in WAL mode one that a power cut takes back leaves the state before
//! it. Whoever needs an update to last calls [`super::durable::sync_file_systems`], once for it and for everything else.
//! Used for one operation under the locks of the trees, so that `rackgen` and `rackd` take turns; between operations a
//! process keeps it open, which saves the next one most of what opening costs. It may be deleted: `adopt` makes it anew
//! from the trees.
//!
//! What a build is about to do is journaled in `coming` before it is done, beside what `stands`. A part with a
//! `coming` is not settled: the disk holds one, the other, or something between. What was renamed into place without a
//! barrier since is settled for this boot of the machine: a kill does not take it back, a power cut may.

mod items;
mod keeper;
mod parts;
mod usage;
mod volatile;

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, Params};
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use serde::Deserialize;

use crate::error::{At, Error, Result};
use crate::model::Audience;

pub use items::KnownItem;
pub use keeper::{Held, Keeper};
pub(super) use parts::Journaled;
pub use parts::KnownRelease;
pub use usage::Usage;
pub(super) use volatile::Lasts;

const SCHEMA: &str = "
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE items (
        namespace TEXT, path TEXT,
        releases INTEGER NOT NULL, sight BLOB,
        PRIMARY KEY (namespace, path)
    ) WITHOUT ROWID;
    CREATE TABLE parts (
        item TEXT, part TEXT,
        settled INTEGER NOT NULL, held INTEGER NOT NULL, outputs INTEGER NOT NULL,
        known BLOB, stands BLOB NOT NULL, coming BLOB,
        PRIMARY KEY (item, part)
    );
    CREATE INDEX volatile ON parts (settled) WHERE settled = 2;
    CREATE INDEX open_lists ON parts (item) WHERE item = '' AND settled = 0;
";

const FILE: &str = "record.db";
/// Bytes of the store's log that a process may leave behind: the next one reads them when it opens.
const LOG_LEFT: u64 = 512 << 10;
/// Bytes of the log from which on it is written over into the table, which costs two barriers.
const LOG_MAX: u64 = 4 << 20;
/// SQLite's, unless told otherwise.
const PAGE: u64 = 4 << 10;
const FORMAT_KEY: &str = "format";
const FORMAT: &str = "2";
const OUTPUTS: &str = "outputs";
const COMPLETE: &str = "complete";
const FORGOTTEN: &str = "forgotten";

/// The open record.
#[derive(Debug)]
pub struct Record {
    path: PathBuf,
    db: Connection,
    /// Which file it is: another one may come into its place.
    file: Option<Identity>,
}

type Identity = (u64, u64);

/// What is known of a record at a glance.
#[derive(Debug)]
pub struct Inspected {
    /// Of the record.
    pub format: String,
    /// URLs that answer.
    pub outputs: usize,
}

impl Record {
    /// Opens the record in a state folder, or makes an empty one.
    ///
    /// # Errors
    /// Another format, or a file that is damaged.
    pub fn open(state: &Path) -> Result<Self> {
        let path = Self::file(state);
        let db = Connection::open(&path).map_err(|cause| failed(&path, cause))?;
        let file = None;
        let mut record = Self { path, db, file }.configure()?;
        record.begin()?;
        record.file = identity(&record.path);
        Ok(record)
    }

    fn in_memory() -> Result<Self> {
        let path = PathBuf::from("memory");
        let db = Connection::open_in_memory().map_err(|cause| failed(&path, cause))?;
        let file = None;
        let record = Self { path, db, file }.configure()?;
        record.begin()?;
        Ok(record)
    }

    /// Whether it is the one that lies in a state folder now.
    fn is_of(&self, state: &Path) -> bool {
        let path = Self::file(state);
        self.path == path && self.file.is_some() && self.file == identity(&path)
    }

    /// Ends an operation: what was not committed is taken back.
    fn end(&self) -> Result<()> {
        self.ask(|db| match db.is_autocommit() {
            true => Ok(()),
            false => db.execute_batch("ROLLBACK"),
        })
    }

    /// Where it is in a state folder.
    pub fn file(state: &Path) -> PathBuf {
        state.join(FILE)
    }

    /// It, and the store's log beside it.
    pub fn files(state: &Path) -> [PathBuf; 2] {
        let file = Self::file(state);
        [log(&file), file]
    }

    /// What is known of a record that nobody uses, without a change to it or its folder: of a copy.
    pub fn inspect(state: &Path) -> Result<Inspected> {
        let folder = tempfile::tempdir().at("create", &std::env::temp_dir())?;
        for file in Self::files(state) {
            if let Some(name) = file.file_name()
                && file.exists()
            {
                std::fs::copy(&file, folder.path().join(name)).at("copy", &file)?;
            }
        }
        let path = Self::file(state);
        let copy = Self::open(folder.path()).map_err(|error| match error {
            // Of what is told of a copy only the reason is of use.
            Error::Record { why, .. } => Error::Record { path, why },
            Error::Refused { why, .. } => Error::Refused { path, why },
            error => error,
        })?;
        Ok(Inspected {
            format: copy.fact(FORMAT_KEY)?.unwrap_or_default(),
            outputs: copy.outputs()?,
        })
    }

    fn configure(self) -> Result<Self> {
        self.ask(|db| {
            db.pragma_update(None, "journal_mode", "WAL")?;
            db.pragma_update(None, "synchronous", "NORMAL")?;
            // What is noted stays in the log of the store until there is enough of it: writing it over into the table
            // costs barriers, and an operation is over before that would pay.
            db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            db.pragma_update(None, "wal_autocheckpoint", LOG_MAX / PAGE)?;
            db.set_prepared_statement_cache_capacity(32);
            Ok(())
        })?;
        Ok(self)
    }

    /// Begins an operation. There is one writer, by the locks.
    fn begin(&self) -> Result<()> {
        self.end()?;
        self.ask(|db| {
            db.execute_batch(BEGIN)?;
            if !db.table_exists(None, "meta")? {
                db.execute_batch(SCHEMA)?;
                set_fact(db, FORMAT_KEY, FORMAT)?;
            }
            Ok(())
        })?;
        match self.fact(FORMAT_KEY)? {
            Some(format) if format == FORMAT => self.doubt_other_boots(),
            format => Err(Error::refused(
                self.path.clone(),
                format!(
                    "its format is {}, and this program knows {FORMAT}; it may be deleted, the next build makes it anew",
                    format.as_deref().unwrap_or("missing")
                ),
            )),
        }
    }

    /// Makes what was noted so far one step: after a kill it is there whole or not at all.
    pub fn commit(&self) -> Result<()> {
        self.ask(|db| db.execute_batch("COMMIT; BEGIN IMMEDIATE"))
    }

    /// Takes as much of the disk as the next step will need, which is about what the last one needed. Whoever makes that
    /// step lets go of it first: a full disk is to speak up while nothing has been seen yet.
    pub(super) fn reserve(&self) -> Result<File> {
        const BESIDES: u64 = 64 << 10;
        let last = log(&self.path)
            .metadata()
            .map_or(0, |metadata| metadata.len());
        let room = tempfile::tempfile_in(beside(&self.path)).at("write beside", &self.path)?;
        match fallocate(&room, FallocateFlags::empty(), 0, last + BESIDES) {
            // Some file systems give no promises.
            Err(Errno::OPNOTSUPP) => Ok(room),
            taken => taken.map(|()| room).at("find room beside", &self.path),
        }
    }

    /// A fact about the record.
    pub fn fact(&self, name: &str) -> Result<Option<String>> {
        self.ask(|db| {
            let mut query = db.prepare_cached("SELECT value FROM meta WHERE name = ?")?;
            query.query_row([name], |row| row.get(0)).optional()
        })
    }

    /// Notes a fact about the record.
    pub fn set_fact(&self, name: &str, value: &str) -> Result<()> {
        self.ask(|db| set_fact(db, name, value))
    }

    /// How many URLs answer, all together.
    pub fn outputs(&self) -> Result<usize> {
        let outputs = self.fact(OUTPUTS)?;
        outputs.map_or(Ok(0), |outputs| self.parsed(&outputs))
    }

    /// Whether a build has looked at everything since the record was made: only then it knows what there is.
    pub fn is_complete(&self) -> Result<bool> {
        Ok(self.fact(COMPLETE)?.is_some())
    }

    /// Notes that one has.
    pub fn set_complete(&self) -> Result<()> {
        self.set_fact(COMPLETE, "true")
    }

    /// The last time, in seconds since 1970, that any URL had of which nothing is remembered: a URL that nothing is known
    /// of gets later times, whatever the clock says.
    pub fn forgotten(&self) -> Result<i64> {
        let forgotten = self.fact(FORGOTTEN)?;
        forgotten.map_or(Ok(0), |forgotten| self.parsed(&forgotten))
    }

    /// Notes another one.
    pub fn set_forgotten(&self, time: i64) -> Result<()> {
        self.set_fact(FORGOTTEN, &time.to_string())
    }

    /// The disk of this audience may hold anything.
    pub fn doubt(&self, audience: Audience) -> Result<()> {
        self.run(
            "UPDATE parts SET settled = 0 WHERE held & ?",
            [bit(audience)],
        )?;
        self.run("UPDATE items SET sight = NULL", [])
    }

    fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(&self, text: &str) -> Result<T> {
        text.parse().map_err(|fault| self.damaged(&fault))
    }

    fn decoded<'a, T: Deserialize<'a>>(&self, bytes: &'a [u8]) -> Result<T> {
        postcard::from_bytes(bytes).map_err(|fault| self.damaged(&fault))
    }

    fn damaged(&self, fault: &dyn std::fmt::Display) -> Error {
        Error::Record {
            path: self.path.clone(),
            why: format!("it is damaged inside: {fault}"),
        }
    }

    fn run(&self, sql: &str, params: impl Params) -> Result<()> {
        self.ask(|db| db.prepare_cached(sql)?.execute(params).map(|_| ()))
    }

    fn ask<T>(&self, act: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        act(&self.db).map_err(|cause| failed(&self.path, cause))
    }
}

/// Held to the end of the operation.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// Which file lies there, if one does.
fn identity(path: &Path) -> Option<Identity> {
    let metadata = path.metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// The store's own log beside a record.
fn log(record: &Path) -> PathBuf {
    record.with_extension("db-wal")
}

/// A log that the next process would read for long goes into the table.
impl Drop for Record {
    fn drop(&mut self) {
        let is_long = log(&self.path)
            .metadata()
            .is_ok_and(|log| log.len() > LOG_LEFT);
        // What fails here is done by the next one that opens it.
        let _ = self.end();
        if is_long {
            let _ = self.db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
        }
    }
}

fn set_fact(db: &Connection, name: &str, value: &str) -> rusqlite::Result<()> {
    let mut insert = db.prepare_cached("INSERT OR REPLACE INTO meta VALUES (?, ?)")?;
    insert.execute([name, value]).map(|_| ())
}

fn bit(audience: Audience) -> i64 {
    match audience {
        Audience::Public => 1,
        Audience::Private => 2,
    }
}

fn failed(path: &Path, cause: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode::{CannotOpen, DiskFull, ReadOnly, SystemIoFailure};
    let cause = match cause.sqlite_error_code() {
        Some(DiskFull) => io::Error::new(ErrorKind::StorageFull, cause),
        // SQLite keeps to itself what the system said.
        Some(CannotOpen | ReadOnly | SystemIoFailure) => match write_beside(path) {
            Err(said) => said,
            Ok(()) if cause.sqlite_error_code() == Some(SystemIoFailure) => Errno::IO.into(),
            Ok(()) => io::Error::other(cause),
        },
        _ => {
            return Error::Record {
                path: path.to_owned(),
                why: cause.to_string(),
            };
        }
    };
    Error::Io {
        action: "use",
        path: path.to_owned(),
        cause,
    }
}

/// Whether a file can be written in the record's folder; it leaves no trace.
fn write_beside(path: &Path) -> io::Result<()> {
    tempfile::tempfile_in(beside(path))?.write_all(&[0; 4096])
}

fn beside(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}
