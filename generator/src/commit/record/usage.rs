//! What a namespace takes up. It is counted when somebody asks for the first time, and kept by every commit from then
//! on: where nobody asks it costs nothing.

use std::collections::BTreeMap;

use super::Record;
use super::parts::Journaled;
use crate::error::Result;
use crate::model::{ItemId, Namespace};
use crate::plan::Rows;
use crate::plan::key::PublicKey;
use crate::plan::part::Part;

/// What a namespace takes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Items that are served.
    pub items: u64,
    /// Bytes of all files of all versions that are served, `registry.json` among them; variants are not counted.
    pub bytes: u64,
}

impl Record {
    /// What a namespace takes up.
    pub fn usage(&self, namespace: &Namespace) -> Result<Usage> {
        let items = self.ask(|db| {
            let mut query = db.prepare_cached(
                "SELECT count(*) FROM items WHERE namespace = ? AND releases > 0",
            )?;
            query.query_row([namespace.as_str()], |row| row.get(0))
        })?;
        let name = fact_of(namespace);
        let bytes = match self.fact(&name)? {
            Some(bytes) => self.parsed(&bytes)?,
            None => {
                let bytes = self.count_bytes(namespace)?;
                self.set_fact(&name, &bytes.to_string())?;
                bytes
            }
        };
        Ok(Usage { items, bytes })
    }

    fn count_bytes(&self, namespace: &Namespace) -> Result<u64> {
        let rows: Vec<(String, String, Vec<u8>)> = self.ask(|db| {
            // A `0` is what comes after a `/`.
            let mut query = db.prepare_cached(
                "SELECT item, part, stands FROM parts
                 WHERE item > ?1 || '/' AND item < ?1 || '0' AND part <> ''",
            )?;
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            query.query_map([namespace.as_str()], row)?.collect()
        })?;
        let mut all = 0;
        for (item, version, stands) in rows {
            let item: ItemId = self.parsed(&item)?;
            let part = Part::Release(item.release(self.parsed(&version)?));
            all += bytes(&self.decode_rows(&part, &stands)?);
        }
        Ok(all)
    }

    /// Keeps the counts that there are.
    pub(super) fn keep_counts(&self, journaled: &[Journaled]) -> Result<()> {
        let mut changes: BTreeMap<&Namespace, (u64, u64)> = BTreeMap::new();
        for part in journaled {
            if let Some(namespace) = part.part.namespace() {
                let (before, after) = changes.entry(namespace).or_default();
                *before += part.bytes_before;
                *after += part.bytes;
            }
        }
        for (namespace, (before, after)) in changes {
            let name = fact_of(namespace);
            if before != after
                && let Some(bytes) = self.fact(&name)?
            {
                let bytes: u64 = self.parsed(&bytes)?;
                self.set_fact(&name, &(bytes + after).saturating_sub(before).to_string())?;
            }
        }
        Ok(())
    }
}

/// The fact of the record that is a namespace's count.
fn fact_of(namespace: &Namespace) -> String {
    format!("bytes of {namespace}")
}

/// How many bytes of files answer at these URLs. A manifest is a file too, and counts as one.
pub(super) fn bytes(rows: &Rows) -> u64 {
    let files = rows
        .iter()
        .filter(|(key, _)| matches!(key, PublicKey::File(..)));
    let current = files.filter_map(|(_, row)| row.current.as_ref());
    current.map(|there| there.len).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::coding::Encodings;
    use crate::commit::record::Lasts;
    use crate::model::{Audience, Sha256};
    use crate::plan::row::{Published, Row};

    /// A version of one file; none if it is gone.
    fn rows(part: &Part, len: Option<u64>) -> Rows {
        let key = format!("{}/files/a", part.outermost()).parse().unwrap();
        let published = |len| Published {
            audience: Audience::Public,
            base: 1,
            sha256: Sha256::of(b""),
            len,
            variants: Vec::new(),
            variants_hash: [0; 32],
            encodings: Encodings::default(),
        };
        let row = Row {
            top: 1,
            current: len.map(published),
            ..Row::default()
        };
        [(key, row)].into()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Whatever commits do, finished or cut short: what is kept is what one would count.
        #[test]
        fn what_is_kept_is_what_is_counted(
            steps in prop::collection::vec((0u8..3, prop::option::of(0u64..9), any::<bool>()), 1..20)
        ) {
            let state = tempfile::tempdir().unwrap();
            let record = Record::open(state.path()).unwrap();
            let namespace: Namespace = "@a".parse().unwrap();
            prop_assert_eq!(record.usage(&namespace).unwrap().bytes, 0);
            for (item, len, is_finished) in steps {
                let key: PublicKey = format!("/registries/@a/x/item-{item}/1.0.0").parse().unwrap();
                let part = key.part();
                let before = record.recorded(&part).unwrap();
                let journaled = record.journal(part.clone(), &before, &rows(&part, len), None).unwrap();
                if is_finished {
                    record.settle(&[journaled], Lasts::Always).unwrap();
                }
                let kept = record.usage(&namespace).unwrap().bytes;
                prop_assert_eq!(kept, record.count_bytes(&namespace).unwrap());
            }
        }
    }
}
