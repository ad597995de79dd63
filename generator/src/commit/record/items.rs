//! The record's items: how many versions of each are served, and what it looked like.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Row as SqlRow, params};

use super::Record;
use crate::error::Result;
use crate::model::{ItemId, ItemPath, Namespace};
use crate::source::below::Below;
use crate::source::signature::Signature;

/// What the last build that looked at an item knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownItem {
    /// Versions that are served.
    pub releases: usize,
    /// What it looked like, under which circumstances; none if it has to be looked into again.
    pub sight: Option<Signature>,
}

impl Record {
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

    /// Notes the items of the parts that were taken up, so that those which are in no source any longer go.
    pub fn take_up_items(&self) -> Result<()> {
        self.run(
            "INSERT OR IGNORE INTO items
             SELECT substr(item, 1, instr(item, '/') - 1), substr(item, instr(item, '/') + 1), sum(part <> ''), NULL
             FROM parts WHERE item <> '' GROUP BY item",
            [],
        )
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
