//! From a text that somebody sent to a token of ours, or the reason why it is none.

use std::path::Path;

use jiff::Timestamp;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header};
use serde::Serialize;

use super::keys::Keys;
use super::ledger::{Entry, Ledger};
use super::{Claims, LEEWAY, Minted, Names};
use crate::error::Result;

/// Why a text is no token that is good here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Not as we write them: another shape, another header, other claims.
    #[error("this is no token of this registry")]
    Foreign,
    /// Its key is not one of ours, or not any more.
    #[error("the key of this token is not known here; it may have been rotated out")]
    UnknownKey,
    /// Somebody changed it, or signed it who must not.
    #[error("the signature of this token is wrong")]
    Signature,
    /// It is of another issuer, or for another registry.
    #[error("this token is of another registry, or from before this one had its address")]
    OtherRegistry,
    /// It has not begun.
    #[error("this token is not good yet; is the clock right?")]
    NotYet,
    /// It is over.
    #[error("this token has expired")]
    Expired,
    /// It was taken back.
    #[error("this token was revoked")]
    Revoked,
    /// It does not stand in the ledger.
    #[error(
        "this token is not known here; it was forgotten, or minted after the backup that was restored"
    )]
    Forgotten,
}

impl Invalid {
    /// In a word, for figures.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Foreign => "foreign",
            Self::UnknownKey => "unknown-key",
            Self::Signature => "signature",
            Self::OtherRegistry => "other-registry",
            Self::NotYet => "not-yet",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Forgotten => "forgotten",
        }
    }
}

/// What a token in the ledger is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It is good.
    Live,
    /// It is over.
    Expired,
    /// It was taken back.
    Revoked,
    /// Its key is no more.
    Void,
}

impl Standing {
    /// As it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Void => "void",
        }
    }
}

/// All that a token is checked against, of one moment.
#[derive(Debug, Clone, Default)]
pub struct Tokens {
    keys: Keys,
    ledger: Ledger,
}

impl Tokens {
    /// Reads the files; without them no token is good.
    pub fn load(state: &Path) -> Result<Self> {
        Ok(Self {
            keys: Keys::load(state)?,
            ledger: Ledger::load(state)?,
        })
    }

    /// What signs them.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Which there are.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What a token is worth.
    pub fn standing(&self, entry: &Entry, now: Timestamp) -> Standing {
        match entry {
            entry if entry.revoked.is_some() => Standing::Revoked,
            entry if self.keys.find(&entry.key).is_none() => Standing::Void,
            entry if entry.expires <= now => Standing::Expired,
            _ => Standing::Live,
        }
    }

    /// Who sent this, if it is a token of the registry with these names.
    pub fn verify(&self, names: &Names, text: &str) -> Result<Minted, Invalid> {
        let header = decode_header(text).map_err(|_| Invalid::Foreign)?;
        let kid = header.kid.clone().ok_or(Invalid::Foreign)?;
        // The header decides nothing: it is the one that we write, so that no other algorithm, key or place of a key
        // is ever looked at.
        if header != header_of(&kid) {
            return Err(Invalid::Foreign);
        }
        let key = self.keys.find(&kid).ok_or(Invalid::UnknownKey)?;
        let token = decode::<Claims>(text, key.public(), &validation(names));
        let claims = token.map_err(|fault| reason(fault.kind()))?.claims;
        let entry = self.ledger.get(&claims.jti).ok_or(Invalid::Forgotten)?;
        if entry.revoked.is_some() {
            return Err(Invalid::Revoked);
        }
        let scopes = claims.scope.split(' ').map(|scope| scope.parse().ok());
        let seconds = i64::try_from(claims.exp).ok();
        let expires = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
        Ok(Minted {
            id: claims.jti,
            name: claims.sub,
            scopes: scopes.collect::<Option<_>>().ok_or(Invalid::Foreign)?,
            expires: expires.ok_or(Invalid::Foreign)?,
        })
    }
}

/// The only header that a token has (RFC 7515, section 4.1).
pub(super) fn header_of(kid: &str) -> Header {
    Header {
        kid: Some(kid.to_owned()),
        ..Header::new(Algorithm::EdDSA)
    }
}

fn validation(names: &Names) -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    validation.set_issuer(&[&names.issuer]);
    validation.set_audience(&[&names.audience]);
    validation.validate_nbf = true;
    validation.leeway = LEEWAY.as_secs();
    validation
}

fn reason(kind: &ErrorKind) -> Invalid {
    match kind {
        ErrorKind::ExpiredSignature => Invalid::Expired,
        ErrorKind::ImmatureSignature => Invalid::NotYet,
        ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => Invalid::OtherRegistry,
        ErrorKind::InvalidSignature => Invalid::Signature,
        _ => Invalid::Foreign,
    }
}
