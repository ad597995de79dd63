//! The audit log: who tried to change what, and what came of it. `audit.jsonl` in the state folder, one JSON object a
//! line, written by the daemon and by `rackgen` alike.
//!
//! This room knows what a line is, and how lines get into the file and out of it. When one is written is decided where
//! the attempt is made; no secret gets as far as here.

mod file;
mod reader;
mod rotation;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::error_code::ErrorCode;
use crate::model::{Change, ContentDigest, InvalidName, ItemId, Namespace, Tag, Version};
use crate::token::TokenId;

pub use file::Log;
pub use reader::Reader;
pub use rotation::Rotation;

/// Something that somebody tries, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The id of the request, by which the other logs tell more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The address that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<IpAddr>,
    /// Who; none where nobody proved to be someone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// What.
    pub action: Action,
    /// To what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Subject>,
    /// To which version of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// With which tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<Tag>,
    /// What the version's files add up to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<ContentDigest>,
    /// The minted token that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenId>,
    /// Why: of a change as whoever made it says, of a refusal as they were told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One line: an attempt, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When that was settled.
    pub time: Timestamp,
    /// What was tried.
    #[serde(flatten)]
    pub attempt: Attempt,
    /// What came of it.
    pub outcome: Outcome,
}

/// Who tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// What people call the token, or whoever ran `rackgen`.
    pub name: String,
    /// Which token: the id of a minted one, the first digits of the hash of one of the access file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl By {
    /// Somebody without a token.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            token: None,
        }
    }
}

/// What can be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[allow(missing_docs, reason = "each is named as the change or the command is")]
pub enum Action {
    #[serde(rename = "publish")]
    Publish,
    /// The checks of a publish, without one.
    #[serde(rename = "check")]
    Check,
    #[serde(rename = "yank")]
    Yank,
    #[serde(rename = "unyank")]
    Unyank,
    #[serde(rename = "deprecate")]
    Deprecate,
    #[serde(rename = "undeprecate")]
    Undeprecate,
    #[serde(rename = "tag")]
    Tag,
    #[serde(rename = "untag")]
    Untag,
    #[serde(rename = "remove")]
    Remove,
    /// What a hand made of a version is taken for what it is.
    #[serde(rename = "accept")]
    Accept,
    /// Of what needs a token; has a line only if it is refused.
    #[serde(rename = "read")]
    Read,
    /// The access file is taken up again.
    #[serde(rename = "reload")]
    Reload,
    #[serde(rename = "token.create")]
    #[value(name = "token.create")]
    TokenCreate,
    #[serde(rename = "token.revoke")]
    #[value(name = "token.revoke")]
    TokenRevoke,
    #[serde(rename = "token.rotate")]
    #[value(name = "token.rotate")]
    TokenRotate,
    #[serde(rename = "webhook.redeliver")]
    #[value(name = "webhook.redeliver")]
    WebhookRedeliver,
    #[serde(rename = "webhook.test")]
    #[value(name = "webhook.test")]
    WebhookTest,
    #[serde(rename = "webhook.enable")]
    #[value(name = "webhook.enable")]
    WebhookEnable,
    /// An endpoint answered 410, and is told nothing more.
    #[serde(rename = "webhook.disable")]
    #[value(name = "webhook.disable")]
    WebhookDisable,
    /// A delivery was given up.
    #[serde(rename = "webhook.dead")]
    #[value(name = "webhook.dead")]
    WebhookDead,
}

impl Action {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Check => "check",
            Self::Yank => "yank",
            Self::Unyank => "unyank",
            Self::Deprecate => "deprecate",
            Self::Undeprecate => "undeprecate",
            Self::Tag => "tag",
            Self::Untag => "untag",
            Self::Remove => "remove",
            Self::Accept => "accept",
            Self::Read => "read",
            Self::Reload => "reload",
            Self::TokenCreate => "token.create",
            Self::TokenRevoke => "token.revoke",
            Self::TokenRotate => "token.rotate",
            Self::WebhookRedeliver => "webhook.redeliver",
            Self::WebhookTest => "webhook.test",
            Self::WebhookEnable => "webhook.enable",
            Self::WebhookDisable => "webhook.disable",
            Self::WebhookDead => "webhook.dead",
        }
    }
}

impl From<&Change> for Action {
    fn from(change: &Change) -> Self {
        match change {
            Change::Publish { .. } => Self::Publish,
            Change::Yank { .. } => Self::Yank,
            Change::Unyank { .. } => Self::Unyank,
            Change::Deprecate { .. } => Self::Deprecate,
            Change::Undeprecate { .. } => Self::Undeprecate,
            Change::Tag { .. } => Self::Tag,
            Change::Untag { .. } => Self::Untag,
            Change::Remove { .. } => Self::Remove,
        }
    }
}

/// What is acted upon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Subject {
    /// `@team`, where no item is known.
    Namespace(Namespace),
    /// `@team/features/auth`
    Item(ItemId),
}

impl Subject {
    /// The namespace that it is, or is in.
    pub fn namespace(&self) -> &Namespace {
        match self {
            Self::Namespace(namespace) => namespace,
            Self::Item(item) => &item.namespace,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace(namespace) => namespace.fmt(f),
            Self::Item(item) => item.fmt(f),
        }
    }
}

impl FromStr for Subject {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        match text.contains('/') {
            true => text.parse().map(Self::Item),
            false => text.parse().map(Self::Namespace),
        }
    }
}

impl TryFrom<String> for Subject {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.to_string()
    }
}

/// `ok`, or the code of the refusal. Codes of a later program are read too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Outcome(Cow<'static, str>);

impl Outcome {
    /// It was done.
    pub const OK: Self = Self(Cow::Borrowed("ok"));

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<ErrorCode> for Outcome {
    fn from(code: ErrorCode) -> Self {
        Self(Cow::Borrowed(code.as_str()))
    }
}

/// Bytes of a reason: a sentence or two, where a client may send a book.
const REASON_MAX: usize = 1024;

impl Attempt {
    /// Of which no more is known.
    pub fn of(action: Action) -> Self {
        Self {
            request_id: None,
            client: None,
            by: None,
            action,
            item: None,
            version: None,
            tag: None,
            digest: None,
            token: None,
            reason: None,
        }
    }

    /// It is this change of an item.
    pub fn about(mut self, item: &ItemId, change: &Change) -> Self {
        self.item = Some(Subject::Item(item.clone()));
        self.version = change.version().cloned();
        match change {
            Change::Publish { digest, .. } => self.digest = Some(*digest),
            Change::Tag { tag, .. } | Change::Untag { tag } => self.tag = Some(tag.clone()),
            Change::Yank { reason, .. }
            | Change::Remove { reason, .. }
            | Change::Deprecate {
                message: reason, ..
            } => self.reason = Some(reason.clone()).filter(|reason| !reason.is_empty()),
            Change::Unyank { .. } | Change::Undeprecate { .. } => {}
        }
        self
    }

    /// It was done, just now.
    pub fn succeeded(self) -> Line {
        self.settled(Outcome::OK)
    }

    /// It was not, for this reason.
    pub fn refused(mut self, code: ErrorCode, why: impl ToString) -> Line {
        self.reason = Some(why.to_string());
        self.settled(code.into())
    }

    /// An error stopped it; what is not as it must be, somebody asked for.
    pub fn stopped(self, error: &Error) -> Line {
        let code = match error {
            Error::Refused { .. } => ErrorCode::BadRequest,
            error => error.code(),
        };
        self.refused(code, error)
    }

    fn settled(mut self, outcome: Outcome) -> Line {
        if let Some(reason) = &mut self.reason {
            reason.truncate(reason.floor_char_boundary(REASON_MAX));
        }
        Line {
            time: Timestamp::now(),
            attempt: self,
            outcome,
        }
    }
}

impl Line {
    /// As it stands in the file, newline included.
    pub fn to_text(&self) -> serde_json::Result<String> {
        let mut text = serde_json::to_string(self)?;
        text.push('\n');
        Ok(text)
    }
}
