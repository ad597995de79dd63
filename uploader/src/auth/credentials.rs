//! From headers to a caller: the admin, the holder of tokens of the access file or of a minted one, or nobody.

use std::fmt;
use std::sync::Arc;

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use jiff::Timestamp;
use rackgen::access::{Access, SecretHash, Token};
use rackgen::audit::By;
use rackgen::error_code::ErrorCode;
use rackgen::model::Namespace;
use rackgen::token::{Invalid, Minted};

use super::minted::MintedTokens;
use crate::answer::Refusal;

const TOKEN_HEADER: &str = "x-registry-token";

/// What the admin token is called.
pub(crate) const ADMIN_NAME: &str = "admin";

/// A secret that somebody sent, hashed at once: nothing behind this line can leak it. What may be a minted token has
/// to be kept, and shows itself to nobody.
#[derive(Clone)]
pub(crate) struct Credential {
    hash: SecretHash,
    /// What has the shape of a minted token.
    minted: Option<Arc<str>>,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(…)")
    }
}

/// All that a credential is compared with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    /// Tokens of the access file.
    pub(crate) access: &'a Access,
    /// None: nobody is admin.
    pub(crate) admin: Option<SecretHash>,
    /// Tokens that were minted.
    pub(crate) minted: &'a MintedTokens,
    /// The moment.
    pub(crate) now: Timestamp,
}

impl Credential {
    /// `Authorization: Bearer`, in any case of the word, else `X-Registry-Token`: an `Authorization` of another kind may be
    /// for somebody in front.
    ///
    /// # Errors
    /// An `Authorization` of another kind and nothing else, or a token that is no text: `INVALID_TOKEN`.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Result<Option<Self>, Refusal> {
        let value = |name: &str| sent(headers, name).map(HeaderValue::as_bytes);
        let authorization = value(AUTHORIZATION.as_str()).map(bearer);
        let token = match (authorization, value(TOKEN_HEADER)) {
            (Some(Some(token)), _) | (_, Some(token)) => token,
            (Some(None), None) => return Err(malformed()),
            (None, None) => return Ok(None),
        };
        let text = str::from_utf8(token).ok().filter(|text| text.is_ascii());
        text.map(Self::of).ok_or_else(malformed)
    }

    /// Whether anything of the kind is sent, be it malformed.
    pub(crate) fn is_sent(headers: &HeaderMap) -> bool {
        [AUTHORIZATION.as_str(), TOKEN_HEADER]
            .into_iter()
            .any(|name| sent(headers, name).is_some())
    }

    /// An empty one counts as none.
    fn of(token: &str) -> Option<Self> {
        let token = token.trim();
        (!token.is_empty()).then(|| Self {
            hash: SecretHash::of(token),
            minted: (token.split('.').count() == 3).then(|| token.into()),
        })
    }

    /// Who knows this secret, or was given this token.
    ///
    /// # Errors
    /// Nobody: `INVALID_TOKEN`; a minted token that is over: `TOKEN_EXPIRED`.
    pub(crate) fn identify(self, known: Known<'_>) -> Result<Caller<'_>, Refusal> {
        let Known {
            access, admin, now, ..
        } = known;
        // Hashes are compared: how long that takes tells nothing about a secret.
        if admin == Some(self.hash) {
            return Ok(Caller::Admin);
        }
        let tokens: Vec<(&Namespace, &Token)> = access
            .gated()
            .flat_map(|(namespace, tokens)| tokens.iter().map(move |token| (namespace, token)))
            .filter(|(_, token)| token.secret == self.hash)
            .collect();
        if !tokens.is_empty() {
            return Ok(Caller::Holder { tokens, now });
        }
        match self.minted {
            Some(text) => known
                .minted
                .verify(&text, now)
                .map(Caller::Minted)
                .map_err(|why| match why {
                    Invalid::Expired => expired(),
                    why => Refusal::new(ErrorCode::InvalidToken, why).token_fault(why.as_str()),
                }),
            None => Err(Refusal::new(
                ErrorCode::InvalidToken,
                "this token is not known here; it may be mistyped or revoked",
            )
            .token_fault("unknown")),
        }
    }
}

/// Somebody who proved to be someone.
#[derive(Debug, Clone)]
pub(crate) enum Caller<'a> {
    /// Whoever runs the registry.
    Admin,
    /// Somebody with tokens of the access file: the same secret may stand in several namespaces.
    Holder {
        /// Where it stands, at least once; it may have expired there.
        tokens: Vec<(&'a Namespace, &'a Token)>,
        /// When that was found out.
        now: Timestamp,
    },
    /// Somebody with a minted token, which was found to be good.
    Minted(Minted),
}

impl Caller<'_> {
    /// The caller's token of the access file for a namespace; none for callers of another kind.
    ///
    /// # Errors
    /// None of it: `INVALID_TOKEN`; it expired: `TOKEN_EXPIRED`.
    pub(crate) fn token(&self, namespace: &Namespace) -> Result<Option<&Token>, Refusal> {
        let Self::Holder { tokens, now } = self else {
            return Ok(None);
        };
        // The same secret may stand there twice: the entry that is worth most counts.
        let worth = |token: &Token| (!has_expired(token, *now), token.publish);
        let best = tokens
            .iter()
            .filter(|(held, _)| *held == namespace)
            .max_by_key(|(_, token)| worth(token));
        match best {
            Some((_, token)) if has_expired(token, *now) => Err(expired()),
            Some((_, token)) => Ok(Some(token)),
            None => Err(Refusal::new(
                ErrorCode::InvalidToken,
                format!("this token is not one of {namespace}"),
            )
            .token_fault("other-namespace")),
        }
    }

    /// Whether the caller is still anyone anywhere.
    ///
    /// # Errors
    /// Every token of it expired: `TOKEN_EXPIRED`.
    pub(crate) fn require_live(&self) -> Result<(), Refusal> {
        match self {
            Self::Holder { tokens, now }
                if tokens.iter().all(|(_, token)| has_expired(token, *now)) =>
            {
                Err(expired())
            }
            _ => Ok(()),
        }
    }

    /// Who that is, as events and the audit log have it: with the token for this namespace, if there is one.
    pub(crate) fn by(&self, namespace: Option<&Namespace>) -> By {
        match self {
            Self::Admin => By::named(ADMIN_NAME),
            Self::Minted(token) => By {
                name: token.name.clone(),
                token: Some(token.id.to_string()),
            },
            Self::Holder { tokens, .. } => {
                let there = namespace.and_then(|namespace| self.token(namespace).ok()?);
                let any = || tokens.first().map(|(_, token)| *token);
                there.or_else(any).map_or_else(
                    || By::named("nobody"),
                    |token| By {
                        name: token.name.clone(),
                        token: Some(token.secret.fingerprint()),
                    },
                )
            }
        }
    }
}

/// A header that says something: an empty one is as good as none, and nginx cannot tell the two apart.
fn sent<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a HeaderValue> {
    headers.get(name).filter(|value| !value.is_empty())
}

/// The token in an `Authorization` of the kind that is ours.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked("bearer".len())?;
    let is_ours = scheme.eq_ignore_ascii_case(b"bearer");
    token.strip_prefix(b" ").filter(|_| is_ours)
}

pub(super) fn has_expired(token: &Token, now: Timestamp) -> bool {
    token.expires.is_some_and(|end| end <= now)
}

fn malformed() -> Refusal {
    Refusal::new(
        ErrorCode::InvalidToken,
        "the credentials are malformed; send `Authorization: Bearer <token>`",
    )
    .token_fault("malformed")
}

fn expired() -> Refusal {
    Refusal::new(ErrorCode::TokenExpired, "this token has expired").token_fault("expired")
}
