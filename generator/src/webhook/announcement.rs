//! Announcements as values: their kinds, their bodies, and whether what they say came to be. The bodies begin with what
//! existing receivers read (protocol.md, "Webhooks").

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::folders::random_hex;
use crate::model::{Event, ItemId, Version};
use crate::source::SourceTree;

/// What a receiver may ask to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum EventKind {
    #[serde(rename = "uploaded")]
    Uploaded,
    #[serde(rename = "version.created")]
    VersionCreated,
    #[serde(rename = "version.yanked")]
    VersionYanked,
    #[serde(rename = "version.unyanked")]
    VersionUnyanked,
    #[serde(rename = "version.deprecated")]
    VersionDeprecated,
    #[serde(rename = "version.undeprecated")]
    VersionUndeprecated,
    #[serde(rename = "version.removed")]
    VersionRemoved,
    #[serde(rename = "tag.updated")]
    TagUpdated,
    #[serde(rename = "build.completed")]
    BuildCompleted,
    /// Nothing happened: an admin asks whether somebody listens.
    #[serde(rename = "ping")]
    Ping,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Uploaded,
        Self::VersionCreated,
        Self::VersionYanked,
        Self::VersionUnyanked,
        Self::VersionDeprecated,
        Self::VersionUndeprecated,
        Self::VersionRemoved,
        Self::TagUpdated,
        Self::BuildCompleted,
        Self::Ping,
    ];

    /// Its name, as receivers know it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uploaded => "uploaded",
            Self::VersionCreated => "version.created",
            Self::VersionYanked => "version.yanked",
            Self::VersionUnyanked => "version.unyanked",
            Self::VersionDeprecated => "version.deprecated",
            Self::VersionUndeprecated => "version.undeprecated",
            Self::VersionRemoved => "version.removed",
            Self::TagUpdated => "tag.updated",
            Self::BuildCompleted => "build.completed",
            Self::Ping => "ping",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is none of an event.
#[derive(Debug, thiserror::Error)]
#[error("there is no event `{0}`")]
pub struct UnknownEvent(String);

impl FromStr for EventKind {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let all = Self::ALL.into_iter();
        all.clone()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownEvent(text.to_owned()))
    }
}

/// Something that happens to an item, and a name for this one time that it does: one that a kill makes us announce
/// again is the same to receivers.
#[derive(Debug, Clone)]
pub struct News {
    /// What happens.
    pub event: Event,
    /// Never given twice.
    pub occasion: String,
}

impl News {
    /// Of something that happens for the first time now.
    pub fn now(event: Event) -> Result<Self> {
        let occasion = random_hex::<16>()?;
        Ok(Self { event, occasion })
    }
}

/// The version that whoever asks for none gets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Latest {
    /// Before.
    pub before: Option<Version>,
    /// From now on.
    pub after: Option<Version>,
}

/// One event, as it is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Announcement {
    /// 32 hex digits: the same if the same thing is announced once more.
    pub id: String,
    /// What kind of thing.
    pub event: EventKind,
    /// What happened to the item, where it is a line of its log: it did if that line is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<Event>,
    /// What is sent.
    pub body: Map<String, Value>,
}

impl Announcement {
    /// Of a version, or of an item where there is none.
    pub(crate) fn of_item(
        kind: EventKind,
        id: String,
        time: Timestamp,
        item: &ItemId,
        version: Option<&Version>,
    ) -> Self {
        let mut body = Self::begin(kind, time);
        body.insert("namespace".into(), json!(item.namespace));
        body.insert("name".into(), json!(item.path.name()));
        if let Some(version) = version {
            body.insert("version".into(), json!(version));
        }
        let path = match version {
            Some(version) => item.release(version.clone()).to_string(),
            None => item.to_string(),
        };
        body.insert("path".into(), json!(path));
        Self {
            id,
            event: kind,
            because: None,
            body,
        }
    }

    /// Of a build, or of what else changed the trees: a page of the URL paths that changed.
    pub(crate) fn of_build(id: String, time: Timestamp) -> Self {
        let kind = EventKind::BuildCompleted;
        let body = Self::begin(kind, time);
        Self {
            id,
            event: kind,
            because: None,
            body,
        }
    }

    fn begin(kind: EventKind, time: Timestamp) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("event".into(), json!(kind));
        body.insert("timestamp".into(), json!(format!("{time:.3}")));
        body
    }

    /// With one thing more to be said; nothing where there is nothing.
    pub(crate) fn with(mut self, name: &str, value: impl Serialize) -> Self {
        match serde_json::to_value(value) {
            Ok(Value::Null) | Err(_) => {}
            Ok(value) => drop(self.body.insert(name.into(), value)),
        }
        self
    }

    /// The id of a kind of event on an occasion.
    pub(crate) fn id(kind: EventKind, occasion: &str, version: Option<&Version>) -> String {
        let version = version.map(ToString::to_string).unwrap_or_default();
        let name = format!("{kind} {occasion} {version}");
        let hash = blake3::hash(name.as_bytes()).to_hex();
        hash[..32].to_owned()
    }

    /// What it is about, if it is about an item: that, and which of its versions.
    fn subject(&self) -> Option<(ItemId, Option<Version>)> {
        let path = self.body.get("path")?.as_str()?;
        // No segment of an item's path is a version.
        let (item, version) = match path.rsplit_once('/') {
            Some((item, version)) => (item, version.parse().ok()),
            None => (path, None),
        };
        let item = if version.is_some() { item } else { path };
        Some((item.parse().ok()?, version))
    }

    /// Whether what it says came to be, of one that a kill left behind.
    pub(crate) fn is_so(&self, source: &SourceTree) -> Result<bool> {
        let is_there = |(item, version): &(ItemId, Option<Version>)| {
            let release = version.clone().map(|version| item.release(version));
            release.is_some_and(|release| source.release(&release).is_dir())
        };
        let subject = self.subject();
        Ok(match (&self.because, self.event, subject) {
            (_, EventKind::BuildCompleted, _) => true,
            (_, _, None) => false,
            (_, EventKind::VersionRemoved, Some(subject)) => !is_there(&subject),
            (Some(event), _, Some((item, _))) => source.events(&item)?.contains(event),
            (None, _, Some(subject)) => is_there(&subject),
        })
    }
}
