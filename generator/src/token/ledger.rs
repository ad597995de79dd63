//! Which tokens there are: a token that does not stand here is worth nothing, however well it is signed. So a lost
//! ledger lets nobody in, and a revocation is over only when its token is.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Scope;
use super::files::File;
use crate::error::Result;
use crate::folders::random_hex;

/// An entry stays for so long after its token ended, [`super::LEEWAY`] and clocks that were set back included.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 7);

/// A token's `jti`: sixteen hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenId(String);

impl TokenId {
    pub(super) fn random() -> Result<Self> {
        random_hex::<8>().map(Self)
    }
}

impl FromStr for TokenId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        match text.len() == 16 && text.bytes().all(is_hex) {
            true => Ok(Self(text.to_owned())),
            // It may be a token.
            false => Err("a token's id is 16 hex digits; `rackgen token list` tells it".into()),
        }
    }
}

impl TryFrom<String> for TokenId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TokenId> for String {
    fn from(id: TokenId) -> Self {
        id.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A token that was minted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What people call it.
    pub name: String,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// When it was minted.
    pub created: Timestamp,
    /// From when on it is worth nothing.
    pub expires: Timestamp,
    /// The `kid` of the key that signed it.
    pub key: String,
    /// When it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
}

/// For people, in a line: what it is called and allows, and its end.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scopes: Vec<_> = self.scopes.iter().map(Scope::to_string).collect();
        let (name, scopes) = (&self.name, scopes.join(" "));
        write!(f, "{name}: {scopes}, until {:.0}", self.expires)
    }
}

/// All tokens that there are, by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    pub(super) tokens: BTreeMap<TokenId, Entry>,
}

impl Ledger {
    /// Reads the file; empty, if there is none.
    pub fn load(state: &Path) -> Result<Self> {
        File::Ledger.read(state)
    }

    /// Writes the file, without what ended long ago.
    pub(super) fn save(&mut self, state: &Path, now: Timestamp) -> Result<()> {
        self.tokens.retain(|_, entry| {
            let end = entry.expires.checked_add(KEPT);
            end.is_ok_and(|end| end > now)
        });
        File::Ledger.write(state, self)
    }

    /// What is known of a token.
    pub fn get(&self, id: &TokenId) -> Option<&Entry> {
        self.tokens.get(id)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&TokenId, &Entry)> {
        self.tokens.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::LEEWAY;

    #[test]
    fn a_revocation_outlives_its_token_and_the_leeway() {
        let state = tempfile::tempdir().unwrap();
        let id = TokenId::random().unwrap();
        let expires = Timestamp::now();
        let entry = Entry {
            name: "ci".into(),
            scopes: vec!["publish:@team".parse().unwrap()],
            created: expires,
            expires,
            key: "0".into(),
            revoked: Some(expires),
        };
        let mut ledger = Ledger::default();
        ledger.tokens.insert(id.clone(), entry);
        ledger.save(state.path(), expires + LEEWAY * 10).unwrap();
        let mut kept = Ledger::load(state.path()).unwrap();
        assert_eq!(kept, ledger);
        assert!(kept.get(&id).is_some());
        kept.save(state.path(), expires + KEPT * 2).unwrap();
        assert_eq!(Ledger::load(state.path()).unwrap(), Ledger::default());
    }
}
