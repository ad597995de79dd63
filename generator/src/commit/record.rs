//! The record of the last build: what is known of every URL, in a `redb` file of the state folder.
//!
//! Opened for one operation under the locks of the trees, so that `rackgen` and `rackd` take turns. Chosen for
//! its open time and small updates at a million rows (limits.md, "State of 1 million outputs"). It may be
//! deleted: `adopt` makes it anew from the trees.

use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::error::{Error, Result};
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
    is_new: bool,
}

/// What changes in one transaction.
#[derive(Debug, Default)]
pub struct Update {
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
        let is_new = !path.exists();
        let database = Database::create(&path).map_err(|cause| failed(&path, cause))?;
        let mut record = Self {
            path,
            database,
            is_new,
        };
        match record.fact(FORMAT_KEY)? {
            Some(format) if format == FORMAT => {}
            Some(format) => {
                return Err(Error::refused(
                    record.path,
                    format!("format {format} is newer than this program, which knows {FORMAT}"),
                ));
            }
            // Also where a kill came before the first transaction.
            None => {
                record.is_new = true;
                record.set_fact(FORMAT_KEY, FORMAT)?;
            }
        }
        Ok(record)
    }

    /// Whether nothing was known before.
    pub fn is_new(&self) -> bool {
        self.is_new
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

    /// Applies an update, durably.
    pub fn update(&mut self, update: &Update) -> Result<()> {
        self.write(|tx| {
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
            Ok(tx
                .open_table(META)?
                .get(name)?
                .map(|fact| fact.value().to_owned()))
        })
        .or_else(|fault| match fault {
            Error::Record {
                cause: redb::Error::TableDoesNotExist(_),
                ..
            } => Ok(None),
            fault => Err(fault),
        })
    }

    /// Sets a fact, and makes the tables that are not there yet.
    pub fn set_fact(&mut self, name: &str, fact: &str) -> Result<()> {
        self.write(|tx| {
            tx.open_table(ROWS)?;
            tx.open_table(ITEMS)?;
            tx.open_table(META)?.insert(name, fact)?;
            Ok(())
        })
    }

    fn read<T>(
        &self,
        act: impl FnOnce(&redb::ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T> {
        self.database
            .begin_read()
            .map_err(redb::Error::from)
            .and_then(|tx| act(&tx))
            .map_err(|cause| failed(&self.path, cause))
    }

    fn write(
        &mut self,
        act: impl FnOnce(&redb::WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<()> {
        let run = || {
            let mut tx = self.database.begin_write()?;
            // After a kill the next start need not read the whole file.
            tx.set_quick_repair(true);
            act(&tx)?;
            Ok(tx.commit()?)
        };
        run().map_err(|cause: redb::Error| failed(&self.path, cause))
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

fn failed(path: &Path, cause: impl Into<redb::Error>) -> Error {
    match cause.into() {
        redb::Error::Io(cause) => Error::Io {
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
