//! The access file (protocol.md, "The access file"): which namespaces there are, who may read and publish.
//!
//! Parsing only; who may do what in a request is decided in the daemon's `auth`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::error::{At, Error, Result};
use crate::model::{Audience, Namespace, Sha256};

/// A secret as we keep it: hashed, so that no comparison, log or dump can tell it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretHash(Sha256);

impl SecretHash {
    /// The hash of a secret in clear.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::of(secret.as_bytes()))
    }

    /// The first digits: enough to tell it from others, and too few to be of any other use.
    pub fn fingerprint(&self) -> String {
        /// With `sha256:`.
        const LENGTH: usize = 7 + 12;
        self.to_string().chars().take(LENGTH).collect()
    }

    /// An entry of a file: in clear, or `sha256:<hex>`, which is never taken for clear text.
    pub fn parse(entry: &str) -> Result<Self, String> {
        match entry.strip_prefix("sha256:") {
            // Nearly a hash is a secret as well, so it is not quoted.
            Some(hex) => hex
                .parse()
                .map(Self)
                .map_err(|_| "a `sha256:` is followed by 64 lower-case hex digits".into()),
            None if entry.trim().is_empty() => Err("a token is blank".into()),
            // As clear text it would be the hash that opens, which the file tells to whoever reads it.
            None if entry.trim().to_ascii_lowercase().starts_with("sha256:") => Err(
                "a hash begins with `sha256:`, in small letters and with nothing before it".into(),
            ),
            None => Ok(Self::of(entry)),
        }
    }
}

impl fmt::Display for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.0)
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// A token of the access file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What a caller must know.
    pub secret: SecretHash,
    /// What people call it.
    pub name: String,
    /// Whether it may publish, yank and tag.
    pub publish: bool,
    /// From when on it is worth nothing.
    pub expires: Option<Timestamp>,
}

/// Who may read a declared namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// Anyone.
    Open,
    /// Who has one of these.
    Gated(Vec<Token>),
}

/// The decision what is public, and who may do what elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// There is no access file on purpose (`--open`): every namespace is open to read.
    Open,
    /// The namespaces that are declared; any other is forbidden.
    Declared {
        /// By namespace.
        grants: BTreeMap<Namespace, Grant>,
        /// What was wrong with single namespaces, which therefore are not declared.
        faults: Vec<String>,
    },
}

impl Access {
    /// Reads the file. A fault of one namespace leaves that one undeclared; any other is an error.
    pub fn load(path: &Path) -> Result<Self> {
        let text = match std::fs::read(path) {
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::refused(
                    path,
                    "there is no access file; it says which namespaces there are and who may read them \
                     (`{\"@team\": []}` opens one). `--open` does without: everything is open to read",
                ));
            }
            read => read.at("read", path)?,
        };
        Self::parse(&text).map_err(|why| Error::refused(path, why))
    }

    /// Parses the file's text; the error says why it is no access file at all.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let Entries(entries) =
            serde_json::from_slice(text).map_err(|fault| without_values(&fault.to_string()))?;
        let mut grants = BTreeMap::new();
        let mut faults = Vec::new();
        for (key, tokens) in entries {
            match grant(&key, &tokens)? {
                Ok((namespace, grant)) => {
                    grants.insert(namespace, grant);
                }
                Err(fault) => faults.push(fault),
            }
        }
        Ok(Self::Declared { grants, faults })
    }

    /// What is granted on a namespace; none if it is not declared.
    pub fn grant(&self, namespace: &Namespace) -> Option<&Grant> {
        match self {
            Self::Open => Some(&Grant::Open),
            Self::Declared { grants, .. } => grants.get(namespace),
        }
    }

    /// Which tree a namespace is rendered to; none if it is not declared.
    pub fn audience(&self, namespace: &Namespace) -> Option<Audience> {
        self.grant(namespace).map(|grant| match grant {
            Grant::Open => Audience::Public,
            Grant::Gated(_) => Audience::Private,
        })
    }

    /// Every gated namespace with its tokens.
    pub fn gated(&self) -> impl Iterator<Item = (&Namespace, &[Token])> {
        let grants = match self {
            Self::Open => None,
            Self::Declared { grants, .. } => Some(grants),
        };
        grants
            .into_iter()
            .flatten()
            .filter_map(|(namespace, grant)| match grant {
                Grant::Open => None,
                Grant::Gated(tokens) => Some((namespace, &tokens[..])),
            })
    }

    /// What was wrong with single namespaces.
    pub fn faults(&self) -> &[String] {
        match self {
            Self::Open => &[],
            Self::Declared { faults, .. } => faults,
        }
    }
}

/// A token as it stands in the file. Keys that we do not know are left to whoever put them there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenEntry {
    token: String,
    #[serde(default)]
    mark: Option<String>,
    #[serde(default)]
    publish: bool,
    /// Whatever stands there: what is no time is a fault of its namespace, not of the file.
    #[serde(default)]
    expires_at: Option<Value>,
    #[serde(flatten)]
    others: BTreeMap<String, IgnoredAny>,
}

impl TokenEntry {
    /// A key that was surely meant to be `expiresAt`: left alone, it would make a token that lasts for ever.
    fn misspelt_end(&self) -> Option<&String> {
        let is_end = |key: &&String| {
            let plain = key.replace(['_', '-'], "").to_ascii_lowercase();
            ["expires", "expiresat", "expiry", "expiration"].contains(&plain.as_str())
        };
        self.others.keys().find(is_end)
    }
}

/// The outer error stops the file, the inner one only this namespace.
fn grant(key: &str, tokens: &[TokenEntry]) -> Result<Result<(Namespace, Grant), String>, String> {
    let mut parsed = Vec::new();
    for entry in tokens {
        let secret =
            SecretHash::parse(&entry.token).map_err(|fault| format!("`{key}`: {fault}"))?;
        if let Some(key_meant) = entry.misspelt_end() {
            return Ok(Err(format!(
                "`{key}` is not declared: `{key_meant}` of a token of it means nothing; the key is `expiresAt`"
            )));
        }
        let time = |value: &Value| value.as_str().and_then(parse_time);
        let expires = match entry.expires_at.as_ref().map(time) {
            Some(None) => {
                return Ok(Err(format!(
                    "`{key}` is not declared: an `expiresAt` of it is no ISO 8601 time"
                )));
            }
            Some(time) => time,
            None => None,
        };
        parsed.push(Token {
            secret,
            name: entry.mark.clone().unwrap_or_else(|| "unnamed".into()),
            publish: entry.publish,
            expires,
        });
    }
    let grant = match parsed.is_empty() {
        true => Grant::Open,
        false => Grant::Gated(parsed),
    };
    Ok(key
        .parse::<Namespace>()
        .map(|namespace| (namespace, grant))
        .map_err(|fault| fault.to_string()))
}

/// What was found where something else belongs may be a token, and faults are shown to everybody (`/health`).
pub(crate) fn without_values(fault: &str) -> String {
    match fault.split_once(": ").zip(fault.rsplit_once(", expected ")) {
        Some(((what, _), (_, expected))) if what.starts_with("invalid ") => {
            format!("{what}, expected {expected}")
        }
        _ => fault.to_owned(),
    }
}

/// ISO 8601: with an offset; without one, in UTC; a date alone is its midnight.
pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    let in_utc = |time: civil::DateTime| time.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp());
    text.parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse().ok().and_then(in_utc))
}

/// The file's object with its keys in order, doubled ones kept so that they can be refused.
struct Entries(Vec<(String, Vec<TokenEntry>)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of namespaces")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let (mut entries, mut keys) = (Vec::new(), BTreeSet::new());
                while let Some((key, tokens)) = map.next_entry::<String, _>()? {
                    if !keys.insert(key.clone()) {
                        return Err(serde::de::Error::custom(format!("`{key}` stands twice")));
                    }
                    entries.push((key, tokens));
                }
                Ok(Entries(entries))
            }
        }
        from.deserialize_map(Pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audience(access: &Access, namespace: &str) -> Option<Audience> {
        access.audience(&namespace.parse().unwrap())
    }

    #[test]
    fn an_empty_list_opens_and_tokens_gate() {
        let access =
            Access::parse(br#"{"@open": [], "@team": [{"token": "t", "mark": "CI"}]}"#).unwrap();
        assert_eq!(audience(&access, "@open"), Some(Audience::Public));
        assert_eq!(audience(&access, "@team"), Some(Audience::Private));
        assert_eq!(audience(&access, "@other"), None);
    }

    #[test]
    fn a_fault_of_one_namespace_undeclares_that_one_only() {
        let access = Access::parse(
            br#"{"@a": [{"token": "t", "expiresAt": "soon"}], "Bad": [], "@b": [{"token": "t", "expiresAt": "2027-01-01"}]}"#,
        )
        .unwrap();
        assert_eq!(audience(&access, "@a"), None);
        assert_eq!(audience(&access, "@b"), Some(Audience::Private));
        assert_eq!(access.faults().len(), 2);
    }

    #[test]
    fn what_is_no_time_never_means_that_a_token_stays() {
        for value in [
            "1735689600",
            "true",
            "[]",
            "{\"at\": 1}",
            "\"\"",
            "\"soon\"",
        ] {
            let text = format!(
                r#"{{"@a": [{{"token": "t", "expiresAt": {value}}}], "@b": [{{"token": "t", "expiresAt": null}}]}}"#
            );
            let access = Access::parse(text.as_bytes()).unwrap();
            assert_eq!(audience(&access, "@a"), None, "{value}");
            assert_eq!(audience(&access, "@b"), Some(Audience::Private), "{value}");
            assert_eq!(access.faults().len(), 1, "{value}");
        }
    }

    #[test]
    fn a_misspelt_end_never_means_that_a_token_stays() {
        for key in ["expires", "expires_at", "ExpiresAt", "expiresat", "expiry"] {
            let text = format!(
                r#"{{"@a": [{{"token": "t", "{key}": "2020-01-01"}}], "@b": [{{"token": "t", "note": "x"}}]}}"#
            );
            let access = Access::parse(text.as_bytes()).unwrap();
            assert_eq!(audience(&access, "@a"), None, "{key}");
            assert_eq!(audience(&access, "@b"), Some(Audience::Private), "{key}");
        }
    }

    #[test]
    fn what_could_be_read_two_ways_stops_the_file() {
        for bad in [
            r#"{"@a": [], "@a": [{"token": "t"}]}"#,
            r#"{"@a": [{"token": "t", "token": "u"}]}"#,
            r#"{"@a": [{"token": "  "}]}"#,
            r#"{"@a": [{"token": "sha256:xyz"}]}"#,
            r#"{"@a": [{"token": "SHA256:0000000000000000000000000000000000000000000000000000000000000000"}]}"#,
            r#"{"@a": [{"token": " sha256:0000000000000000000000000000000000000000000000000000000000000000"}]}"#,
            r#"["@a"]"#,
            r#"{"@a": [{"mark": "no token"}]}"#,
            "",
        ] {
            assert!(Access::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_fault_tells_no_token() {
        for bad in [
            r#"{"@a": ["7531902, expected 7531902"]}"#,
            r#"{"@a": [{"token": 7531902}]}"#,
            r#"{"@a": "7531902"}"#,
            r#"{"@a": [{"token": "t", "publish": "7531902"}]}"#,
        ] {
            let fault = Access::parse(bad.as_bytes()).unwrap_err();
            assert!(
                fault.contains("expected") && !fault.contains("7531902"),
                "{fault}"
            );
        }
    }

    #[test]
    fn a_hashed_entry_is_the_same_secret_as_its_clear_text() {
        let clear = SecretHash::parse("secret").unwrap();
        assert_eq!(SecretHash::parse(&clear.to_string()), Ok(clear));
        assert_ne!(SecretHash::of(&clear.to_string()), clear);
    }
}
