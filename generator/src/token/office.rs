//! Minting tokens, taking them back, and changing keys: what `rackgen token` does to the state folder. A daemon takes
//! it up with the next request.

use std::path::Path;

use jiff::Timestamp;
use jsonwebtoken::encode;

use super::files;
use super::keys::{Before, Key, Keys};
use super::ledger::{Entry, Ledger, TokenId};
use super::verify::header_of;
use super::{Claims, Names, Scope};
use crate::error::{Error, Result};

/// A token to be minted.
#[derive(Debug, Clone)]
pub struct Order {
    /// What people are to call it.
    pub name: String,
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

/// Mints a token; the first one brings the first key.
pub fn create(state: &Path, names: &Names, order: Order, now: Timestamp) -> Result<Created> {
    let _lock = files::lock(state)?;
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
        name: order.name,
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

/// Takes a token back for good. May be repeated: the first time stays.
///
/// # Errors
/// A token that is not known.
pub fn revoke(state: &Path, id: &TokenId, now: Timestamp) -> Result<Entry> {
    let _lock = files::lock(state)?;
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
pub fn rotate(state: &Path, before: Before) -> Result<String> {
    let _lock = files::lock(state)?;
    // Whoever wants to be rid of all keys may do so because they cannot be read.
    let mut keys = match before {
        Before::KeepOne => Keys::load(state)?,
        Before::Forget => Keys::default(),
    };
    let kid = keys.rotate(before)?.id().to_owned();
    keys.save(state)?;
    Ok(kid)
}
