//! What the head of an answer says, and what a short one says in its body. It is all a stranger's text.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde_json::Value;
use ureq::Body;
use ureq::http::Response;

use super::Passing;
use crate::model::{Shown, Words};

/// Of such a body, what there is to read: every fault of a manifest at least.
const ANSWER_MAX: u64 = 1 << 20;

/// How long a body says that it is; none if it comes in chunks, whose end is told.
///
/// # Errors
/// A body of which nobody could tell whether it is whole, or what it is.
pub fn body_length(answer: &Response<Body>) -> Result<Option<u64>, &'static str> {
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

/// Whether it says that it is a page for people.
pub fn is_page(answer: &Response<Body>) -> bool {
    let text = answer.headers().get("content-type");
    let text = text.and_then(|text| text.to_str().ok()).unwrap_or_default();
    let kind = text.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("text/html")
}

/// How long a server asks to wait.
fn wait_of(answer: &Response<Body>) -> Option<Duration> {
    let text = answer.headers().get("retry-after")?.to_str().ok()?;
    retry_after(text, Timestamp::now())
}

/// How long `Retry-After` asks to wait, in seconds or as a date (RFC 9110, section 10.2.3); a date that has passed asks
/// for nothing.
pub fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // More than fits is as long as can be.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let then = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Duration::try_from(then.duration_since(now)).unwrap_or_default())
}

/// What a server said, where that is a few words: its status, and what else is to be known of it.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body; null if it is no JSON.
    pub document: Value,
    /// How long the server asks to wait.
    pub wait: Option<Duration>,
    /// Where it sends us instead.
    location: Option<String>,
}

impl Answer {
    /// Reads one that counts only as a whole.
    ///
    /// # Errors
    /// One that was cut short.
    pub fn read_whole(mut answer: Response<Body>) -> Result<Self, Passing> {
        let body = body(&mut answer)
            .map_err(|fault| Passing::Cut(format!("there is no whole answer: {fault}")))?;
        Ok(Self::of(&answer, &body))
    }

    /// Reads it, as far as one cares to.
    pub fn read(answer: &mut Response<Body>) -> Self {
        let body = body(answer).unwrap_or_default();
        Self::of(answer, &body)
    }

    fn of(answer: &Response<Body>, body: &[u8]) -> Self {
        let location = answer.headers().get("location");
        let location = location.filter(|_| answer.status().is_redirection());
        Self {
            status: answer.status().as_u16(),
            document: serde_json::from_slice(body).unwrap_or_default(),
            wait: wait_of(answer),
            location: location.map(|to| String::from_utf8_lossy(to.as_bytes()).into_owned()),
        }
    }
}

fn body(answer: &mut Response<Body>) -> Result<Vec<u8>, ureq::Error> {
    let reader = answer.body_mut().with_config().limit(ANSWER_MAX);
    reader.read_to_vec()
}

/// `409 VERSION_EXISTS: @a/b/1.0.0 exists already`
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if let Some(to) = &self.location {
            let to = Shown(to);
            return write!(
                f,
                " to {to}, and redirects are not followed; give the address where the registry is"
            );
        }
        let is_code = |text: &&str| {
            text.len() < 64 && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
        };
        if let Some(code) = self.document["code"].as_str().filter(is_code) {
            write!(f, " {code}")?;
        }
        if let Some(message) = self.document["message"].as_str() {
            write!(f, ": {}", Words(message))?;
        }
        match self.wait {
            Some(wait) => write!(f, "; it asks to wait {} s", wait.as_secs()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_seconds_or_as_a_date() {
        let now: Timestamp = "2026-11-22T10:30:00Z".parse().unwrap();
        for (text, seconds) in [
            ("0", Some(0)),
            ("120", Some(120)),
            ("99999999999999999999", Some(u64::MAX)),
            ("", None),
            ("Sun, 22 Nov 2026 10:30:07 GMT", Some(7)),
            ("Sat, 21 Nov 2026 10:30:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(
                retry_after(text, now),
                seconds.map(Duration::from_secs),
                "{text}"
            );
        }
    }
}
