//! What an origin tells, as events of ours. This is the only file of an import that tells kinds of events apart: a
//! new kind has its place here.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::origin::Facts;
use crate::model::{ContentDigest, Event, Release, Version};

/// Who publishes what nobody is known to have published.
pub(super) const BY: &str = "import";

/// A publish. A version without a time is as old as its youngest file, as it is for a build.
pub(super) fn publish(version: &Version, facts: &Facts, release: &Release) -> Event {
    Event::Publish {
        version: version.clone(),
        time: facts.time.unwrap_or(release.published),
        by: facts.by.clone().unwrap_or_else(|| BY.to_owned()),
        digest: release.digest,
        archive: facts.archive,
    }
}

/// A yank, of which a list of versions tells when it was. Of deprecations and tags it tells no time: where they come
/// in, they are to be left out if the source tree says the same already.
pub(super) fn yank(version: &Version, reason: &str, time: Timestamp) -> Event {
    Event::Yank {
        version: version.clone(),
        time,
        by: BY.to_owned(),
        reason: reason.to_owned(),
    }
}

/// Reads the log of an item of these versions: what it says of how they came to be, and the events that remain, in
/// order.
pub(super) fn read_log(log: Vec<Event>, versions: &mut BTreeMap<Version, Facts>) -> Vec<Event> {
    let mut later = Vec::new();
    for event in log {
        let Event::Publish {
            version,
            time,
            by,
            digest,
            archive,
        } = event
        else {
            later.push(event);
            continue;
        };
        if let Some(facts) = versions.get_mut(&version) {
            *facts = Facts {
                time: Some(time),
                by: Some(by),
                digest: Some(digest),
                manifest: None,
                archive,
            };
        }
    }
    later
}

/// Who published a version, and as what.
pub(super) fn publisher(log: &[Event], version: &Version) -> Option<(String, ContentDigest)> {
    log.iter().rev().find_map(|event| match event {
        Event::Publish {
            version: published,
            by,
            digest,
            ..
        } if published == version => Some((by.clone(), *digest)),
        _ => None,
    })
}

/// The version that has to be there for an event to mean anything.
pub(super) fn subject(event: &Event) -> &Version {
    match event {
        Event::Publish { version, .. }
        | Event::Yank { version, .. }
        | Event::Unyank { version, .. } => version,
    }
}
