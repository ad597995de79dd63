//! What an origin tells, as events of ours. This is the only file of an import that tells kinds of events apart: a
//! new kind has its place here.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::origin::Facts;
use crate::model::event::Change;
use crate::model::{ContentDigest, Event, Version};
use crate::source::load::Loaded;

/// Who did what nobody is known to have done.
pub(super) const BY: &str = "import";

/// A change by an import.
pub(super) fn by_import(change: Change, time: Timestamp) -> Event {
    let by = BY.to_owned();
    Event { change, time, by }
}

/// A publish. A version without a time is as old as its youngest file, as it is for a build.
pub(super) fn publish(version: &Version, facts: &Facts, loaded: &Loaded) -> Event {
    Event {
        change: Change::Publish {
            version: version.clone(),
            digest: loaded.digest,
            archive: facts.archive,
        },
        time: facts.time.unwrap_or(loaded.youngest),
        by: facts.by.clone().unwrap_or_else(|| BY.to_owned()),
    }
}

/// Reads the log of an item of these versions: what it says of how they came to be, and the events that remain, in
/// order.
pub(super) fn read_log(log: Vec<Event>, versions: &mut BTreeMap<Version, Facts>) -> Vec<Event> {
    let mut later = Vec::new();
    for event in log {
        let Change::Publish {
            version,
            digest,
            archive,
        } = &event.change
        else {
            later.push(event);
            continue;
        };
        if let Some(facts) = versions.get_mut(version) {
            *facts = Facts {
                time: Some(event.time),
                by: Some(event.by),
                digest: Some(*digest),
                manifest: None,
                archive: *archive,
            };
        }
    }
    later
}

/// Who published a version, and as what.
pub(super) fn publisher(log: &[Event], version: &Version) -> Option<(String, ContentDigest)> {
    log.iter().rev().find_map(|event| match &event.change {
        Change::Publish {
            version: published,
            digest,
            ..
        } if published == version => Some((event.by.clone(), *digest)),
        _ => None,
    })
}

/// The version that is gone for good with this change.
pub(super) fn removed(change: &Change) -> Option<&Version> {
    match change {
        Change::Remove { version, .. } => Some(version),
        _ => None,
    }
}

/// Whether a version is gone for good.
pub(super) fn is_removed(log: &[Event], version: &Version) -> bool {
    log.iter()
        .any(|event| removed(&event.change) == Some(version))
}
