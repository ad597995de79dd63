//! What happened to an item's versions: the lines of `releases.jsonl`, and what they add up to
//! (design.md, decision 1).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ContentDigest, Sha256, Version};

/// The log's name inside an item's folder.
pub const EVENTS_FILE: &str = "releases.jsonl";

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// The version came to be, with this content.
    Publish {
        /// Which version.
        version: Version,
        /// When.
        time: Timestamp,
        /// Who: the name of a token.
        by: String,
        /// What the version is from now on.
        digest: ContentDigest,
        /// SHA-256 of the archive that brought it, as it was uploaded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        archive: Option<Sha256>,
    },
    /// The version is no longer offered; who names it exactly still gets it.
    Yank {
        /// Which version.
        version: Version,
        /// When.
        time: Timestamp,
        /// Who.
        by: String,
        /// Why, for people.
        #[serde(default)]
        reason: String,
    },
    /// The version is offered again.
    Unyank {
        /// Which version.
        version: Version,
        /// When.
        time: Timestamp,
        /// Who.
        by: String,
    },
}

impl Event {
    /// The event as its line, newline included.
    pub fn to_line(&self) -> String {
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }
}

/// What the events of one version add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VersionHistory {
    /// When it was published, and as what.
    pub published: Option<(Timestamp, ContentDigest)>,
    /// Whether it is yanked now.
    pub yanked: bool,
}

/// What the log of an item adds up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    versions: BTreeMap<Version, VersionHistory>,
    /// Bytes of whole lines. What follows was torn off by a power cut: a writer cuts it before it appends.
    pub whole: usize,
}

/// A line that is whole and still no event.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct BadEvent {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    #[source]
    pub cause: serde_json::Error,
}

impl History {
    /// Folds the log in line order. A last line without its newline is no event.
    pub fn fold(log: &[u8]) -> Result<Self, BadEvent> {
        let mut history = Self::default();
        for (index, line) in log.split_inclusive(|b| *b == b'\n').enumerate() {
            if !line.ends_with(b"\n") {
                break;
            }
            history.whole += line.len();
            if line.trim_ascii().is_empty() {
                continue;
            }
            let event = serde_json::from_slice(line).map_err(|cause| BadEvent {
                line: index + 1,
                cause,
            })?;
            history.apply(event);
        }
        Ok(history)
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Publish {
                version,
                time,
                digest,
                ..
            } => self.versions.entry(version).or_default().published = Some((time, digest)),
            Event::Yank { version, .. } => self.versions.entry(version).or_default().yanked = true,
            Event::Unyank { version, .. } => {
                self.versions.entry(version).or_default().yanked = false;
            }
        }
    }

    /// What happened to that version; nothing did to one that a hand put there.
    pub fn of(&self, version: &Version) -> VersionHistory {
        self.versions.get(version).cloned().unwrap_or_default()
    }

    /// The versions that have a publish event.
    pub fn published(&self) -> impl Iterator<Item = &Version> {
        let published = |history: &VersionHistory| history.published.is_some();
        self.versions
            .iter()
            .filter_map(move |(version, history)| published(history).then_some(version))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn publish(version: &str) -> Event {
        Event::Publish {
            version: version.parse().unwrap(),
            time: Timestamp::UNIX_EPOCH,
            by: "admin".into(),
            digest: ContentDigest::of(std::iter::empty()),
            archive: None,
        }
    }

    #[test]
    fn a_yank_lasts_until_it_is_taken_back() {
        let version: Version = "1.0.0".parse().unwrap();
        let mut log = publish("1.0.0").to_line();
        log += r#"{"event":"yank","version":"1.0.0","time":"2026-01-01T00:00:00Z","by":"admin"}"#;
        log += "\n";
        assert!(History::fold(log.as_bytes()).unwrap().of(&version).yanked);
        log += r#"{"event":"unyank","version":"1.0.0","time":"2026-01-01T00:00:00Z","by":"admin"}"#;
        log += "\n";
        assert!(!History::fold(log.as_bytes()).unwrap().of(&version).yanked);
    }

    #[test]
    fn a_whole_line_that_is_no_event_is_named() {
        let log = format!("{}nonsense\n", publish("1.0.0").to_line());
        assert_eq!(History::fold(log.as_bytes()).unwrap_err().line, 2);
    }

    proptest! {
        #[test]
        fn a_torn_tail_changes_nothing(versions in prop::collection::vec(0u64..40, 1..12), cut in any::<prop::sample::Index>()) {
            let lines: Vec<_> = versions.iter().map(|n| publish(&format!("1.{n}.0")).to_line()).collect();
            let log = lines.concat();
            let cut = cut.index(log.len() + 1);
            let whole: String = lines.iter().scan(0, |end, line| { *end += line.len(); (*end <= cut).then_some(line.as_str()) }).collect();
            let torn = History::fold(&log.as_bytes()[..cut]).unwrap();
            prop_assert_eq!(torn.whole, whole.len());
            prop_assert_eq!(torn, History::fold(whole.as_bytes()).unwrap());
        }
    }
}
