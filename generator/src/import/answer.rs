//! What the head of an answer says, and what a refusal says in its body. It is all a stranger's text.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use ureq::Body;
use ureq::http::Response;

use crate::client;
use crate::model::Shown;

/// Of a refusal's body, what there is to read.
const REFUSAL_MAX: u64 = 64 * 1024;

/// How long a body says that it is; none if it comes in chunks, whose end is told.
///
/// # Errors
/// A body of which nobody could tell whether it is whole, or what it is.
pub(super) fn body_length(answer: &Response<Body>) -> Result<Option<u64>, &'static str> {
    let header = |name| {
        answer
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    if header("content-encoding").is_some_and(|coding| coding != "identity") {
        return Err("the answer is compressed, which was not asked for");
    }
    let len = header("content-length").and_then(|len| len.parse().ok());
    let is_chunked = header("transfer-encoding").is_some();
    match len.is_some() || is_chunked {
        true => Ok(len.filter(|_| !is_chunked)),
        false => {
            Err("the answer has no `Content-Length`, so nobody could tell if it was cut short")
        }
    }
}

/// How long a server asks to wait.
pub(super) fn retry_after(answer: &Response<Body>) -> Option<Duration> {
    let text = answer.headers().get("retry-after")?.to_str().ok()?;
    client::retry_after(text, Timestamp::now())
}

/// What a server says in place of what was asked for.
pub(super) fn refusal(answer: &mut Response<Body>) -> String {
    let status = answer.status();
    if status.is_redirection() {
        let to = answer
            .headers()
            .get("location")
            .map(|to| String::from_utf8_lossy(to.as_bytes()));
        return format!(
            "{} to {}, and redirects are not followed; give `--from` the address where the registry is",
            status.as_u16(),
            Shown(&to.unwrap_or_default())
        );
    }
    let body = answer
        .body_mut()
        .with_config()
        .limit(REFUSAL_MAX)
        .read_to_vec();
    let document: Value = serde_json::from_slice(&body.unwrap_or_default()).unwrap_or_default();
    let mut words = status.as_u16().to_string();
    let is_code =
        |text: &&str| text.len() < 64 && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    if let Some(code) = document["code"].as_str().filter(is_code) {
        words += &format!(" {code}");
    }
    if let Some(message) = document["message"].as_str() {
        words += &format!(": {}", Shown(message));
    }
    words
}
