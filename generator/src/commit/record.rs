//! The record of the last build: what is known of every URL, in an SQLite file of the state folder.
//!
//! Chosen by measuring (docs/performance.md, "The record"): at a million outputs it opens in half a millisecond, and
//! an update costs no barrier of its own, since in WAL mode one that a power cut takes back leaves the state before
//! it. Whoever needs an update to last calls [`super::durable::sync_file_systems`], once for it and for everything else.
//! Opened for one operation under the locks of the trees, so that `rackgen` and `rackd` take turns. It may be
//! deleted: `adopt` makes it anew from the trees.
//!
//! What a build is about to do is journaled in `coming` before it is done, beside what `stands`. A part with a
//! `coming` is not settled: the disk holds one, the other, or something between.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, Params, Row as SqlRow, params};
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::error::{At, Error, Result};
use crate::model::{
    Audience, ContentDigest, ItemId, ItemPath, Namespace, ReleaseId, StoredFile, Version,
};
use crate::plan::Rows;
use crate::plan::key::PublicKey;
use crate::plan::part::{Part, Recorded};
use crate::plan::row::Row;
use crate::source::signature::Signature;
use crate::source::walk::Below;

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
";

const FILE: &str = "record.db";
/// Bytes of the store's log that an operation may leave behind: the next one reads them when it opens.
const LOG_MAX: u64 = 512 << 10;
/// SQLite's, unless told otherwise.
const PAGE: u64 = 4 << 10;
const FORMAT_KEY: &str = "format";
const FORMAT: &str = "1";
const OUTPUTS: &str = "outputs";
const COMPLETE: &str = "complete";

/// The open record.
#[derive(Debug)]
pub struct Record {
    path: PathBuf,
    db: Connection,
}

/// What the last build that looked at an item knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownItem {
    /// Versions that are served.
    pub releases: usize,
    /// What it looked like, under which circumstances; none if it has to be looked into again.
    pub sight: Option<Signature>,
}

/// What the last build that read a version knows of it, so that it need not be read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownRelease {
    /// What its folder looked like, under which circumstances.
    pub sight: Option<Signature>,
    /// What it is.
    pub digest: ContentDigest,
    /// Its `registry.json`.
    pub manifest: StoredFile,
    /// When the youngest of its files was written.
    pub youngest: Timestamp,
}

/// What is known of a record at a glance.
#[derive(Debug)]
pub struct Inspected {
    /// Of the record.
    pub format: String,
    /// URLs that answer.
    pub outputs: usize,
}

/// A part whose future is journaled.
#[derive(Debug)]
pub(super) struct Journaled {
    pub(super) part: Part,
    held: i64,
    outputs: usize,
    outputs_before: usize,
    is_forgotten: bool,
}

impl Record {
    /// Opens the record in a state folder, or makes an empty one.
    ///
    /// # Errors
    /// Another format, or a file that is damaged.
    pub fn open(state: &Path) -> Result<Self> {
        let path = state.join(FILE);
        let db = Connection::open(&path).map_err(|cause| failed(&path, cause))?;
        Self { path, db }.prepare()
    }

    /// A copy of the record for an operation that is to leave no trace; an empty one where there is none.
    pub fn open_aside(state: &Path) -> Result<Self> {
        match state.join(FILE).exists() {
            // Never committed: what is not is taken back.
            true => Self::open(state),
            false => {
                let path = PathBuf::from("memory");
                let db = Connection::open_in_memory().map_err(|cause| failed(&path, cause))?;
                Self { path, db }.prepare()
            }
        }
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

    fn prepare(self) -> Result<Self> {
        self.ask(|db| {
            // Without memory that is shared through one more file: nobody else is there, by the locks.
            db.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
            db.pragma_update(None, "journal_mode", "WAL")?;
            db.pragma_update(None, "synchronous", "NORMAL")?;
            // What is noted stays in the log of the store until there is enough of it: writing it over into the table
            // costs barriers, and an operation is over before that would pay.
            db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            db.pragma_update(None, "wal_autocheckpoint", LOG_MAX / PAGE)?;
            db.set_prepared_statement_cache_capacity(32);
            // Held to the end of the operation: there is one writer, by the locks.
            db.execute_batch("BEGIN IMMEDIATE")?;
            if !db.table_exists(None, "meta")? {
                db.execute_batch(SCHEMA)?;
                set_fact(db, FORMAT_KEY, FORMAT)?;
            }
            Ok(())
        })?;
        match self.fact(FORMAT_KEY)? {
            Some(format) if format == FORMAT => Ok(self),
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
        let log = self.path.with_extension("db-wal");
        let last = log.metadata().map_or(0, |metadata| metadata.len());
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

    /// All items, by their address.
    pub fn items(&self) -> Result<HashMap<String, KnownItem>> {
        self.ask(|db| {
            let mut query =
                db.prepare_cached("SELECT namespace, path, releases, sight FROM items")?;
            query.query_map([], known_item)?.collect()
        })
    }

    /// The items at and below a place, by their address.
    pub fn items_below(&self, place: &Below) -> Result<HashMap<String, KnownItem>> {
        let known = self.ask(|db| {
            let mut query = db.prepare_cached(
                "SELECT namespace, path, releases, sight FROM items WHERE namespace = ?",
            )?;
            query
                .query_map([place.namespace().as_str()], known_item)?
                .collect::<rusqlite::Result<HashMap<_, _>>>()
        })?;
        let mut below = HashMap::new();
        for (id, known) in known {
            if place.covers(&self.parsed(&id)?) {
                below.insert(id, known);
            }
        }
        Ok(below)
    }

    /// What is known of one item.
    pub fn item(&self, id: &ItemId) -> Result<Option<KnownItem>> {
        self.ask(|db| {
            let mut query = db.prepare_cached(
                "SELECT namespace, path, releases, sight FROM items WHERE namespace = ? AND path = ?",
            )?;
            let key = [id.namespace.as_str(), id.path.as_str()];
            let known = query.query_row(key, known_item).optional()?;
            Ok(known.map(|(_, known)| known))
        })
    }

    /// The items of a namespace that are served, sorted.
    pub fn served_items(&self, namespace: &Namespace) -> Result<Vec<ItemPath>> {
        let paths: Vec<String> = self.ask(|db| {
            let mut query = db.prepare_cached(
                "SELECT path FROM items WHERE namespace = ? AND releases > 0 ORDER BY path",
            )?;
            query
                .query_map([namespace.as_str()], |row| row.get(0))?
                .collect()
        })?;
        paths.iter().map(|path| self.parsed(path)).collect()
    }

    /// Notes what is known of an item.
    pub fn set_item(&self, id: &ItemId, known: &KnownItem) -> Result<()> {
        self.run(
            "INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?)",
            params![
                id.namespace.as_str(),
                id.path.as_str(),
                known.releases,
                known.sight.as_ref().map(Signature::as_bytes)
            ],
        )
    }

    /// Forgets an item.
    pub fn forget_item(&self, id: &ItemId) -> Result<()> {
        self.run(
            "DELETE FROM items WHERE namespace = ? AND path = ?",
            [id.namespace.as_str(), id.path.as_str()],
        )
    }

    /// The versions of an item that anything is known of; the knowledge where the disk is sure to hold them, for this
    /// audience and no other.
    pub fn releases(
        &self,
        item: &ItemId,
        audience: Audience,
    ) -> Result<BTreeMap<Version, Option<KnownRelease>>> {
        let rows: Vec<(String, Option<Vec<u8>>)> = self.ask(|db| {
            let mut query = db.prepare_cached(
                "SELECT part, CASE WHEN settled AND held = ? THEN known END
                 FROM parts WHERE item = ? AND part <> ''",
            )?;
            let row = |row: &SqlRow<'_>| Ok((row.get(0)?, row.get(1)?));
            let key = params![bit(audience), item.to_string()];
            query.query_map(key, row)?.collect()
        })?;
        let parse = |(version, known): (String, Option<Vec<u8>>)| {
            let known = known.map(|known| self.decoded(&known)).transpose()?;
            Ok((self.parsed(&version)?, known))
        };
        rows.into_iter().map(parse).collect()
    }

    /// What is recorded of a part; nothing yet, if so.
    pub fn recorded(&self, part: &Part) -> Result<Recorded> {
        let (item, name) = columns(part);
        let row = self.ask(|db| {
            let mut query = db.prepare_cached(
                "SELECT settled, stands, coming FROM parts WHERE item = ? AND part = ?",
            )?;
            query.query_row([item, name], stored).optional()
        })?;
        row.map_or_else(|| Ok(Recorded::default()), |row| self.merged(part, row))
    }

    /// The documents that belong to no item.
    pub fn alone(&self) -> Result<BTreeMap<PublicKey, Recorded>> {
        let rows: Vec<(String, Stored)> = self.ask(|db| {
            let mut query = db.prepare_cached(
                "SELECT settled, stands, coming, part FROM parts WHERE item = ''",
            )?;
            let row = |row: &SqlRow<'_>| Ok((row.get(3)?, stored(row)?));
            query.query_map([], row)?.collect()
        })?;
        rows.into_iter().map(|row| self.document(row)).collect()
    }

    fn document(&self, (url, row): (String, Stored)) -> Result<(PublicKey, Recorded)> {
        let key: PublicKey = self.parsed(&url)?;
        let recorded = self.merged(&Part::Alone(key.clone()), row)?;
        Ok((key, recorded))
    }

    /// The namespaces that have a listing in the tree of this audience, sorted.
    pub fn namespaces(&self, audience: Audience) -> Result<Vec<Namespace>> {
        let listed = |(key, recorded): (PublicKey, Recorded)| match key {
            PublicKey::Listing(namespace) if recorded.stands_for(audience) => Some(namespace),
            _ => None,
        };
        Ok(self.alone()?.into_iter().filter_map(listed).collect())
    }

    /// Whether anything of an item may lie in a tree other than this audience's.
    pub fn is_held_elsewhere(&self, item: &ItemId, audience: Audience) -> Result<bool> {
        self.ask(|db| {
            let mut query = db.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM parts WHERE item = ? AND held & ~?)",
            )?;
            query.query_row(params![item.to_string(), bit(audience)], |row| row.get(0))
        })
    }

    /// The document that a commit to the tree of this audience writes last, and the tree is sure to hold.
    pub fn last(&self, audience: Audience) -> Result<Option<(PublicKey, Recorded)>> {
        let row: Option<(String, Stored)> = self.ask(|db| {
            // The URL of the list of namespaces comes before those of listings, these before all others.
            let mut query = db.prepare_cached(
                "SELECT settled, stands, coming, part FROM parts
                 WHERE item = '' AND settled AND held = ? ORDER BY part LIMIT 1",
            )?;
            let row = |row: &SqlRow<'_>| Ok((row.get(3)?, stored(row)?));
            query.query_row([bit(audience)], row).optional()
        })?;
        row.map(|row| self.document(row)).transpose()
    }

    /// How many URLs answer, all together.
    pub fn outputs(&self) -> Result<usize> {
        let outputs = self.fact(OUTPUTS)?;
        outputs.map_or(Ok(0), |outputs| self.parsed(&outputs))
    }

    /// Journals what a part is about to become.
    pub(super) fn journal(
        &self,
        part: Part,
        before: &Recorded,
        after: &Rows,
        known: Option<&KnownRelease>,
    ) -> Result<Journaled> {
        let (item, name) = columns(&part);
        self.run(
            "INSERT OR REPLACE INTO parts VALUES (?, ?, 0, ?, ?, ?, ?, ?)",
            params![
                item,
                name,
                held(&before.rows) | held(after),
                outputs(&before.rows),
                known.map(encoded),
                encode_rows(&part, &before.rows),
                encode_rows(&part, after)
            ],
        )?;
        Ok(Journaled {
            part,
            held: held(after),
            outputs: outputs(after),
            outputs_before: outputs(&before.rows),
            is_forgotten: after.is_empty(),
        })
    }

    /// Notes that parts have become what was journaled; one of which nothing is left to remember is forgotten.
    pub(super) fn settle(&self, journaled: &[Journaled]) -> Result<()> {
        let sum = |count: fn(&Journaled) -> usize| journaled.iter().map(count).sum::<usize>();
        let outputs = (self.outputs()? + sum(|part| part.outputs))
            .saturating_sub(sum(|part| part.outputs_before));
        self.set_fact(OUTPUTS, &outputs.to_string())?;
        journaled.iter().try_for_each(|part| self.settle_one(part))
    }

    fn settle_one(&self, journaled: &Journaled) -> Result<()> {
        let (item, name) = columns(&journaled.part);
        if journaled.is_forgotten {
            let sql = "DELETE FROM parts WHERE item = ? AND part = ?";
            return self.run(sql, [item, name]);
        }
        self.run(
            "UPDATE parts SET settled = 1, held = ?, outputs = ?, stands = coming, coming = NULL
             WHERE item = ? AND part = ?",
            params![journaled.held, journaled.outputs, item, name],
        )
    }

    /// Notes other knowledge of a part that stays as it is.
    pub fn know(&self, part: &Part, known: &KnownRelease) -> Result<()> {
        let (item, name) = columns(part);
        self.run(
            "UPDATE parts SET known = ? WHERE item = ? AND part = ?",
            params![encoded(known), item, name],
        )
    }

    /// Notes what a tree was found to hold of a part, beside what is known of it.
    pub fn take_up(&self, part: &Part, found: &Recorded) -> Result<()> {
        let mut all = self.recorded(part)?;
        let is_new = all.rows.is_empty();
        for (key, found) in &found.rows {
            let row = all.rows.entry(key.clone()).or_default();
            row.top = row.top.max(found.top);
            row.held_in.extend(&found.held_in);
            row.current = row.current.take().or_else(|| found.current.clone());
        }
        // In both trees: a build was cut short between them.
        all.settled =
            found.settled && (is_new || all.settled && held(&all.rows) == held(&found.rows));
        let before = match is_new {
            true => &Recorded::default(),
            false => &all,
        };
        let journaled = self.journal(part.clone(), before, &all.rows, None)?;
        match all.settled {
            true => self.settle(&[journaled]),
            false => Ok(()),
        }
    }

    /// Notes the items of the parts that were taken up, so that those which are in no source any longer go.
    pub fn take_up_items(&self) -> Result<()> {
        self.run(
            "INSERT OR IGNORE INTO items
             SELECT substr(item, 1, instr(item, '/') - 1), substr(item, instr(item, '/') + 1), sum(part <> ''), NULL
             FROM parts WHERE item <> '' GROUP BY item",
            [],
        )
    }

    /// Whether a build has looked at everything since the record was made: only then it knows what there is.
    pub fn is_complete(&self) -> Result<bool> {
        Ok(self.fact(COMPLETE)?.is_some())
    }

    /// Notes that one has.
    pub fn set_complete(&self) -> Result<()> {
        self.set_fact(COMPLETE, "true")
    }

    /// The disk of this audience may hold anything.
    pub fn doubt(&self, audience: Audience) -> Result<()> {
        self.run(
            "UPDATE parts SET settled = 0 WHERE held & ?",
            [bit(audience)],
        )?;
        self.run("UPDATE items SET sight = NULL", [])
    }

    /// Everything of which anything is recorded.
    pub fn parts_of_all(&self) -> Result<Vec<Part>> {
        let names: Vec<(String, String)> = self.ask(|db| {
            let mut query = db.prepare_cached("SELECT item, part FROM parts")?;
            let row = |row: &SqlRow<'_>| Ok((row.get(0)?, row.get(1)?));
            query.query_map([], row)?.collect()
        })?;
        let part = |(item, name): (String, String)| {
            Ok(match (&*item, &*name) {
                ("", url) => Part::Alone(self.parsed(url)?),
                (item, "") => Part::Item(self.parsed(item)?),
                (item, version) => {
                    let item: ItemId = self.parsed(item)?;
                    Part::Release(item.release(self.parsed(version)?))
                }
            })
        };
        names.into_iter().map(part).collect()
    }

    fn merged(&self, part: &Part, row: Stored) -> Result<Recorded> {
        let (settled, stands, coming) = row;
        let mut rows = self.decode_rows(part, &stands)?;
        if let Some(coming) = coming {
            for (key, new) in self.decode_rows(part, &coming)? {
                let row = rows.entry(key).or_default();
                row.top = row.top.max(new.top);
                row.held_in.extend(new.held_in);
                row.remembered = new.current.or(new.remembered).or(row.remembered.take());
            }
        }
        Ok(Recorded {
            rows,
            settled,
            anew: false,
        })
    }

    fn decode_rows(&self, part: &Part, bytes: &[u8]) -> Result<Rows> {
        let base = base(part);
        let rows: Vec<(&str, Row)> =
            postcard::from_bytes(bytes).map_err(|fault| self.damaged(&fault))?;
        let parse = |(rest, row): (&str, Row)| {
            let key = format!("{base}{rest}").parse();
            Ok((key.map_err(|fault| self.damaged(&fault))?, row))
        };
        rows.into_iter().map(parse).collect()
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

/// `namespace`, `path`, `releases`, `sight`.
fn known_item(row: &SqlRow<'_>) -> rusqlite::Result<(String, KnownItem)> {
    let [namespace, path] = [row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?];
    let known = KnownItem {
        releases: row.get(2)?,
        sight: row.get::<_, Option<[u8; 16]>>(3)?.map(Signature::from),
    };
    Ok((format!("{namespace}/{path}"), known))
}

/// The store's own log beside a record.
fn log(record: &Path) -> PathBuf {
    record.with_extension("db-wal")
}

/// What was not committed is taken back.
impl Drop for Record {
    fn drop(&mut self) {
        let is_long = log(&self.path)
            .metadata()
            .is_ok_and(|log| log.len() > LOG_MAX);
        // What fails here is done by the next one that opens it.
        let _ = self.db.execute_batch("ROLLBACK");
        if is_long {
            let _ = self.db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
        }
    }
}

/// `settled`, `stands`, `coming`.
type Stored = (bool, Vec<u8>, Option<Vec<u8>>);

fn stored(row: &SqlRow<'_>) -> rusqlite::Result<Stored> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
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

/// The trees that may hold something of these URLs.
fn held(rows: &Rows) -> i64 {
    let trees = rows.values().flat_map(|row| &row.held_in);
    trees.fold(0, |all, audience| all | bit(*audience))
}

/// How many of these URLs answer.
fn outputs(rows: &Rows) -> usize {
    rows.values().filter(|row| row.current.is_some()).count()
}

/// Where a part stands in the table: an item's address and a version, or a document's URL.
fn columns(part: &Part) -> (String, String) {
    match part {
        Part::Release(ReleaseId { item, version }) => (item.to_string(), version.to_string()),
        Part::Item(item) => (item.to_string(), String::new()),
        Part::Alone(key) => (String::new(), key.to_string()),
    }
}

/// What the URLs of a part begin with; it is not stored with each of them.
fn base(part: &Part) -> String {
    match part {
        Part::Release(id) => PublicKey::Manifest(id.clone()),
        Part::Item(id) => PublicKey::Latest(id.clone()),
        Part::Alone(key) => key.clone(),
    }
    .to_string()
}

fn encode_rows(part: &Part, rows: &Rows) -> Vec<u8> {
    let base = base(part);
    let urls: Vec<(String, &Row)> = rows
        .iter()
        .map(|(key, row)| (key.to_string().split_off(base.len()), row))
        .collect();
    encoded(&urls)
}

/// Into memory, which does not fail.
fn encoded(value: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(value).unwrap_or_default()
}

fn failed(path: &Path, cause: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode::{CannotOpen, DiskFull, ReadOnly, SystemIoFailure};
    let cause = match cause.sqlite_error_code() {
        Some(DiskFull) => io::Error::new(ErrorKind::StorageFull, cause),
        Some(ReadOnly) => io::Error::new(ErrorKind::ReadOnlyFilesystem, cause),
        // SQLite keeps to itself what the system said.
        Some(CannotOpen | SystemIoFailure) => match write_beside(path) {
            Err(said) => said,
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
