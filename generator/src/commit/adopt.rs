//! What to believe when record and trees may not belong together: a deleted record, a wiped or another tree.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::make::combine;
use super::record::Record;
use super::{addressed, representation};
use crate::coding::Coding;
use crate::error::{At, Result};
use crate::folders::Checked;
use crate::hashing;
use crate::model::Audience;
use crate::plan::key::PublicKey;
use crate::plan::part::{Part, Recorded};
use crate::plan::row::{Published, Row};

/// Makes the record speak of these very trees.
///
/// A tree that the record never saw is taken up, with the times that it has, so that nothing changes its ETag.
/// A tree that was replaced since, or emptied but for its marker, keeps its times in the record, and its disk is
/// doubted.
pub(super) fn reconcile(record: &Record, folders: &Checked) -> Result<()> {
    for audience in Audience::ALL {
        let fact = match audience {
            Audience::Public => "public tree",
            Audience::Private => "private tree",
        };
        let instance = folders.instance(audience)?;
        match record.fact(fact)? {
            None => take_up(record, folders.tree(audience), audience)?,
            Some(known) if known != instance => record.doubt(audience)?,
            Some(_) if !holds_its_last(record, folders.tree(audience), audience)? => {
                record.doubt(audience)?;
            }
            Some(_) => continue,
        }
        // With it: after a kill it is all still to do.
        record.set_fact(fact, &instance)?;
    }
    Ok(())
}

/// One look at what every commit writes last.
fn holds_its_last(record: &Record, tree: &Path, audience: Audience) -> Result<bool> {
    Ok(record.last(audience)?.is_none_or(|(key, recorded)| {
        let there = recorded.rows.get(&key);
        let there = there.and_then(|row| row.current.as_ref());
        let time = mtime(&representation(tree, &key, None)).ok();
        time == there.map(|there| there.base)
    }))
}

/// Records what a tree holds.
fn take_up(record: &Record, tree: &Path, audience: Audience) -> Result<()> {
    // Those of a part follow each other, but where another item lies inside of an item.
    let mut found: Option<(Part, Recorded)> = None;
    for file in addressed(tree) {
        let (entry, key) = file?;
        if !entry.file_type().is_file() {
            continue;
        }
        let (row, settled) = take_up_one(tree, &key, audience)?;
        let part = key.part();
        let same = found.take_if(|(known, _)| *known == part);
        if let Some((part, recorded)) = found.take() {
            record.take_up(&part, &recorded)?;
        }
        let (_, mut recorded) = same.unwrap_or_else(|| {
            let nothing = Recorded {
                settled: true,
                ..Recorded::default()
            };
            (part.clone(), nothing)
        });
        recorded.settled &= settled;
        recorded.rows.insert(key, row);
        found = Some((part, recorded));
    }
    if let Some((part, recorded)) = found {
        record.take_up(&part, &recorded)?;
    }
    record.take_up_items()
}

/// What a tree holds of a URL, and whether its times are those of one build.
fn take_up_one(tree: &Path, key: &PublicKey, audience: Audience) -> Result<(Row, bool)> {
    let path = representation(tree, key, None);
    let identity = hashing::of_file(&path).at("read", &path)?;
    let base = mtime(&path)?;
    let mut top = base;
    let mut times_fit = true;
    let mut variants = Vec::new();
    for coding in Coding::ALL {
        let path = representation(tree, key, Some(coding));
        if path.exists() {
            let time = mtime(&path)?;
            times_fit &= time == base + coding.mtime_offset();
            top = top.max(time);
            variants.push((coding, hashing::blake3_of(&path).at("read", &path)?));
        }
    }
    let published = Published {
        audience,
        base,
        sha256: identity.sha256,
        len: identity.len,
        variants: variants.iter().map(|(coding, _)| *coding).collect(),
        variants_hash: combine(variants.iter().map(|(_, hash)| *hash)),
        // Where there are none nobody can tell whether none were asked for: the build makes them, and where the outcome
        // is the same the time stays.
        encodings: variants.iter().map(|(coding, _)| *coding).collect(),
    };
    let row = Row {
        top: top.max(published.top()),
        held_in: [audience].into(),
        current: Some(published),
        remembered: None,
    };
    Ok((row, times_fit))
}

fn mtime(path: &Path) -> Result<i64> {
    let time = fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .at("read", path)?;
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    Ok(seconds.try_into().unwrap_or(i64::MAX))
}
