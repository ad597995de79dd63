//! What to believe when record and trees may not belong together: a deleted record, a wiped or another tree.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use walkdir::WalkDir;

use super::make::combine;
use super::record::{Record, Update};
use super::representation;
use crate::coding::{Coding, Encodings};
use crate::error::{At, Result};
use crate::folders::Checked;
use crate::model::{Audience, Sha256};
use crate::plan::key::PublicKey;
use crate::plan::row::{Published, Row};
use crate::plan::{Rows, Scope};

/// Makes the record speak of these very trees.
///
/// A tree that the record never saw is taken up, with the times that it has, so that nothing changes its ETag.
/// A tree that was replaced since keeps its times in the record, and its disk is doubted.
pub(super) fn reconcile(
    record: &mut Record,
    folders: &Checked,
    encodings: &Encodings,
) -> Result<()> {
    for audience in Audience::ALL {
        let fact = match audience {
            Audience::Public => "public tree",
            Audience::Private => "private tree",
        };
        let known = record.fact(fact)?;
        let instance = folders.instance(audience);
        if known.as_ref() == Some(instance) {
            continue;
        }
        let mut update = Update::default();
        match known {
            None => take_up(
                record,
                folders.tree(audience),
                audience,
                encodings,
                &mut update,
            )?,
            Some(_) => {
                let mut rows = record.rows(&Scope::Everything, std::iter::empty())?;
                doubt(&mut rows, audience);
                update.set = rows;
            }
        }
        // In one transaction: after a kill it is all still to do.
        update.facts.push((fact, instance.clone()));
        record.update(&update)?;
    }
    Ok(())
}

/// Doubts a tree that somebody emptied but for its marker: one look at what every commit writes last.
pub fn probe(rows: &mut Rows, folders: &Checked) {
    for audience in Audience::ALL {
        let is_here = |row: &Row| row.settled && row.held_in.contains(&audience);
        let last = rows
            .iter()
            .filter(|(_, row)| is_here(row))
            .max_by_key(|(key, _)| key.rank());
        if let Some((key, row)) = last
            && let Some(there) = &row.current
            && mtime(&representation(folders.tree(audience), key, None)).ok() != Some(there.base)
        {
            doubt(rows, audience);
        }
    }
}

/// The disk of this audience may hold anything.
fn doubt(rows: &mut Rows, audience: Audience) {
    for row in rows.values_mut() {
        row.settled &= !row.held_in.contains(&audience);
    }
}

/// Rows for what a tree holds.
fn take_up(
    record: &Record,
    tree: &Path,
    audience: Audience,
    encodings: &Encodings,
    update: &mut Update,
) -> Result<()> {
    let visible = |entry: &walkdir::DirEntry| {
        // Files of items may be hidden, but what we keep for ourselves is so at the root.
        entry.depth() != 1 || !entry.file_name().as_encoded_bytes().starts_with(b".")
    };
    for entry in WalkDir::new(tree).into_iter().filter_entry(visible) {
        let entry = entry.at("walk", tree)?;
        let path = entry.path().strip_prefix(tree).unwrap_or(entry.path());
        if entry.file_type().is_file()
            && let Some(key) = PublicKey::from_disk_path(path)
        {
            let mut row = take_up_one(tree, &key, audience, encodings)?;
            if let Some(other) = record.row(&key)? {
                // In both trees: a build was cut short between them.
                row.held_in.extend(other.held_in);
                row.top = row.top.max(other.top);
                row.settled = false;
            }
            update.set.insert(key, row);
        }
    }
    Ok(())
}

fn take_up_one(
    tree: &Path,
    key: &PublicKey,
    audience: Audience,
    encodings: &Encodings,
) -> Result<Row> {
    let path = representation(tree, key, None);
    let identity = fs::read(&path).at("read", &path)?;
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
            variants.push((coding, fs::read(&path).at("read", &path)?));
        }
    }
    let published = Published {
        audience,
        base,
        sha256: Sha256::of(&identity),
        len: identity.len() as u64,
        variants: variants.iter().map(|(coding, _)| *coding).collect(),
        variants_hash: combine(variants.iter().map(|(_, bytes)| blake3::hash(bytes))),
        encodings: encodings.clone(),
    };
    // Without variants nobody can tell whether none were asked for: the build makes them, and where the
    // outcome is the same the time stays.
    let whole = times_fit && published.variants.iter().copied().eq(encodings.iter());
    Ok(Row {
        top: top.max(published.top()),
        settled: whole,
        held_in: [audience].into(),
        current: Some(published),
        remembered: None,
    })
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
