//! Answers that are made for one request: refusals, of which every error body of the daemon is (protocol.md, "Errors"), and
//! documents that tell what was asked for or done.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ALLOW, CACHE_CONTROL, HeaderName,
    RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpResponse, HttpResponseBuilder};
use rackgen::error::Error;
use rackgen::error_code::ErrorCode;
use serde::Serialize;
use serde_json::{Value, json};

/// A request that is not granted: the answer's code, words for the client, and what else belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    message: String,
    details: Vec<(&'static str, Value)>,
    headers: Vec<(HeaderName, String)>,
    /// What was wrong with a token, as the figures name it.
    pub(crate) token_fault: Option<&'static str>,
}

/// A busy or read-only registry is worth another try after so many seconds.
const TRY_AGAIN: u64 = 10;

impl Refusal {
    pub(crate) fn new(code: ErrorCode, message: impl ToString) -> Self {
        let refusal = Self {
            code,
            message: message.to_string(),
            details: Vec::new(),
            headers: Vec::new(),
            token_fault: None,
        };
        match code.status() {
            401 => refusal.header(WWW_AUTHENTICATE, "Bearer"),
            503 => refusal.retry_after(TRY_AGAIN),
            _ => refusal,
        }
    }

    /// A fault of ours: the cause is for the log, not for the client.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!("{cause}");
        Self::new(
            ErrorCode::InternalError,
            "the registry failed; its log says why",
        )
    }

    /// A 405 with what is allowed.
    pub(crate) fn method_not_allowed(allowed: &str) -> Self {
        let message = format!("this address takes {allowed}");
        Self::new(ErrorCode::MethodNotAllowed, message).header(ALLOW, allowed)
    }

    /// The failure came after the point of no return: nobody may be told that nothing was stored.
    pub(crate) fn may_have_happened(mut self) -> Self {
        self.message =
            "the registry failed when it had begun; what was asked for may still appear, so ask, or send it again"
                .into();
        self
    }

    /// The words for the client.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// It was refused for its token.
    pub(crate) fn token_fault(mut self, what: &'static str) -> Self {
        self.token_fault = Some(what);
        self
    }

    /// One more key in the body.
    pub(crate) fn detail(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.details.push((key, value.into()));
        self
    }

    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        self.header(RETRY_AFTER, &seconds.to_string())
    }

    /// The value of a header that belongs to it.
    pub(crate) fn header_value(&self, name: &HeaderName) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(held, _)| held == name)
            .map(|(_, value)| &**value)
    }

    fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.retain(|(held, _)| *held != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The answer, with the id under which the log tells more.
    pub(crate) fn into_response(self, request_id: &str) -> HttpResponse {
        let mut body = json!({
            "code": self.code.as_str(),
            "message": self.message,
            "request_id": request_id,
        });
        for (key, value) in self.details {
            body[key] = value;
        }
        let status =
            StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = head(status);
        for header in self.headers {
            response.insert_header(header);
        }
        response.json(body)
    }
}

/// What was asked for or done, as JSON.
pub(crate) fn document(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    head(status).json(body)
}

/// Headers that a page of another origin may see.
pub(crate) const EXPOSED: &str = "ETag, X-Request-Id";

/// The headers that every answer of this kind has: it is kept by nobody, is taken for nothing else, and may be read by a
/// page of any origin, as OPTIONS says.
fn head(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED));
    response
}

/// What stopped the generator, as an answer.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let message = match (error.code(), &error) {
            (ErrorCode::StorageFull, _) => "the registry's disk is full; nothing was stored",
            (ErrorCode::Unavailable, Error::Locked { .. }) => {
                "another process is changing the registry; try again"
            }
            (ErrorCode::Unavailable, Error::Displaced { .. }) => {
                "the registry's source tree is not there; nothing was stored, try again later"
            }
            (ErrorCode::Unavailable, _) => "the registry's disk is read-only; nothing was stored",
            _ => return Self::internal(&error),
        };
        match &error {
            Error::Locked { .. } => tracing::warn!("{error}"),
            error => tracing::error!("{error}"),
        }
        Self::new(error.code(), message)
    }
}
