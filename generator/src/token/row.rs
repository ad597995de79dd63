//! What is told of a token that was minted, on the command line and over HTTP: never the token.

use jiff::Timestamp;
use serde::Serialize;

use super::ledger::Entry;
use super::usage::Usage;
use super::{Scope, Standing, TokenId, Tokens};

/// A token, by its id.
#[derive(Debug, Serialize)]
pub struct Row<'a> {
    /// What it is revoked by.
    pub id: &'a TokenId,
    /// What people call it.
    pub name: &'a str,
    /// What it is worth.
    pub standing: Standing,
    /// What it allows.
    pub scopes: &'a [Scope],
    /// When it was minted.
    pub created: Timestamp,
    /// From when on it is worth nothing.
    pub expires: Timestamp,
    /// When it was taken back.
    pub revoked: Option<Timestamp>,
    /// As far as that is known.
    pub last_used: Option<Timestamp>,
}

impl<'a> Row<'a> {
    /// As things stand now.
    pub fn of(
        id: &'a TokenId,
        entry: &'a Entry,
        tokens: &Tokens,
        usage: &Usage,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            name: &entry.name,
            standing: tokens.standing(entry, now),
            scopes: &entry.scopes,
            created: entry.created,
            expires: entry.expires,
            revoked: entry.revoked,
            last_used: usage.last(id),
        }
    }
}
