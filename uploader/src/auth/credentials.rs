//! From headers to a caller: the admin, the holder of tokens, or nobody.

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use jiff::Timestamp;
use rackgen::access::{Access, SecretHash, Token};
use rackgen::error_code::ErrorCode;
use rackgen::model::Namespace;

use crate::answer::Refusal;

const TOKEN_HEADER: &str = "x-registry-token";

/// A secret that somebody sent, hashed at once: nothing behind this line can leak it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Credential(SecretHash);

impl Credential {
    /// `Authorization: Bearer`, in any case of the word, else `X-Registry-Token`.
    ///
    /// # Errors
    /// An `Authorization` of another kind, or one that is no text: `INVALID_TOKEN`.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Result<Option<Self>, Refusal> {
        let text = |value: &HeaderValue| value.to_str().map(str::to_owned).map_err(|_| malformed());
        if let Some(value) = sent(headers, AUTHORIZATION.as_str()) {
            let value = text(value)?;
            return match value.split_once(' ') {
                Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                    Ok(Self::of(token))
                }
                _ => Err(malformed()),
            };
        }
        match sent(headers, TOKEN_HEADER) {
            Some(value) => Ok(Self::of(&text(value)?)),
            None => Ok(None),
        }
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
        (!token.is_empty()).then(|| Self(SecretHash::of(token)))
    }

    /// Who knows this secret.
    ///
    /// # Errors
    /// Nobody does: `INVALID_TOKEN`.
    pub(crate) fn identify<'a>(
        self,
        access: &'a Access,
        admin: Option<SecretHash>,
        now: Timestamp,
    ) -> Result<Caller<'a>, Refusal> {
        // Hashes are compared: how long that takes tells nothing about a secret.
        if admin == Some(self.0) {
            return Ok(Caller::Admin);
        }
        let known: Vec<(&Namespace, &Token)> = access
            .gated()
            .flat_map(|(namespace, tokens)| tokens.iter().map(move |token| (namespace, token)))
            .filter(|(_, token)| token.secret == self.0)
            .collect();
        match known.is_empty() {
            false => Ok(Caller::Holder { tokens: known, now }),
            true => Err(Refusal::new(
                ErrorCode::InvalidToken,
                "this token is not known here; it may be mistyped or revoked",
            )),
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
}

impl Caller<'_> {
    /// The caller's token for a namespace.
    ///
    /// # Errors
    /// None of it: `INVALID_TOKEN`; it expired: `TOKEN_EXPIRED`.
    pub(super) fn token(&self, namespace: &Namespace) -> Result<Option<&Token>, Refusal> {
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
            )),
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

    /// What an event or a log calls the caller.
    pub(crate) fn name(&self, namespace: &Namespace) -> String {
        match self.token(namespace) {
            Ok(Some(token)) => token.name.clone(),
            _ => "admin".into(),
        }
    }
}

/// A header that says something: an empty one is as good as none, and nginx cannot tell the two apart.
fn sent<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a HeaderValue> {
    headers.get(name).filter(|value| !value.is_empty())
}

fn has_expired(token: &Token, now: Timestamp) -> bool {
    token.expires.is_some_and(|end| end <= now)
}

fn malformed() -> Refusal {
    Refusal::new(
        ErrorCode::InvalidToken,
        "the credentials are malformed; send `Authorization: Bearer <token>`",
    )
}

fn expired() -> Refusal {
    Refusal::new(ErrorCode::TokenExpired, "this token has expired")
}
