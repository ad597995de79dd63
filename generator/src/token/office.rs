//! Minting tokens, taking them back, and changing keys: what `rackgen token` and a daemon do to the state folder. Every
//! daemon takes it up with the next request.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use jiff::Timestamp;
use jsonwebtoken::encode;
use serde::{Deserialize, Serialize};

use super::files;
use super::keys::{Before, Key, Keys};
use super::ledger::{Entry, Ledger, TokenId};
use super::verify::header_of;
use super::{Claims, Names, Scope};
use crate::error::{Error, Result};
use crate::lock::Lock;

/// What people call a token: 1 to 64 bytes that can be seen, in one line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TokenName(String);

impl FromStr for TokenName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        match text.len() {
            1..=64 if text.chars().all(is_seen) => Ok(Self(text.to_owned())),
            _ => Err("a name has 1 to 64 bytes that can be seen, in one line".into()),
        }
    }
}

/// The log and the figures go by names: no two are to look alike because one of them holds what nobody sees.
fn is_seen(c: char) -> bool {
    // Rust escapes what has no shape of its own: controls, formats, marks of direction, blanks that are no space.
    c == ' ' || c.escape_debug().eq([c]) || matches!(c, '"' | '\'' | '\\')
}

impl TryFrom<String> for TokenName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A token to be minted.
#[derive(Debug, Clone)]
pub struct Order {
    /// What people are to call it.
    pub name: TokenName,
    /// What it is to allow; at least one.
    pub scopes: Vec<Scope>,
    /// From when on it is to be worth nothing.
    pub expires: Timestamp,
}

/// A new token. Its text is nowhere but here.
pub struct Created {
    /// What its holder sends.
    pub text: String,
    /// What it is revoked by.
    pub id: TokenId,
    /// As it stands in the ledger.
    pub entry: Entry,
}

/// What its holder is told of it, this once.
impl Serialize for Created {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Told<'a> {
            token: &'a str,
            id: &'a TokenId,
            name: &'a str,
            scopes: &'a [Scope],
            expires: Timestamp,
        }
        let entry = &self.entry;
        let told = Told {
            token: &self.text,
            id: &self.id,
            name: &entry.name,
            scopes: &entry.scopes,
            expires: entry.expires,
        };
        told.serialize(to)
    }
}

/// Whoever holds this is the only one who changes the files of minted tokens.
#[derive(Debug)]
pub struct Office<'a> {
    state: &'a Path,
    _lock: Lock,
}

impl<'a> Office<'a> {
    /// Waits until nobody else is in there, ten seconds at most.
    ///
    /// # Errors
    /// [`Error::Locked`], and a folder that cannot be made.
    pub fn enter(state: &'a Path) -> Result<Self> {
        let _lock = files::lock(state)?;
        Ok(Self { state, _lock })
    }

    /// Mints a token; the first one brings the first key.
    pub fn create(&self, names: &Names, order: Order, now: Timestamp) -> Result<Created> {
        let state = self.state;
        let mut keys = Keys::load(state)?;
        let mut ledger = Ledger::load(state)?;
        if keys.signing().is_none() {
            keys.rotate(Before::KeepOne)?;
            keys.save(state)?;
        }
        let refused = |why| Error::refused(files::File::Keys.path(state), why);
        let key = keys
            .signing()
            .ok_or_else(|| refused("it has no key".to_owned()))?;
        let id = TokenId::random()?;
        let entry = Entry {
            name: order.name.0,
            scopes: order.scopes,
            created: now,
            expires: order.expires,
            key: key.id().to_owned(),
            revoked: None,
        };
        let text = sign(key, names, &id, &entry).map_err(|fault| refused(fault.to_string()))?;
        // Before anybody holds it: what is not in there is refused.
        ledger.tokens.insert(id.clone(), entry.clone());
        ledger.save(state, now)?;
        Ok(Created { text, id, entry })
    }

    /// Takes a token back for good. May be repeated: the first time stays.
    ///
    /// # Errors
    /// A token that is not known.
    pub fn revoke(&self, id: &TokenId, now: Timestamp) -> Result<Entry> {
        let state = self.state;
        let mut ledger = Ledger::load(state)?;
        let Some(entry) = ledger.tokens.get_mut(id) else {
            let why =
                format!("there is no token {id}; `rackgen token list` names those that there are");
            return Err(Error::refused(files::File::Ledger.path(state), why));
        };
        entry.revoked.get_or_insert(now);
        let entry = entry.clone();
        ledger.save(state, now)?;
        Ok(entry)
    }

    /// Signs with a new key from now on; gives its `kid`.
    pub fn rotate(&self, before: Before) -> Result<String> {
        let state = self.state;
        // Whoever wants to be rid of all keys may do so because they cannot be read.
        let mut keys = match before {
            Before::KeepOne => Keys::load(state)?,
            Before::Forget => Keys::default(),
        };
        let kid = keys.rotate(before)?.id().to_owned();
        keys.save(state)?;
        Ok(kid)
    }
}

fn sign(
    key: &Key,
    names: &Names,
    id: &TokenId,
    entry: &Entry,
) -> jsonwebtoken::errors::Result<String> {
    let seconds = |time: Timestamp| u64::try_from(time.as_second()).unwrap_or_default();
    let scopes: Vec<String> = entry.scopes.iter().map(Scope::to_string).collect();
    let claims = Claims {
        iss: names.issuer.clone(),
        aud: names.audience.clone(),
        sub: entry.name.clone(),
        jti: id.clone(),
        iat: seconds(entry.created),
        nbf: seconds(entry.created),
        exp: seconds(entry.expires),
        scope: scopes.join(" "),
    };
    encode(&header_of(key.id()), &claims, key.private())
}
