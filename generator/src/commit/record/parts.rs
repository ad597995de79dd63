//! The record's parts: what stands, and what is coming.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row as SqlRow, params};
use serde::{Deserialize, Serialize};

use super::usage::bytes;
use super::volatile::Lasts;
use super::{OUTPUTS, Record, bit};
use crate::error::Result;
use crate::model::{Audience, ContentDigest, ItemId, Namespace, ReleaseId, StoredFile, Version};
use crate::plan::Rows;
use crate::plan::key::PublicKey;
use crate::plan::part::{Part, Recorded};
use crate::plan::row::Row;
use crate::source::signature::Signature;

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

/// A part whose future is journaled.
#[derive(Debug)]
pub(in crate::commit) struct Journaled {
    pub(in crate::commit) part: Part,
    held: i64,
    /// Of files, see [`super::Usage`].
    pub(super) bytes: u64,
    pub(super) bytes_before: u64,
    outputs: usize,
    outputs_before: usize,
    is_forgotten: bool,
}

impl Record {
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

    /// Whether it is known which lists there are: a build has looked at everything, and none since has left one
    /// half-made. Asked before a session journals anything.
    pub fn knows_the_lists(&self) -> Result<bool> {
        let is_any_open = self.ask(|db| {
            let mut query = db.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM parts WHERE item = '' AND settled = 0)",
            )?;
            query.query_row([], |row| row.get::<_, bool>(0))
        })?;
        Ok(self.is_complete()? && !is_any_open)
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

    /// Journals what a part is about to become.
    pub(in crate::commit) fn journal(
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
            bytes: bytes(after),
            bytes_before: bytes(&before.rows),
            outputs: outputs(after),
            outputs_before: outputs(&before.rows),
            is_forgotten: after.is_empty(),
        })
    }

    /// Notes that parts have become what was journaled; one of which nothing is left to remember is forgotten.
    pub(in crate::commit) fn settle(&self, journaled: &[Journaled], lasts: Lasts) -> Result<()> {
        let sum = |count: fn(&Journaled) -> usize| journaled.iter().map(count).sum::<usize>();
        let outputs = (self.outputs()? + sum(|part| part.outputs))
            .saturating_sub(sum(|part| part.outputs_before));
        self.set_fact(OUTPUTS, &outputs.to_string())?;
        self.keep_counts(journaled)?;
        self.note_the_boot(lasts)?;
        journaled
            .iter()
            .try_for_each(|part| self.settle_one(part, lasts))
    }

    fn settle_one(&self, journaled: &Journaled, lasts: Lasts) -> Result<()> {
        let (item, name) = columns(&journaled.part);
        if journaled.is_forgotten {
            let sql = "DELETE FROM parts WHERE item = ? AND part = ?";
            return self.run(sql, [item, name]);
        }
        self.run(
            "UPDATE parts SET settled = ?, held = ?, outputs = ?, stands = coming, coming = NULL
             WHERE item = ? AND part = ?",
            params![lasts as i64, journaled.held, journaled.outputs, item, name],
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
            true => self.settle(&[journaled], Lasts::Always),
            false => Ok(()),
        }
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

    pub(super) fn decode_rows(&self, part: &Part, bytes: &[u8]) -> Result<Rows> {
        let base = base(part);
        let rows: Vec<(&str, Row)> =
            postcard::from_bytes(bytes).map_err(|fault| self.damaged(&fault))?;
        let parse = |(rest, row): (&str, Row)| {
            let key = format!("{base}{rest}").parse();
            Ok((key.map_err(|fault| self.damaged(&fault))?, row))
        };
        rows.into_iter().map(parse).collect()
    }
}

/// `settled`, `stands`, `coming`.
type Stored = (bool, Vec<u8>, Option<Vec<u8>>);

fn stored(row: &SqlRow<'_>) -> rusqlite::Result<Stored> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
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
    part.outermost().to_string()
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
