//! The record of the last build: what is known of every URL, in a `redb` file of the state folder.
//!
//! Opened for one operation under the locks of the trees, so that `rackgen` and `rackd` take turns. Chosen for
//! its open time and small updates at a million rows (limits.md, "State of 1 million outputs"). It may be
//! deleted: `adopt` makes it anew from the trees.

use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use super::durable;
use crate::error::{At, Error, Result};
use crate::model::{Audience, ItemId, ItemPath, Namespace};
use crate::plan::key::PublicKey;
use crate::plan::row::Row;
use crate::plan::{Rows, Scope};

/// URL path → row.
const ROWS: TableDefinition<&str, &[u8]> = TableDefinition::new("rows");
/// The items that have rows, so that a listing costs its length and not that of all files.
const ITEMS: TableDefinition<&str, ()> = TableDefinition::new("items");
/// Facts about the record itself.
const META: TableDefinition<&str, &str> = TableDefinition::new("meta");

const FORMAT_KEY: &str = "format";
const FORMAT: &str = "1";

/// The open record.
#[derive(Debug)]
pub struct Record {
    path: PathBuf,
    database: Database,
}

/// Makes an empty record, aside first: what lies at its path is always whole.
fn make(path: &Path) -> Result<()> {
    let aside = path.with_extension("new");
    durable::remove_if_there(&aside)?;
    let database = Database::create(&aside).map_err(|cause| failed(&aside, cause))?;
    let mut record = Record {
        path: aside.clone(),
        database,
    };
    record.update(&Update {
        facts: vec![(FORMAT_KEY, FORMAT.to_owned())],
        ..Update::default()
    })?;
    drop(record);
    std::fs::rename(&aside, path).at("make", path)?;
    durable::sync_folder(path.parent().unwrap_or(path))
}

/// What changes in one transaction.
#[derive(Debug, Default)]
pub struct Update {
    /// Facts about the record.
    pub facts: Vec<(&'static str, String)>,
    /// Rows that are new or other.
    pub set: Rows,
    /// Rows that are not needed any longer.
    pub forget: Vec<PublicKey>,
}

impl Record {
    /// Opens the record in a state folder, or makes an empty one.
    ///
    /// # Errors
    /// Another format, or a file that is damaged beyond what the store repairs by itself.
    pub fn open(state: &Path) -> Result<Self> {
        let path = state.join("record.redb");
        if !path.exists() {
            make(&path)?;
        }
        let database =
            caught(|| Ok(Database::open(&path)?)).map_err(|cause| failed(&path, cause))?;
        let record = Self { path, database };
        match record.fact(FORMAT_KEY)? {
            Some(format) if format == FORMAT => Ok(record),
            format => Err(Error::refused(
                record.path,
                format!(
                    "its format is {}, and this program knows {FORMAT}",
                    format.as_deref().unwrap_or("missing")
                ),
            )),
        }
    }

    /// The rows of a scope, and those of these keys besides.
    pub fn rows<'k>(
        &self,
        scope: &Scope,
        keys: impl Iterator<Item = &'k PublicKey>,
    ) -> Result<Rows> {
        self.read(|tx| {
            let table = tx.open_table(ROWS)?;
            let mut rows = Rows::new();
            let mut keep = |url: &str, bytes: &[u8]| {
                let (key, row) = decode(url, bytes)?;
                rows.insert(key, row);
                Ok::<_, redb::Error>(())
            };
            match scope {
                Scope::Everything => {
                    for entry in table.iter()? {
                        let (url, row) = entry?;
                        keep(url.value(), row.value())?;
                    }
                }
                Scope::Item(item) => {
                    let latest = PublicKey::Latest(item.clone()).to_string();
                    let keys = keys.map(ToString::to_string).chain([latest.clone()]);
                    for url in keys {
                        if let Some(row) = table.get(&*url)? {
                            keep(&url, row.value())?;
                        }
                    }
                    let (start, end) = below(&latest);
                    for entry in table.range(&*start..&*end)? {
                        let (url, row) = entry?;
                        keep(url.value(), row.value())?;
                    }
                }
            }
            Ok(rows)
        })
    }

    /// The items of a namespace, sorted.
    pub fn items(&self, namespace: &Namespace) -> Result<Vec<ItemPath>> {
        self.read(|tx| {
            let (start, end) = below(namespace.as_str());
            let mut paths: Vec<ItemPath> = Vec::new();
            for entry in tx.open_table(ITEMS)?.range(&*start..&*end)? {
                paths.extend(entry?.0.value()[start.len()..].parse());
            }
            Ok(paths)
        })
    }

    /// The namespaces that have a listing in the tree of this audience, sorted.
    pub fn namespaces(&self, audience: Audience) -> Result<Vec<Namespace>> {
        self.read(|tx| {
            let (start, end) = below(&PublicKey::Namespaces.to_string());
            let mut namespaces = Vec::new();
            for entry in tx.open_table(ROWS)?.range(&*start..&*end)? {
                let (url, row) = entry?;
                if let (PublicKey::Listing(namespace), Row { current, .. }) =
                    decode(url.value(), row.value())?
                    && current.is_some_and(|there| there.audience == audience)
                {
                    namespaces.push(namespace);
                }
            }
            Ok(namespaces)
        })
    }

    /// The row of one URL.
    pub fn row(&self, key: &PublicKey) -> Result<Option<Row>> {
        self.read(|tx| {
            let url = key.to_string();
            match tx.open_table(ROWS)?.get(&*url)? {
                None => Ok(None),
                Some(row) => decode(&url, row.value()).map(|(_, row)| Some(row)),
            }
        })
    }

    /// Applies an update, durably; one that changes nothing costs nothing.
    pub fn update(&mut self, update: &Update) -> Result<()> {
        if update.facts.is_empty() && update.set.is_empty() && update.forget.is_empty() {
            return Ok(());
        }
        self.write(|tx| {
            let mut facts = tx.open_table(META)?;
            for (name, fact) in &update.facts {
                facts.insert(*name, &**fact)?;
            }
            let mut rows = tx.open_table(ROWS)?;
            let mut items = tx.open_table(ITEMS)?;
            for (key, row) in &update.set {
                let bytes = postcard::to_allocvec(row).unwrap_or_default();
                rows.insert(&*key.to_string(), &*bytes)?;
                if let PublicKey::Versions(item) = key {
                    mark(&mut items, item, row.current.is_some())?;
                }
            }
            for key in &update.forget {
                rows.remove(&*key.to_string())?;
                if let PublicKey::Versions(item) = key {
                    mark(&mut items, item, false)?;
                }
            }
            Ok(())
        })
    }

    /// A fact about the record.
    pub fn fact(&self, name: &str) -> Result<Option<String>> {
        self.read(|tx| {
            let fact = tx.open_table(META)?.get(name)?;
            Ok(fact.map(|fact| fact.value().to_owned()))
        })
    }

    fn read<T>(
        &self,
        act: impl FnOnce(&redb::ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T> {
        caught(|| act(&self.database.begin_read()?)).map_err(|cause| failed(&self.path, cause))
    }

    fn write(
        &mut self,
        act: impl FnOnce(&redb::WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<()> {
        let run = caught(|| {
            let mut tx = self.database.begin_write()?;
            // After a kill the next start need not read the whole file.
            tx.set_quick_repair(true);
            act(&tx)?;
            Ok(tx.commit()?)
        });
        run.map_err(|cause| failed(&self.path, cause))
    }
}

fn decode(url: &str, row: &[u8]) -> Result<(PublicKey, Row), redb::Error> {
    let damaged = |fault: &dyn std::fmt::Display| redb::Error::Corrupted(format!("{url}: {fault}"));
    let key = url.parse().map_err(|fault| damaged(&fault))?;
    let row = postcard::from_bytes(row).map_err(|fault| damaged(&fault))?;
    Ok((key, row))
}

fn mark(
    items: &mut redb::Table<'_, &'static str, ()>,
    item: &ItemId,
    is_there: bool,
) -> Result<(), redb::Error> {
    let id = item.to_string();
    match is_there {
        true => items.insert(&*id, ())?,
        false => items.remove(&*id)?,
    };
    Ok(())
}

/// The range of the texts that start with `prefix/`: `0` is the byte after `/`.
fn below(prefix: &str) -> (String, String) {
    (format!("{prefix}/"), format!("{prefix}0"))
}

/// The store panics on some damage: to whoever runs a build that is one more record that cannot be used.
fn caught<T>(act: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, redb::Error> {
    let damaged = || redb::Error::Corrupted("it is damaged inside".to_owned());
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|_| Err(damaged()))
}

fn failed(path: &Path, cause: impl Into<redb::Error>) -> Error {
    match cause.into() {
        // What the disk says, but for bytes that are no record of any kind.
        redb::Error::Io(cause) if cause.kind() != ErrorKind::InvalidData => Error::Io {
            action: "use",
            path: path.to_owned(),
            cause,
        },
        cause => Error::Record {
            path: path.to_owned(),
            cause,
        },
    }
}
