//! What is known of endpoints beside their configuration: `endpoints.json`. Lost, an endpoint that wanted to hear no more
//! is told again until it says so again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Endpoint, EndpointId, Webhooks, file};
use crate::error::Result;

/// How an endpoint does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// When a delivery last arrived.
    pub last_success: Option<Timestamp>,
    /// When the first of those attempts began that failed since then.
    pub failing_since: Option<Timestamp>,
    /// That it wants to hear no more.
    pub gone: Option<Gone>,
}

/// An endpoint answered 410.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// When.
    pub at: Timestamp,
    /// The entry that it was told by: a changed one is another matter.
    pub entry: String,
}

/// By endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standings {
    endpoints: BTreeMap<EndpointId, Standing>,
}

impl Standings {
    /// Reads the file; empty, if there is none.
    pub(super) fn load(spool: &Path) -> Result<Self> {
        Ok(file::read(&path(spool))?.unwrap_or_default())
    }

    /// Writes the file.
    pub(super) fn save(&self, spool: &Path) -> Result<()> {
        file::write(&path(spool), self)
    }

    /// How an endpoint does.
    pub fn of(&self, id: &EndpointId) -> Standing {
        self.endpoints.get(id).cloned().unwrap_or_default()
    }

    /// Takes note of how it does.
    pub fn note(&mut self, id: &EndpointId) -> &mut Standing {
        self.endpoints.entry(id.clone()).or_default()
    }

    /// Whether an endpoint is told of anything: it is enabled, and did not answer 410.
    pub fn is_listening(&self, endpoint: &Endpoint) -> bool {
        let standing = self.endpoints.get(&endpoint.id);
        endpoint.enabled && standing.is_none_or(|standing| standing.gone.is_none())
    }

    /// Forgets endpoints that are not configured any more, and a 410 to an entry that has changed since or rests; says
    /// whether there were any.
    pub fn follow(&mut self, webhooks: &Webhooks) -> bool {
        let before = self.clone();
        let configured = |id: &EndpointId| {
            let mut endpoints = webhooks.endpoints().iter();
            endpoints.find(|endpoint| endpoint.id == *id)
        };
        self.endpoints.retain(|id, _| configured(id).is_some());
        for (id, standing) in &mut self.endpoints {
            let entry = configured(id).filter(|endpoint| endpoint.enabled);
            let entry = entry.map(Endpoint::fingerprint);
            standing
                .gone
                .take_if(|gone| Some(&gone.entry) != entry.as_ref());
        }
        *self != before
    }

    /// That some answered 410, a sentence each.
    pub fn complaints(&self) -> impl Iterator<Item = String> {
        let gone = self
            .endpoints
            .iter()
            .filter(|(_, standing)| standing.gone.is_some());
        gone.map(|(id, _)| {
            format!(
                "endpoint {id} answered 410 and is told nothing any more; `rackgen webhooks enable {id}` changes that"
            )
        })
    }
}

fn path(spool: &Path) -> PathBuf {
    spool.join("endpoints.json")
}
