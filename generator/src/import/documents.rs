//! The lists that a registry answers with, as far as an import reads them. Names in them are texts still.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::events;
use super::origin::{Facts, Standing};
use crate::model::event::Change;
use crate::model::{Sha256, Shown, Tag, Version, Words};

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
    reason: Text,
    time: Timestamp,
}

/// Words for people. They are copied into each list of ours that speaks of the version, so they are cut where calls of
/// ours refuse them.
#[derive(Default, Deserialize)]
#[serde(from = "String")]
struct Text(String);

const TEXT_MAX: usize = 64 << 10;

impl From<String> for Text {
    fn from(mut text: String) -> Self {
        text.truncate(text.floor_char_boundary(TEXT_MAX));
        Self(text)
    }
}

/// What is known of the versions of a list, as far as it says it as ours do.
pub(super) struct Known {
    digests: BTreeMap<Version, Digests>,
    time: BTreeMap<Version, Timestamp>,
    yanked: Option<BTreeMap<Version, Yanked>>,
    deprecated: Option<BTreeMap<Version, Text>>,
    tags: Option<BTreeMap<Tag, Version>>,
}

impl Versions {
    /// What it says besides; of each key of which something is left out, `warn` hears why.
    pub(super) fn known(&self, warn: &mut dyn FnMut(String)) -> Known {
        Known {
            digests: entries("digests", &self.digests, warn).unwrap_or_default(),
            time: entries("time", &self.time, warn).unwrap_or_default(),
            yanked: entries("yanked", &self.yanked, warn),
            deprecated: entries("deprecated", &self.deprecated, warn),
            tags: entries("tags", &self.tags, warn),
        }
    }
}

/// The entries of an object that are what they are to be; none if it is not told.
fn entries<K, V>(key: &str, object: &Value, warn: &mut dyn FnMut(String)) -> Option<BTreeMap<K, V>>
where
    K: FromStr<Err: Display> + Ord,
    V: DeserializeOwned,
{
    let object = match object {
        Value::Null => return None,
        Value::Object(object) => object,
        _ => {
            warn(format!("its `{key}` is no object, and left out"));
            return None;
        }
    };
    let read = |name: &str, value: &Value| -> Result<(K, V), String> {
        let name = name.parse().map_err(|fault: K::Err| fault.to_string())?;
        let value = V::deserialize(value).map_err(|fault| fault.to_string())?;
        Ok((name, value))
    };
    let (mut known, mut bad) = (BTreeMap::new(), Vec::new());
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
    Some(known)
}

impl Known {
    /// Which version says what. One that is yanked need not be listed.
    pub(super) fn facts(&self, listed: BTreeSet<Version>) -> BTreeMap<Version, Facts> {
        let yanked = self.yanked.iter().flat_map(BTreeMap::keys).cloned();
        let versions = listed.into_iter().chain(yanked);
        let facts = versions.map(|version| {
            let digests = self.digests.get(&version).copied().unwrap_or_default();
            let facts = Facts {
                time: self.time.get(&version).copied(),
                manifest: digests.manifest,
                archive: digests.archive,
                ..Facts::default()
            };
            (version, facts)
        });
        facts.collect()
    }

    /// What holds of the versions, as far as it speaks of it.
    pub(super) fn standing(self) -> Standing {
        let yanks = self.yanked.map(|yanked| {
            let yank = |(
                version,
                Yanked {
                    reason: Text(reason),
                    time,
                },
            )| { events::by_import(Change::Yank { version, reason }, time) };
            yanked.into_iter().map(yank).collect()
        });
        let now = Timestamp::now();
        let deprecations = self.deprecated.map(|deprecated| {
            let deprecate = |(version, Text(message))| {
                events::by_import(Change::Deprecate { version, message }, now)
            };
            deprecated.into_iter().map(deprecate).collect()
        });
        let tags = self.tags.map(|tags| {
            let tag = |(tag, version)| events::by_import(Change::Tag { tag, version }, now);
            tags.into_iter().map(tag).collect()
        });
        Standing {
            yanks,
            deprecations,
            tags,
        }
    }
}
