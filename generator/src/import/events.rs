//! What an origin tells, as events of ours. This is the only file of an import that tells kinds of events apart: a
//! new kind has its place here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::origin::{Facts, Standing};
use crate::model::event::Change;
use crate::model::{ContentDigest, Event, Tag, Version};
use crate::source::load::Loaded;

/// Who did what nobody is known to have done.
pub(super) const BY: &str = "import";

/// A change by an import.
pub(super) fn by_import(change: Change, time: Timestamp) -> Event {
    let (time, by) = (possible(time), BY.to_owned());
    Event { change, time, by }
}

/// A time that a clock of ours can have shown, the nearest to that: ETags are made of them.
fn possible(time: Timestamp) -> Timestamp {
    time.clamp(Timestamp::UNIX_EPOCH, Timestamp::now())
}

/// The event as it comes into a log; none if the log has it.
pub(super) fn unless_known(event: &Event, log: &[Event]) -> Option<Event> {
    let new = Event {
        time: possible(event.time),
        ..event.clone()
    };
    // One of a time to come is there with the time at which it was taken.
    let is_same = |known: &Event| {
        let is_of_then = known.time == new.time || new.time < event.time;
        is_of_then && known.change == new.change && known.by == new.by
    };
    (!log.iter().any(is_same)).then_some(new)
}

/// A publish. A version without a time is as old as its youngest file, as it is for a build.
pub(super) fn publish(version: &Version, facts: &Facts, loaded: &Loaded) -> Event {
    Event {
        change: Change::Publish {
            version: version.clone(),
            digest: loaded.digest,
            archive: facts.archive,
        },
        time: possible(facts.time.unwrap_or(loaded.youngest)),
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

/// What an event decides: the last one about it counts.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Subject<'a> {
    Yank(&'a Version),
    Deprecation(&'a Version),
    Tag(&'a Tag),
}

fn subject(change: &Change) -> Option<Subject<'_>> {
    match change {
        Change::Yank { version, .. } | Change::Unyank { version } => Some(Subject::Yank(version)),
        Change::Deprecate { version, .. } | Change::Undeprecate { version } => {
            Some(Subject::Deprecation(version))
        }
        Change::Tag { tag, .. } | Change::Untag { tag } => Some(Subject::Tag(tag)),
        Change::Publish { .. } | Change::Remove { .. } => None,
    }
}

/// The change after which a change does not hold any longer, if it is one that can be taken back.
fn undone(change: &Change) -> Option<Change> {
    match change.clone() {
        Change::Yank { version, .. } => Some(Change::Unyank { version }),
        Change::Deprecate { version, .. } => Some(Change::Undeprecate { version }),
        Change::Tag { tag, .. } => Some(Change::Untag { tag }),
        _ => None,
    }
}

/// The events after which a log says what an origin says, of these versions. Where a hand had the last word, it keeps
/// it.
pub(super) fn to_agree<'a>(
    standing: &Standing,
    log: &'a [Event],
    versions: &BTreeSet<&Version>,
) -> Vec<Event> {
    let concerns = |change: &Change| change.version().is_some_and(|it| versions.contains(it));
    let about = |event: &'a Event| Some((subject(&event.change)?, event));
    let mut last: BTreeMap<_, &Event> = log.iter().filter_map(about).collect();
    let Standing {
        yanks,
        deprecations,
        tags,
    } = standing;
    let mut new = Vec::new();
    for event in [yanks, deprecations, tags].into_iter().flatten().flatten() {
        let ours = subject(&event.change).and_then(|subject| last.remove(&subject));
        let is_settled = ours.is_some_and(|ours| ours.by != BY || ours.change == event.change);
        if concerns(&event.change) && !is_settled {
            new.push(event.clone());
        }
    }
    // What is left is said here only.
    for (subject, ours) in last {
        let speaks = match subject {
            Subject::Yank(_) => yanks.is_some(),
            Subject::Deprecation(_) => deprecations.is_some(),
            Subject::Tag(_) => tags.is_some(),
        };
        if speaks && ours.by == BY && concerns(&ours.change) {
            let change = undone(&ours.change);
            new.extend(change.map(|change| by_import(change, Timestamp::now())));
        }
    }
    new
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
