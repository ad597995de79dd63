//! One event for one endpoint: what was announced, which attempts there were, and when the next one is due.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::config::first_digits;
use super::{EndpointId, EventKind};
use crate::folders::random_hex;

/// What a receiver knows a delivery by, in every attempt: 32 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeliveryId(String);

impl DeliveryId {
    /// Of this announcement to that endpoint: spread twice, it is one delivery all the same.
    pub fn of(announcement: &str, url: &Url) -> Self {
        Self(first_digits::<32>(&format!("{announcement} {url}")))
    }

    /// Of something that is announced once.
    pub fn random() -> crate::error::Result<Self> {
        random_hex::<16>().map(Self)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DeliveryId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        match text.len() == 32 && text.bytes().all(is_hex) {
            true => Ok(Self(text.to_owned())),
            false => Err(
                "a delivery's id is 32 hex digits; `rackgen webhooks deliveries` tells it".into(),
            ),
        }
    }
}

impl TryFrom<String> for DeliveryId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<DeliveryId> for String {
    fn from(id: DeliveryId) -> Self {
        id.0
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A delivery, as its file has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// What the receiver knows it by.
    pub id: DeliveryId,
    /// What it tells.
    pub event: EventKind,
    /// Whom.
    pub url: Url,
    /// Since when it waits to be told.
    pub created: Timestamp,
    /// When the next attempt is due; none if there is none.
    pub next: Option<Timestamp>,
    /// Attempts so far, since it was last asked for.
    pub attempts: Vec<Try>,
    /// What is sent, keys in this order.
    pub body: Map<String, Value>,
}

/// An attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Try {
    /// When it began.
    pub at: Timestamp,
    /// How many milliseconds it took.
    pub ms: u64,
    /// What the endpoint answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

impl Delivery {
    /// One that waits, and is due now.
    pub fn new(id: DeliveryId, event: EventKind, url: Url, body: Map<String, Value>) -> Self {
        let now = Timestamp::now();
        Self {
            id,
            event,
            url,
            created: now,
            next: Some(now),
            attempts: Vec::new(),
            body,
        }
    }

    /// What is sent, byte for byte the same in every attempt.
    pub fn text(&self) -> String {
        Value::Object(self.body.clone()).to_string()
    }

    /// Whom it is for.
    pub fn endpoint(&self) -> EndpointId {
        EndpointId::of(&self.url)
    }

    /// What the last attempt came to.
    pub fn last(&self) -> Option<&Try> {
        self.attempts.last()
    }

    /// When something last happened to it.
    pub fn touched(&self) -> Timestamp {
        self.last().map_or(self.created, |attempt| attempt.at)
    }

    /// How long to wait for the next attempt by this schedule; none if the last one was made. A ping answers a question
    /// of now, and is not repeated.
    pub fn pause<T: Copy>(&self, schedule: &[T]) -> Option<T> {
        let failed = self.attempts.len().checked_sub(1)?;
        match self.event {
            EventKind::Ping => None,
            _ => schedule.get(failed).copied(),
        }
    }

    /// As if it had not been tried yet.
    pub fn renew(&mut self, now: Timestamp) {
        self.attempts.clear();
        self.next = Some(now);
    }
}

impl Try {
    /// One that began then and is over now.
    pub fn ended(
        at: Timestamp,
        took: Duration,
        status: Option<u16>,
        fault: Option<String>,
    ) -> Self {
        Self {
            at,
            ms: took.as_millis().try_into().unwrap_or(u64::MAX),
            status,
            fault,
        }
    }
}
