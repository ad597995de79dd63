//! The errors that nginx answers by itself, with the codes of protocol.md.

use std::net::SocketAddr;

use serde::Serialize;

use super::Instance;
use crate::error_code::ErrorCode;

/// An error that nginx answers by itself.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Answer {
    status: u16,
    code: String,
    message: String,
}

impl Answer {
    pub(super) fn new(code: ErrorCode, message: &str) -> Self {
        Self {
            status: code.status(),
            code: code.as_str().into(),
            message: message.into(),
        }
    }
}

/// What nginx says where a status has one code.
const FIXED: [(ErrorCode, &str); 6] = [
    (
        ErrorCode::PayloadTooLarge,
        "this body is longer than it may be",
    ),
    (ErrorCode::UriTooLong, "the address is over 8 KiB long"),
    (
        ErrorCode::RateLimitExceeded,
        "too many requests from this address; try again later",
    ),
    (
        ErrorCode::InternalError,
        "the registry failed; its log says why",
    ),
    (
        ErrorCode::NotImplemented,
        "this method is none that the registry knows",
    ),
    (
        ErrorCode::Unavailable,
        "the registry cannot do this at the moment; try again later",
    ),
];

/// All of them, with a daemon behind or without.
pub(super) fn of(instance: &Instance, daemon: Option<SocketAddr>) -> Vec<Answer> {
    let variable = |name| format!("$rack_{}_{name}", instance);
    // Of some statuses there are several codes: maps know which, and the words.
    let by_map = |code: ErrorCode, name| Answer {
        status: code.status(),
        code: variable(name),
        message: format!("{}_message", variable(name)),
    };
    let mut errors = vec![
        by_map(ErrorCode::BadRequest, "invalid"),
        Answer::new(ErrorCode::NotFound, "there is nothing at this address"),
    ];
    errors.push(Answer::new(
        ErrorCode::MethodNotAllowed,
        &format!("this address takes {}", variable("allow")),
    ));
    errors.extend(FIXED.map(|(code, message)| Answer::new(code, message)));
    match daemon {
        Some(_) => errors.extend(
            [ErrorCode::Unauthorized, ErrorCode::ForbiddenNamespace]
                .map(|code| by_map(code, "denied")),
        ),
        // Nobody can be asked who may: what is not public is not here.
        None => errors.push(Answer::new(
            ErrorCode::ForbiddenNamespace,
            "this is not a namespace of this mirror",
        )),
    }
    errors
}
