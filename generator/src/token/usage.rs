//! When tokens were last used, to the minute: for people who look for one that nobody needs. Nothing is decided by it.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::TokenId;
use super::files::File;
use super::ledger::Ledger;
use crate::error::Result;

/// A use that soon after another is not told.
const COARSE: SignedDuration = SignedDuration::from_mins(1);

/// By token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    used: BTreeMap<TokenId, Timestamp>,
}

impl Usage {
    /// Reads the file; empty, if there is none.
    pub fn load(state: &Path) -> Result<Self> {
        File::Usage.read(state)
    }

    /// Writes the file, without tokens that are forgotten.
    pub fn save(&self, state: &Path, ledger: &Ledger) -> Result<()> {
        let mut kept = self.clone();
        kept.used.retain(|id, _| ledger.get(id).is_some());
        File::Usage.write(state, &kept)
    }

    /// Takes note of a use; says whether that is worth writing.
    pub fn note(&mut self, id: &TokenId, now: Timestamp) -> bool {
        let is_news = self
            .used
            .get(id)
            .is_none_or(|last| now.duration_since(*last) >= COARSE);
        if is_news {
            self.used.insert(id.clone(), now);
        }
        is_news
    }

    /// When a token was last used, as far as that is known.
    pub fn last(&self, id: &TokenId) -> Option<Timestamp> {
        self.used.get(id).copied()
    }
}
