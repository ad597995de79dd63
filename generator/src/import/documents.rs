//! The lists that a registry answers with, as far as an import reads them. Names in them are texts still.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;

use super::events;
use super::origin::Facts;
use crate::model::event::Change;
use crate::model::{Event, Sha256, Tag, Version};

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

/// `/registries/@ns/<path>/versions`. Only our own registries say more than `versions`.
#[derive(Deserialize)]
pub(super) struct Versions {
    pub(super) versions: Vec<String>,
    #[serde(default)]
    digests: BTreeMap<Version, Digests>,
    #[serde(default)]
    time: BTreeMap<Version, Timestamp>,
    #[serde(default)]
    yanked: BTreeMap<Version, Yanked>,
    #[serde(default)]
    deprecated: BTreeMap<Version, String>,
    #[serde(default)]
    tags: BTreeMap<Tag, Version>,
}

#[derive(Default, Clone, Copy, Deserialize)]
pub(super) struct Digests {
    manifest: Option<Sha256>,
    archive: Option<Sha256>,
}

#[derive(Deserialize)]
pub(super) struct Yanked {
    #[serde(default)]
    reason: String,
    time: Timestamp,
}

impl Versions {
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
