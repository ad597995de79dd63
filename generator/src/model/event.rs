//! What happened to an item's versions: the lines of `releases.jsonl`, and what they add up to
//! (design.md, decision 1).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ContentDigest, Sha256, Tag, Version};

/// The log's name inside an item's folder.
pub const EVENTS_FILE: &str = "releases.jsonl";

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What happened.
    #[serde(flatten)]
    pub change: Change,
    /// When.
    pub time: Timestamp,
    /// Who: the name of a token, or of whoever ran `rackgen`.
    pub by: String,
}

/// What can happen to an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Change {
    /// The version came to be, with this content; once more: an admin accepts what a hand made of it.
    Publish {
        /// Which version.
        version: Version,
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
        /// Why, for people.
        #[serde(default)]
        reason: String,
    },
    /// The version is offered again.
    Unyank {
        /// Which version.
        version: Version,
    },
    /// The version is offered, and whoever uses it is told something.
    Deprecate {
        /// Which version.
        version: Version,
        /// What, for people.
        message: String,
    },
    /// There is nothing to be told any longer.
    Undeprecate {
        /// Which version.
        version: Version,
    },
    /// The tag names this version from now on.
    Tag {
        /// Which tag.
        tag: Tag,
        /// Which version.
        version: Version,
    },
    /// The tag names nothing any longer.
    Untag {
        /// Which tag.
        tag: Tag,
    },
    /// The version is gone for good, with its tags: its name is never given again.
    Remove {
        /// Which version.
        version: Version,
        /// Why, for people.
        reason: String,
    },
}

impl Change {
    /// The version that it is about, if it is about one.
    pub fn version(&self) -> Option<&Version> {
        match self {
            Self::Publish { version, .. }
            | Self::Yank { version, .. }
            | Self::Unyank { version }
            | Self::Deprecate { version, .. }
            | Self::Undeprecate { version }
            | Self::Tag { version, .. }
            | Self::Remove { version, .. } => Some(version),
            Self::Untag { .. } => None,
        }
    }
}

impl Event {
    /// The event as its line, newline included.
    pub fn to_line(&self) -> serde_json::Result<String> {
        let mut line = serde_json::to_string(self)?;
        line.push('\n');
        Ok(line)
    }
}

/// How a version came to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// When.
    pub time: Timestamp,
    /// As what.
    pub digest: ContentDigest,
    /// In which archive.
    pub archive: Option<Sha256>,
}

/// Something that was said of a version, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// Why, for people.
    pub reason: String,
    /// When.
    pub time: Timestamp,
}

/// What the events of one version add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VersionHistory {
    /// How it came to be; a hand put it there otherwise.
    pub published: Option<Publication>,
    /// That it is not offered.
    pub yanked: Option<Notice>,
    /// What whoever uses it is told.
    pub deprecated: Option<String>,
    /// That it is gone for good.
    pub removed: Option<Notice>,
}

/// What the log of an item adds up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    versions: BTreeMap<Version, VersionHistory>,
    tags: BTreeMap<Tag, Version>,
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

    /// What it adds up to with one more event.
    pub fn apply(&mut self, Event { change, time, .. }: Event) {
        let notice = |reason| Some(Notice { reason, time });
        match change {
            Change::Publish {
                version,
                digest,
                archive,
            } => {
                self.entry(version).published = Some(Publication {
                    time,
                    digest,
                    archive,
                });
            }
            Change::Yank { version, reason } => self.entry(version).yanked = notice(reason),
            Change::Unyank { version } => self.entry(version).yanked = None,
            Change::Deprecate { version, message } => {
                self.entry(version).deprecated = Some(message)
            }
            Change::Undeprecate { version } => self.entry(version).deprecated = None,
            Change::Tag { tag, version } => {
                self.tags.insert(tag, version);
            }
            Change::Untag { tag } => {
                self.tags.remove(&tag);
            }
            Change::Remove { version, reason } => {
                self.tags.retain(|_, tagged| *tagged != version);
                self.entry(version).removed = notice(reason);
            }
        }
    }

    fn entry(&mut self, version: Version) -> &mut VersionHistory {
        self.versions.entry(version).or_default()
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

    /// What the tags name, whether it is there or not.
    pub fn tags(&self) -> &BTreeMap<Tag, Version> {
        &self.tags
    }

    /// The tags that name a version.
    pub fn tags_of(&self, version: &Version) -> impl Iterator<Item = &Tag> {
        let names = move |tagged: &&Version| *tagged == version;
        self.tags
            .iter()
            .filter_map(move |(tag, tagged)| names(&tagged).then_some(tag))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(minor: u8) -> Version {
        format!("1.{minor}.0").parse().unwrap()
    }

    fn tag(number: u8) -> Tag {
        format!("tag-{number}").parse().unwrap()
    }

    fn event(change: Change, second: i64) -> Event {
        Event {
            change,
            time: Timestamp::from_second(second).unwrap(),
            by: "admin".into(),
        }
    }

    fn digest() -> ContentDigest {
        ContentDigest::of(std::iter::empty())
    }

    /// Any event on one of four versions and three tags.
    fn changes() -> impl Strategy<Value = Change> {
        (0u8..8, 0u8..4, 0u8..3, "[a-z\"\\\\\n]{0,4}").prop_map(|(kind, v, t, text)| {
            let (version, tag) = (version(v), tag(t));
            match kind {
                0 => Change::Publish {
                    version,
                    digest: digest(),
                    archive: (v == 0).then(|| Sha256::of(b"archive")),
                },
                1 => Change::Yank {
                    version,
                    reason: text,
                },
                2 => Change::Unyank { version },
                3 => Change::Deprecate {
                    version,
                    message: text,
                },
                4 => Change::Undeprecate { version },
                5 => Change::Tag { tag, version },
                6 => Change::Untag { tag },
                _ => Change::Remove {
                    version,
                    reason: text,
                },
            }
        })
    }

    fn logs() -> impl Strategy<Value = Vec<Event>> {
        let numbered = |changes: Vec<Change>| (1i64..).zip(changes).map(|(n, c)| event(c, n));
        prop::collection::vec(changes(), 0..24).prop_map(move |c| numbered(c).collect())
    }

    /// Says the same as the fold by looking back from the end: the last word of each kind counts.
    fn last<'a, T>(log: &'a [Event], of: impl Fn(&'a Event) -> Option<Option<T>>) -> Option<T> {
        log.iter().rev().find_map(of).flatten()
    }

    #[test]
    fn a_whole_line_that_is_no_event_is_named() {
        let publish = Change::Publish {
            version: version(0),
            digest: digest(),
            archive: None,
        };
        let log = format!("{}nonsense\n", event(publish, 0).to_line().unwrap());
        assert_eq!(History::fold(log.as_bytes()).unwrap_err().line, 2);
    }

    #[test]
    fn lines_of_the_first_format_are_still_read() {
        let line = concat!(
            r#"{"event":"publish","version":"1.0.0","time":"2026-11-22T21:37:17.723630484Z","by":"CI","#,
            r#""digest":"sha256:8216501b666eb38dc0c90d0c3059a8b9f82fed03b6fd367c5d5398901409828d","#,
            r#""archive":"7cfddc7ab5b5325ae8ba271016b5e86cc79adfefe32384703ed5e882d2f58a2b"}"#,
            "\n"
        );
        let history = History::fold(line.as_bytes()).unwrap();
        assert!(history.of(&version(0)).published.unwrap().archive.is_some());
    }

    proptest! {
        #[test]
        fn a_line_says_what_the_event_says(change in changes()) {
            let event = event(change, 7);
            let line = event.to_line().unwrap();
            prop_assert_eq!(line.find('\n'), Some(line.len() - 1));
            prop_assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
        }

        #[test]
        fn of_each_kind_the_last_word_counts(log in logs()) {
            let text: String = log.iter().map(|event| event.to_line().unwrap()).collect();
            let history = History::fold(text.as_bytes()).unwrap();
            for v in 0..4 {
                let v = version(v);
                let yanked = last(&log, |event| match &event.change {
                    Change::Yank { version, .. } if *version == v => Some(Some(event.time)),
                    Change::Unyank { version } if *version == v => Some(None),
                    _ => None,
                });
                let deprecated = last(&log, |event| match &event.change {
                    Change::Deprecate { version, message } if *version == v => Some(Some(message.clone())),
                    Change::Undeprecate { version } if *version == v => Some(None),
                    _ => None,
                });
                let removed = log.iter().any(|event| matches!(&event.change, Change::Remove { version, .. } if *version == v));
                let of = history.of(&v);
                prop_assert_eq!(of.yanked.map(|notice| notice.time), yanked);
                prop_assert_eq!(of.deprecated, deprecated);
                prop_assert_eq!(of.removed.is_some(), removed);
            }
            for t in 0..3 {
                let t = tag(t);
                let mut named = None;
                for event in &log {
                    match &event.change {
                        Change::Tag { tag, version } if *tag == t => named = Some(version),
                        Change::Untag { tag } if *tag == t => named = None,
                        Change::Remove { version, .. } if named == Some(version) => named = None,
                        _ => {}
                    }
                }
                prop_assert_eq!(history.tags().get(&t), named);
            }
        }

        #[test]
        fn a_torn_tail_changes_nothing(log in logs(), cut in any::<prop::sample::Index>()) {
            let lines: Vec<_> = log.iter().map(|event| event.to_line().unwrap()).collect();
            let log = lines.concat();
            let cut = cut.index(log.len() + 1);
            let whole: String = lines.iter().scan(0, |end, line| { *end += line.len(); (*end <= cut).then_some(line.as_str()) }).collect();
            let torn = History::fold(&log.as_bytes()[..cut]).unwrap();
            prop_assert_eq!(torn.whole, whole.len());
            prop_assert_eq!(torn, History::fold(whole.as_bytes()).unwrap());
        }
    }
}
