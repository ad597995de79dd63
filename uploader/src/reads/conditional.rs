//! Conditional requests (RFC 9110, section 13): has the client these very bytes?

use std::time::{Duration, SystemTime};

use actix_web::http::header::{HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH};

/// Whether a 304 says it all. `If-Modified-Since` counts only without `If-None-Match`.
pub(super) fn is_not_modified(headers: &HeaderMap, etag: &str, modified: SystemTime) -> bool {
    match headers.contains_key(IF_NONE_MATCH) {
        true => matches(headers, etag),
        false => headers
            .get(IF_MODIFIED_SINCE)
            .and_then(|value| httpdate::parse_http_date(value.to_str().ok()?).ok())
            // The header has whole seconds.
            .is_some_and(|since| modified < since + Duration::from_secs(1)),
    }
}

/// Whether `If-None-Match` names this entity tag, by the weak comparison, or is `*`.
pub(super) fn matches(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}
