//! What to believe when record and trees may not belong together: a deleted record, a wiped or another tree.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use walkdir::WalkDir;

use super::make::combine;
use super::record::{Record, Update};
use super::{AUDIENCES, representation};
use crate::compress::{Coding, Encodings};
use crate::error::{At, Result};
use crate::folders::Checked;
use crate::model::{Audience, Sha256};
use crate::plan::Scope;
use crate::plan::key::PublicKey;
use crate::plan::row::{Published, Row};

/// Makes the record speak of these very trees.
///
/// A new record takes up what the trees hold, with the times that it has there, so that nothing changes
/// its ETag. A record of trees that were wiped or replaced keeps its times and doubts the disk.
pub(super) fn reconcile(
    record: &mut Record,
    folders: &Checked,
    encodings: &Encodings,
) -> Result<()> {
    for audience in AUDIENCES {
        let fact = match audience {
            Audience::Public => "public tree",
            Audience::Private => "private tree",
        };
        let known = record.fact(fact)?;
        let instance = folders.instance(audience);
        if known.as_ref() == Some(instance) {
            continue;
        }
        let update = match record.is_new() {
            true => take_up(folders.tree(audience), audience, encodings)?,
            false => doubt(record, audience)?,
        };
        record.update(&update)?;
        record.set_fact(fact, instance)?;
    }
    Ok(())
}

/// Rows of this audience whose disk is no longer known.
fn doubt(record: &Record, audience: Audience) -> Result<Update> {
    let mut update = Update::default();
    for (key, mut row) in record.rows(&Scope::Everything, std::iter::empty())? {
        if row
            .current
            .as_ref()
            .is_some_and(|there| there.audience == audience)
        {
            row.settled = false;
            update.set.insert(key, row);
        }
    }
    Ok(update)
}

/// Rows for what a tree holds.
fn take_up(tree: &Path, audience: Audience, encodings: &Encodings) -> Result<Update> {
    let mut update = Update::default();
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
            let row = take_up_one(tree, &key, audience, encodings)?;
            update.set.insert(key, row);
        }
    }
    Ok(update)
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
        current: Some(published),
        pending: None,
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
