//! Whether two servers answer alike (issue 3): what a client can see, but for words that are for people.

use std::collections::BTreeSet;

use crate::http::Response;

/// Headers of which both have the same value, or both none.
const SAME: [&str; 7] = [
    "Content-Type",
    "Cache-Control",
    "ETag",
    "Last-Modified",
    "Content-Encoding",
    "WWW-Authenticate",
    "Access-Control-Allow-Origin",
];

/// Headers that are lists, in no order.
const SAME_LISTS: [&str; 4] = [
    "Vary",
    "Allow",
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Headers",
];

/// What says how the bytes are to be taken, where there are bytes of a registry.
const SAME_WITH_BYTES: [&str; 3] = [
    "X-Content-Type-Options",
    "Content-Security-Policy",
    "Access-Control-Expose-Headers",
];

/// What tells the first answer from the second, a line each.
pub fn differences(first: &Response, second: &Response) -> Vec<String> {
    let mut lines = Vec::new();
    let mut note = |what: &str, first: String, second: String| {
        if first != second {
            lines.push(format!("{what}: {first} or {second}"));
        }
    };
    note(
        "status",
        first.status.to_string(),
        second.status.to_string(),
    );
    let with_bytes = SAME_WITH_BYTES
        .iter()
        .filter(|_| matches!(first.status, 200 | 304));
    for name in SAME.iter().chain(with_bytes) {
        let value = |response: &Response| format!("{:?}", response.all(name).collect::<Vec<_>>());
        note(name, value(first), value(second));
    }
    for name in SAME_LISTS {
        let value = |response: &Response| -> BTreeSet<String> { response.list(name) };
        note(
            name,
            format!("{:?}", value(first)),
            format!("{:?}", value(second)),
        );
    }
    let has_retry = |response: &Response| response.header("Retry-After").is_some().to_string();
    note("Retry-After is there", has_retry(first), has_retry(second));
    if first.status >= 400 && second.status >= 400 {
        note("code", first.code(), second.code());
    } else if first.body != second.body {
        let (first, second) = (shown(first), shown(second));
        lines.push(format!("body: {first} or {second}"));
    }
    lines
}

/// The beginning of a body, for people.
fn shown(response: &Response) -> String {
    let beginning = &response.body[..response.body.len().min(120)];
    let text = String::from_utf8_lossy(beginning);
    format!("{text:?} ({} bytes)", response.body.len())
}
