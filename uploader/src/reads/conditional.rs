//! Conditional requests (RFC 9110, section 13): has the client these very bytes, and are they what it means?

use std::time::{Duration, SystemTime};

use actix_web::http::header::{
    HeaderMap, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE,
};
use rackgen::error_code::ErrorCode;

use crate::answer::Refusal;

/// Whether `If-Match` and `If-Unmodified-Since` hold, by nginx's judgement: both are looked at, a date that is none
/// does not hold, nor does `*` inside a list, and tags are compared strongly. What was never dated was not modified.
///
/// # Errors
/// One of them does not hold. The protocol knows no 412, and what cannot be granted to a read is a bad request.
pub(super) fn require_preconditions(
    headers: &HeaderMap,
    etag: &str,
    modified: Option<SystemTime>,
) -> Result<(), Refusal> {
    let is_unmodified = |modified| {
        headers
            .get_all(IF_UNMODIFIED_SINCE)
            .all(|line| date(line).is_some_and(|since| is_by(modified, since)))
    };
    let names_it = |line: &str| line == "*" || line.split(',').any(|tag| tag.trim() == etag);
    let matches = headers
        .get_all(IF_MATCH)
        .all(|line| line.to_str().is_ok_and(names_it));
    match matches && modified.is_none_or(is_unmodified) {
        true => Ok(()),
        false => Err(Refusal::new(
            ErrorCode::BadRequest,
            "what is here is not what `If-Match` or `If-Unmodified-Since` asks for",
        )),
    }
}

/// Whether a 304 says it all. `If-Modified-Since` counts only without `If-None-Match`.
pub(super) fn is_not_modified(headers: &HeaderMap, etag: &str, modified: SystemTime) -> bool {
    match headers.contains_key(IF_NONE_MATCH) {
        true => matches(headers, etag),
        false => headers
            .get(IF_MODIFIED_SINCE)
            .and_then(date)
            .is_some_and(|since| is_by(modified, since)),
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

fn date(value: &HeaderValue) -> Option<SystemTime> {
    httpdate::parse_http_date(value.to_str().ok()?).ok()
}

/// Whether it was modified by then: dates in headers have whole seconds.
fn is_by(modified: SystemTime, date: SystemTime) -> bool {
    modified < date + Duration::from_secs(1)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderName;

    use super::*;

    const TAG: &str = "\"65e556bf-6\"";
    const DATE: &str = "Mon, 04 Mar 2024 05:06:07 GMT";
    const BEFORE: &str = "Mon, 04 Mar 2024 05:06:06 GMT";
    const AFTER: &str = "Mon, 04 Mar 2024 05:06:08 GMT";

    /// Half a second after `DATE`.
    fn modified() -> SystemTime {
        httpdate::parse_http_date(DATE).unwrap() + Duration::from_millis(500)
    }

    fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    /// Every row is what nginx 1.22 was seen to do (412 or not) with a file of this tag and time.
    #[test]
    fn preconditions_hold_where_they_do_for_nginx() {
        let table: &[(&[(HeaderName, &str)], bool)] = &[
            (&[], true),
            (&[(IF_MATCH, TAG)], true),
            (&[(IF_MATCH, "W/\"65e556bf-6\"")], false),
            (&[(IF_MATCH, "*")], true),
            (&[(IF_MATCH, "\"x\", \"65e556bf-6\"")], true),
            (&[(IF_MATCH, "\"x\",\"65e556bf-6\"")], true),
            (&[(IF_MATCH, "\"x\", *")], false),
            (&[(IF_MATCH, "")], false),
            (&[(IF_MATCH, "\"x\"")], false),
            (&[(IF_MATCH, "\"65e556bf-6\" x, \"y\"")], false),
            (&[(IF_MATCH, "\"x\""), (IF_MATCH, TAG)], false),
            (&[(IF_UNMODIFIED_SINCE, DATE)], true),
            (&[(IF_UNMODIFIED_SINCE, AFTER)], true),
            (&[(IF_UNMODIFIED_SINCE, BEFORE)], false),
            (
                &[(IF_UNMODIFIED_SINCE, "Monday, 04-Mar-24 05:06:07 GMT")],
                true,
            ),
            (&[(IF_UNMODIFIED_SINCE, "Mon Mar  4 05:06:07 2024")], true),
            (&[(IF_UNMODIFIED_SINCE, "rubbish")], false),
            (&[(IF_UNMODIFIED_SINCE, "")], false),
            (
                &[(IF_UNMODIFIED_SINCE, "Wed, 31 Dec 1969 05:06:07 GMT")],
                false,
            ),
            (&[(IF_MATCH, TAG), (IF_UNMODIFIED_SINCE, BEFORE)], false),
            (&[(IF_MATCH, "\"x\""), (IF_UNMODIFIED_SINCE, DATE)], false),
            (&[(IF_MATCH, "\"x\""), (IF_NONE_MATCH, TAG)], false),
            (&[(IF_MATCH, TAG), (IF_NONE_MATCH, TAG)], true),
        ];
        for (lines, holds) in table {
            let found = require_preconditions(&headers(lines), TAG, Some(modified()));
            let expected = match holds {
                true => Ok(()),
                false => Err(ErrorCode::BadRequest),
            };
            assert_eq!(found.map_err(|refusal| refusal.code), expected, "{lines:?}");
        }
    }

    #[test]
    fn what_was_never_dated_was_not_modified() {
        let since = headers(&[(IF_UNMODIFIED_SINCE, BEFORE)]);
        assert!(require_preconditions(&since, TAG, None).is_ok());
    }

    #[test]
    fn dates_count_in_whole_seconds() {
        for (date, same) in [(BEFORE, false), (DATE, true), (AFTER, true)] {
            let headers = headers(&[(IF_MODIFIED_SINCE, date)]);
            assert_eq!(is_not_modified(&headers, TAG, modified()), same, "{date}");
        }
    }
}
