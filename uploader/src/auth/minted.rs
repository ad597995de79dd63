//! The minted tokens that are in force: their files as they are at this moment, and what is told of their use.
//!
//! The files are looked at with every question, not watched: whoever revokes a token has to be sure of the next one.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;

use jiff::Timestamp;
use rackgen::error::Result;
use rackgen::token::ledger::{Entry, Ledger};
use rackgen::token::usage::Usage;
use rackgen::token::{Invalid, Minted, Names, Stamp, Standing, TokenId, Tokens};

/// So many uses wait at most for the disk.
const ROOM: usize = 4096;

/// Minted tokens of one registry.
#[derive(Debug)]
pub(crate) struct MintedTokens {
    state: PathBuf,
    names: Names,
    in_force: RwLock<InForce>,
    uses: SyncSender<(TokenId, Timestamp)>,
}

#[derive(Debug)]
struct InForce {
    /// What was read, or could not be; none: read it again.
    stamp: Option<Stamp>,
    tokens: Arc<Tokens>,
    /// Why what is in force is not what the files say.
    fault: Option<String>,
}

impl MintedTokens {
    /// Those that were read at the start, until the files are asked again.
    pub(crate) fn start(state: PathBuf, names: Names, tokens: Tokens) -> Self {
        let (uses, told) = sync_channel(ROOM);
        let folder = state.clone();
        thread::spawn(move || write_uses(&folder, &told));
        Self {
            state,
            names,
            in_force: RwLock::new(InForce {
                stamp: None,
                tokens: Arc::new(tokens),
                fault: None,
            }),
            uses,
        }
    }

    /// Who sent this, if it is a token of ours and in force now.
    pub(crate) fn verify(&self, text: &str, now: Timestamp) -> Result<Minted, Invalid> {
        let minted = self.current().verify(&self.names, text)?;
        // One that finds no room is not told: the next use of that token may be.
        let _ = self.uses.try_send((minted.id.clone(), now));
        Ok(minted)
    }

    /// Which registry they are of.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// How many are good now and end before then.
    pub(crate) fn ending(&self, now: Timestamp, then: Timestamp) -> usize {
        let tokens = self.current();
        let entries = tokens.ledger().iter().map(|(_, entry)| entry);
        let is_live = |entry: &&Entry| tokens.standing(entry, now) == Standing::Live;
        entries
            .filter(is_live)
            .filter(|it| it.expires <= then)
            .count()
    }

    /// Why what is in force is not what the files say now, if it is not.
    pub(crate) fn fault(&self) -> Option<String> {
        self.current();
        let in_force = self.in_force.read();
        let in_force = in_force.unwrap_or_else(PoisonError::into_inner);
        in_force.fault.clone()
    }

    /// As the files say now. Files that cannot be read change nothing.
    pub(crate) fn current(&self) -> Arc<Tokens> {
        let now = Stamp::of(&self.state).ok();
        {
            let in_force = self.in_force.read();
            let in_force = in_force.unwrap_or_else(PoisonError::into_inner);
            if now.is_some() && in_force.stamp == now {
                return in_force.tokens.clone();
            }
        }
        let in_force = self.in_force.write();
        let mut in_force = in_force.unwrap_or_else(PoisonError::into_inner);
        in_force.read(&self.state);
        in_force.tokens.clone()
    }
}

impl InForce {
    fn read(&mut self, state: &Path) {
        // Before they are read: what changes meanwhile is read again.
        let stamp = Stamp::of(state);
        self.stamp = stamp.as_ref().ok().cloned();
        let fault = match stamp.and_then(|_| Tokens::load(state)) {
            Ok(tokens) => {
                self.tokens = Arc::new(tokens);
                None
            }
            Err(error) => Some(error.to_string()),
        };
        if let Some(fault) = &fault
            && self.fault.as_ref() != Some(fault)
        {
            tracing::error!("tokens: {fault}; those of before stay in force");
        }
        self.fault = fault;
    }
}

/// Beside the requests, since it waits for the disk.
fn write_uses(state: &Path, told: &Receiver<(TokenId, Timestamp)>) {
    // Nothing depends on it, and what cannot be read is written anew.
    let mut usage = Usage::load(state).unwrap_or_default();
    for (id, time) in told {
        if usage.note(&id, time) {
            let written = Ledger::load(state).and_then(|ledger| usage.save(state, &ledger));
            if let Err(error) = written {
                tracing::warn!("nobody can tell later when tokens were used: {error}");
            }
        }
    }
}
