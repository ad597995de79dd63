//! `webhooks.json` (protocol.md, "Webhooks"): which endpoints are told of what.
//!
//! Parsed once, into what needs no further check. Secrets, and URLs, which may hold some, are in no message.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use url::Url;

use super::EventKind;
use super::address::Reach;
use super::announcement::UnknownEvent;
use crate::access::without_values;
use crate::model::Sha256;

/// Who is told of what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Webhooks {
    endpoints: Vec<Endpoint>,
}

impl Webhooks {
    /// Parses the file's text; the error names every fault.
    pub fn parse(text: &[u8], reach: Reach) -> Result<Self, String> {
        let File { webhooks } =
            serde_json::from_slice(text).map_err(|fault| without_values(&fault.to_string()))?;
        let mut endpoints = Vec::<Endpoint>::new();
        let mut faults = Vec::new();
        for (index, entry) in webhooks.into_iter().enumerate() {
            match Endpoint::of(entry, reach) {
                Ok(endpoint) if endpoints.iter().any(|other| other.url == endpoint.url) => faults
                    .push(format!(
                        "webhook {}: its `url` stands twice; put the events of both into one",
                        index + 1
                    )),
                Ok(endpoint) => endpoints.push(endpoint),
                Err(fault) => faults.push(format!("webhook {}: {fault}", index + 1)),
            }
        }
        match faults.is_empty() {
            true => Ok(Self { endpoints }),
            false => Err(faults.join("; ")),
        }
    }

    /// All of them, also those that are not enabled.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The one that somebody means by its id or its URL.
    pub fn find(&self, named: &str) -> Option<&Endpoint> {
        let url = Url::parse(named).ok();
        let mut endpoints = self.endpoints.iter();
        endpoints
            .find(|endpoint| endpoint.id.as_str() == named || Some(&endpoint.url) == url.as_ref())
    }

    /// Those that want to be told of something.
    pub fn enabled(&self) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.iter().filter(|endpoint| endpoint.enabled)
    }
}

/// Names an endpoint where its URL should not be told: the first 16 hex digits of the URL's SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EndpointId(String);

impl EndpointId {
    /// Of the endpoint with this URL.
    pub fn of(url: &Url) -> Self {
        Self(first_digits::<16>(url.as_str()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first `N` hex digits of a text's SHA-256.
pub(super) fn first_digits<const N: usize>(text: &str) -> String {
    let mut digits = Sha256::of(text.as_bytes()).to_string();
    digits.truncate(N);
    digits
}

/// Somebody who wants to be told.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// What names it in logs and commands.
    pub id: EndpointId,
    /// Where it listens: HTTP or HTTPS, without a user or a password.
    pub url: Url,
    /// What it is told of.
    pub events: BTreeSet<EventKind>,
    /// Whether it is told of anything.
    pub enabled: bool,
    /// What people call it.
    pub description: Option<String>,
    secrets: Vec<Secret>,
}

/// Without its URL and its secrets.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.id)
    }
}

impl Endpoint {
    fn of(entry: Entry, reach: Reach) -> Result<Self, String> {
        let url = parse_url(&entry.url, reach)?;
        let texts = match entry.secret {
            OneOrTwo::One(text) => vec![text],
            OneOrTwo::Several(texts) => texts,
        };
        if !matches!(texts.len(), 1 | 2) {
            return Err("`secret` is one secret, or a list of two while it changes".into());
        }
        if entry.events.is_empty() {
            return Err("`events` is empty; `\"enabled\": false` is the way to rest".into());
        }
        Ok(Self {
            id: EndpointId::of(&url),
            url,
            events: entry
                .events
                .iter()
                .map(|event| event.parse().map_err(unknown))
                .collect::<Result<_, _>>()?,
            enabled: entry.enabled,
            description: entry.description,
            secrets: texts
                .into_iter()
                .map(Secret::parse)
                .collect::<Result<_, _>>()?,
        })
    }

    /// What it is signed with: the current secret, then the other one while it changes.
    pub fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    /// Tells the entry from a changed one, also from one with other secrets, and tells none of them.
    pub fn fingerprint(&self) -> String {
        let events: Vec<_> = self.events.iter().map(|event| event.as_str()).collect();
        let secrets: Vec<_> = self.secrets.iter().map(|secret| &*secret.text).collect();
        first_digits::<16>(&format!(
            "{} {} {:?} {secrets:?}",
            self.url,
            events.join(","),
            self.description.as_deref().unwrap_or_default(),
        ))
    }
}

fn unknown(event: UnknownEvent) -> String {
    let known: Vec<_> = EventKind::ALL.into_iter().map(EventKind::as_str).collect();
    format!("{event}; there are {}", known.join(", "))
}

fn parse_url(text: &str, reach: Reach) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|fault| format!("its `url` is none: {fault}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("its `url` begins with http:// or https://".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "its `url` holds a user or a password, which end up in logs; the signature says who sends"
                .into(),
        );
    }
    reach.check_literal(&url)?;
    Ok(url)
}

/// What a receiver knows, and nobody else.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    text: String,
    key: Vec<u8>,
}

impl Secret {
    fn parse(text: String) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("a secret of it is blank".into());
        }
        let key = match text.strip_prefix("whsec_") {
            Some(base64) => BASE64_STANDARD
                .decode(base64)
                .ok()
                .filter(|key| !key.is_empty())
                .ok_or("a secret of it that begins with `whsec_` goes on in base64")?,
            None => text.clone().into_bytes(),
        };
        Ok(Self { text, key })
    }

    /// The key of Standard Webhooks: what `whsec_` has in base64, else the text.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The text as it stands in the file, which receivers of the server that we replace have.
    pub fn text(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    webhooks: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    url: String,
    secret: OneOrTwo,
    events: Vec<String>,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    description: Option<String>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "`secret` is a text, or a list of two while it changes"
)]
enum OneOrTwo {
    One(String),
    Several(Vec<String>),
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(entry: &str) -> Result<Endpoint, String> {
        let text = format!(r#"{{"webhooks":[{entry}]}}"#);
        let webhooks = Webhooks::parse(text.as_bytes(), Reach::Public)?;
        Ok(webhooks.endpoints[0].clone())
    }

    fn with(url: &str, secret: &str) -> Result<Endpoint, String> {
        parse(&format!(
            r#"{{"url":"{url}","secret":{secret},"events":["uploaded"]}}"#
        ))
    }

    #[test]
    fn what_operators_have_is_read_as_it_is() {
        let endpoint = parse(
            r#"{"url":"https://ci.example.com/hook","secret":"s","events":["uploaded","version.created"],
                "enabled":false,"description":"CI"}"#,
        )
        .unwrap();
        assert!(!endpoint.enabled);
        assert_eq!(endpoint.events.len(), 2);
        assert_eq!(endpoint.secrets()[0].key(), b"s");
        assert!(
            with("https://ci.example.com/hook", r#""s""#)
                .unwrap()
                .enabled
        );
    }

    #[test]
    fn a_fault_is_named_and_tells_no_secret() {
        let entry = r#""url":"https://e.example/7531902","secret":"7531902","events":["uploaded"]"#;
        for (bad, names) in [
            (
                format!(r#"{{{entry},"header":"7531902"}}"#),
                "unknown field `header`",
            ),
            (
                entry
                    .replace("uploaded", "upload")
                    .replace("\"url", "{\"url")
                    + "}",
                "no event `upload`",
            ),
            (format!(r#"{{{entry}}},{{{entry}}}"#), "webhook 2"),
            (format!(r#"{{{entry},"url":"7531902"}}"#), "duplicate field"),
            (
                format!("{{{}}}", entry.replace("\"7531902\"", "7531902")),
                "`secret` is a text",
            ),
            (
                format!("{{{}}}", entry.replace("\"7531902\"", "[]")),
                "one secret",
            ),
            (
                format!("{{{}}}", entry.replace("\"7531902\"", "\"whsec_7531902\"")),
                "base64",
            ),
            (
                format!("{{{}}}", entry.replace("\"7531902\"", "\" \"")),
                "blank",
            ),
            (
                format!("{{{}}}", entry.replace("[\"uploaded\"]", "[]")),
                "`events` is empty",
            ),
        ] {
            let fault = parse(&bad).unwrap_err();
            assert!(
                fault.contains(names) && !fault.contains("7531902"),
                "{bad}: {fault}"
            );
        }
    }

    #[test]
    fn a_url_is_public_http_and_names_nobody() {
        for bad in [
            "e.example/hook",
            "ftp://e.example",
            "https://user@e.example/",
            "https://:password@e.example/",
            "http://127.0.0.1:80/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://169.254.169.254/latest/meta-data",
        ] {
            assert!(with(bad, r#""s""#).is_err(), "{bad}");
        }
        let text =
            r#"{"webhooks":[{"url":"http://127.0.0.1/","secret":"s","events":["uploaded"]}]}"#;
        let fault = Webhooks::parse(text.as_bytes(), Reach::Public).unwrap_err();
        assert!(fault.contains("allow_private"), "{fault}");
        assert!(Webhooks::parse(text.as_bytes(), Reach::Anywhere).is_ok());
    }

    #[test]
    fn another_secret_is_another_entry() {
        let print = |secret| with("https://e.example/", secret).unwrap().fingerprint();
        assert_eq!(print(r#""a""#), print(r#"["a"]"#));
        assert_ne!(print(r#""a""#), print(r#""b""#));
        assert_ne!(print(r#""a""#), print(r#"["a","b"]"#));
    }

    #[test]
    fn nothing_that_is_printed_tells_a_secret() {
        let endpoint = with(
            "https://e.example/7531902",
            r#"["7531902","whsec_NzUzMTkwMg=="]"#,
        );
        let endpoint = endpoint.unwrap();
        assert_eq!(endpoint.secrets()[1].key(), b"7531902");
        let shown = format!("{endpoint:?} {:?}", endpoint.secrets());
        assert!(
            !shown.contains("75319") && !shown.contains("NzUz"),
            "{shown}"
        );
    }
}
