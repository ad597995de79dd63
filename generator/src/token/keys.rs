//! What tokens are signed with: one key and one algorithm for each `kid`, and at most two that are good.

use std::fmt;
use std::path::Path;

use jiff::Timestamp;
use jsonwebtoken::{DecodingKey, EncodingKey};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::{Deserialize, Serialize};

use super::crypto;
use super::files::File;
use crate::error::{Error, Result};
use crate::folders::random_hex;

/// The one that signs, and the one before it.
const LIVE: usize = 2;

/// The keys that are good, the one that signs last.
#[derive(Debug, Clone, Default)]
pub struct Keys(Vec<Key>);

/// A pair of keys.
#[derive(Clone)]
pub struct Key {
    stored: Stored,
    signing: EncodingKey,
    verifying: DecodingKey,
}

/// As it stands in the file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    kid: String,
    algorithm: Algorithm,
    created: Timestamp,
    /// PKCS #8 (RFC 5958), in hex.
    private: String,
}

/// There is one.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum Algorithm {
    EdDSA,
}

#[derive(Default, Serialize, Deserialize)]
struct Contents {
    keys: Vec<Stored>,
}

/// What becomes of the keys before a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// The last one stays good for the tokens that it signed.
    KeepOne,
    /// None is good any more, nor is any token.
    Forget,
}

impl Keys {
    /// Reads the file; none, if there is none.
    pub fn load(state: &Path) -> Result<Self> {
        crypto::install();
        let contents: Contents = File::Keys.read(state)?;
        let refused = |why: &str| Error::refused(File::Keys.path(state), why);
        if contents.keys.len() > LIVE {
            return Err(refused("it holds more than two keys"));
        }
        if let [one, other] = &contents.keys[..]
            && one.kid == other.kid
        {
            return Err(refused("both keys have the same `kid`"));
        }
        let keys = contents.keys.into_iter().map(|stored| {
            Key::open(stored).ok_or_else(|| refused("a key in it is no Ed25519 key as PKCS #8"))
        });
        keys.collect::<Result<_>>().map(Self)
    }

    pub(super) fn save(&self, state: &Path) -> Result<()> {
        let keys = self.0.iter().map(|key| key.stored.clone()).collect();
        File::Keys.write(state, &Contents { keys })
    }

    /// Adds a new one that signs from now on.
    pub(super) fn rotate(&mut self, before: Before) -> Result<&Key> {
        let stay = match before {
            Before::KeepOne => LIVE - 1,
            Before::Forget => 0,
        };
        self.0.drain(..self.0.len().saturating_sub(stay));
        let key = Key::new()?;
        self.0.push(key);
        self.signing().ok_or_else(no_randomness)
    }

    /// The one that signs.
    pub fn signing(&self) -> Option<&Key> {
        self.0.last()
    }

    /// The one of this name.
    pub fn find(&self, kid: &str) -> Option<&Key> {
        self.0.iter().find(|key| key.id() == kid)
    }
}

impl Key {
    fn new() -> Result<Self> {
        let document =
            Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| no_randomness())?;
        let stored = Stored {
            kid: random_hex::<8>()?,
            algorithm: Algorithm::EdDSA,
            created: Timestamp::now(),
            private: hex::encode(document.as_ref()),
        };
        Self::open(stored).ok_or_else(no_randomness)
    }

    fn open(stored: Stored) -> Option<Self> {
        let private = hex::decode(&stored.private).ok()?;
        let pair = Ed25519KeyPair::from_pkcs8(&private).ok()?;
        Some(Self {
            signing: EncodingKey::from_ed_der(&private),
            verifying: DecodingKey::from_ed_der(pair.public_key().as_ref()),
            stored,
        })
    }

    /// Its `kid`.
    pub fn id(&self) -> &str {
        &self.stored.kid
    }

    /// Since when there is this one.
    pub fn created(&self) -> Timestamp {
        self.stored.created
    }

    pub(super) fn private(&self) -> &EncodingKey {
        &self.signing
    }

    pub(super) fn public(&self) -> &DecodingKey {
        &self.verifying
    }
}

/// Without its secret.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.stored.kid)
    }
}

fn no_randomness() -> Error {
    Error::refused("/dev/urandom", "the system gave no key")
}
