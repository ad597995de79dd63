//! Minted tokens: JSON Web Tokens (RFC 7519) that a registry signs itself, each with scopes, an expiry and an id.
//!
//! What they are, how they are made, checked and taken back, and the three files of the state folder that this needs.
//! What a scope allows in a request is decided in the daemon's `auth`.

mod crypto;
pub(crate) mod files;
pub mod keys;
pub mod ledger;
pub mod lifetime;
pub mod office;
mod row;
pub mod scope;
#[cfg(test)]
mod tests;
pub mod usage;
mod verify;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::public_url::PublicUrl;

pub use files::Stamp;
pub use ledger::TokenId;
pub use row::Row;
pub use scope::{Pattern, Scope, Verb};
pub use verify::{Invalid, Standing, Tokens};

/// Clocks differ: a token holds for so long after its end, and before its beginning.
pub const LEEWAY: Duration = Duration::from_secs(60);

/// A token that ends within this is told of, by `rackgen doctor` and in the metrics: time enough to renew it.
pub const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Which registry a token is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// `iss`: where clients reach the registry, else its id.
    pub issuer: String,
    /// `aud`: the registry's id, which its folders carry.
    pub audience: String,
}

impl Names {
    /// The names of the registry with this id, which clients may reach there.
    pub fn of(id: &str, public_url: Option<&PublicUrl>) -> Self {
        Self {
            issuer: public_url.map_or_else(|| id.to_owned(), PublicUrl::to_string),
            audience: id.to_owned(),
        }
    }
}

/// A token that proved to be one of ours, and in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minted {
    /// What it is revoked by.
    pub id: TokenId,
    /// What people call it.
    pub name: String,
    /// What it allows; at least one.
    pub scopes: Vec<Scope>,
    /// From when on it is worth nothing.
    pub expires: Timestamp,
}

/// What a token says (RFC 7519, section 4.1; `scope` as in RFC 8693, section 4.2). Times in seconds.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    /// Its name.
    sub: String,
    jti: TokenId,
    iat: u64,
    nbf: u64,
    exp: u64,
    /// Separated by spaces.
    scope: String,
}
