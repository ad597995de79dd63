//! The lists that a registry answers with, as far as an import reads them. Names in them are texts still.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::events;
use super::origin::Facts;
use crate::model::event::Change;
use crate::model::{Event, Sha256, Shown, Tag, Version, Words};

/// `/namespaces`
#[derive(Deserialize)]
pub(super) struct Namespaces {
    pub(super) namespaces: Vec<String>,
}

/// `/namespaces/@ns/registries`
#[derive(Deserialize)]
pub(super) struct Listing {
    pub(super) registries: Vec<String>,
}

/// `/registries/@ns/<path>/versions`. What else it says may be anything: only our own registries promise more.
#[derive(Deserialize)]
pub(super) struct Versions {
    pub(super) versions: Vec<String>,
    #[serde(default)]
    digests: Value,
    #[serde(default)]
    time: Value,
    #[serde(default)]
    yanked: Value,
    #[serde(default)]
    deprecated: Value,
    #[serde(default)]
    tags: Value,
}

#[derive(Default, Clone, Copy, Deserialize)]
struct Digests {
    manifest: Option<Sha256>,
    archive: Option<Sha256>,
}

#[derive(Deserialize)]
struct Yanked {
    #[serde(default)]
    reason: String,
    time: Timestamp,
}

/// What is known of the versions of a list, as far as it says it as ours do.
pub(super) struct Known {
    digests: BTreeMap<Version, Digests>,
    time: BTreeMap<Version, Timestamp>,
    yanked: BTreeMap<Version, Yanked>,
    deprecated: BTreeMap<Version, String>,
    tags: BTreeMap<Tag, Version>,
}

impl Versions {
    /// What it says besides; of each key of which something is left out, `warn` hears why.
    pub(super) fn known(&self, warn: &mut dyn FnMut(String)) -> Known {
        Known {
            digests: entries("digests", &self.digests, warn),
            time: entries("time", &self.time, warn),
            yanked: entries("yanked", &self.yanked, warn),
            deprecated: entries("deprecated", &self.deprecated, warn),
            tags: entries("tags", &self.tags, warn),
        }
    }
}

/// The entries of an object that are what they are to be.
fn entries<K, V>(key: &str, object: &Value, warn: &mut dyn FnMut(String)) -> BTreeMap<K, V>
where
    K: FromStr<Err: Display> + Ord,
    V: DeserializeOwned,
{
    let mut known = BTreeMap::new();
    let object = match object {
        Value::Null => return known,
        Value::Object(object) => object,
        _ => {
            warn(format!("its `{key}` is no object, and left out"));
            return known;
        }
    };
    let read = |name: &str, value: &Value| -> Result<(K, V), String> {
        let name = name.parse().map_err(|fault: K::Err| fault.to_string())?;
        let value = V::deserialize(value).map_err(|fault| fault.to_string())?;
        Ok((name, value))
    };
    let mut bad = Vec::new();
    for (name, value) in object {
        match read(name, value) {
            Ok((name, value)) => drop(known.insert(name, value)),
            Err(fault) => bad.push((name, fault)),
        }
    }
    if let Some((name, fault)) = bad.first() {
        let (count, name, fault) = (bad.len(), Shown(name), Words(fault));
        warn(format!(
            "{count} entries of its `{key}` are left out; the first is {name}: {fault}"
        ));
    }
    known
}

impl Known {
    /// Which version says what. One that is yanked need not be listed.
    pub(super) fn facts(&self, listed: BTreeSet<Version>) -> BTreeMap<Version, Facts> {
        let versions = listed.into_iter().chain(self.yanked.keys().cloned());
        let facts = versions.map(|version| {
            let digests = self.digests.get(&version).copied().unwrap_or_default();
            let time = self.time.get(&version).copied();
            let facts = Facts {
                // ETags are made of it: it must be one that a clock of ours can have shown.
                time: time.map(|time| time.clamp(Timestamp::UNIX_EPOCH, Timestamp::now())),
                manifest: digests.manifest,
                archive: digests.archive,
                ..Facts::default()
            };
            (version, facts)
        });
        facts.collect()
    }

    /// What happened to the versions, and when.
    pub(super) fn later(&self) -> Vec<Event> {
        let yanks = self.yanked.iter().map(|(version, yanked)| {
            let change = Change::Yank {
                version: version.clone(),
                reason: yanked.reason.clone(),
            };
            events::by_import(change, yanked.time)
        });
        yanks.collect()
    }

    /// What holds of the versions besides, of which no time is told.
    pub(super) fn standing(&self) -> Vec<Change> {
        let deprecations = self
            .deprecated
            .iter()
            .map(|(version, message)| Change::Deprecate {
                version: version.clone(),
                message: message.clone(),
            });
        let tags = self.tags.iter().map(|(tag, version)| Change::Tag {
            tag: tag.clone(),
            version: version.clone(),
        });
        deprecations.chain(tags).collect()
    }
}
