//! The errors of protocol.md, and what holds of each answer that is one.

use crate::http::Response;

/// Status → the codes that may come with it.
const CODES: [(u16, &[&str]); 15] = [
    (
        400,
        &[
            "INVALID_PATH",
            "INVALID_NAMESPACE",
            "INVALID_PRESET",
            "BAD_REQUEST",
            "MISSING_FILE",
            "MISSING_CHECKSUM",
            "INVALID_FILE_TYPE",
            "CHECKSUM_MISMATCH",
            "INVALID_ARCHIVE",
            "UNSAFE_FILE",
            "UNDECLARED_FILE",
            "FILE_NOT_FOUND",
            "UPLOAD_FAILED",
            "SCHEMA_VALIDATION_FAILED",
        ],
    ),
    (401, &["UNAUTHORIZED", "INVALID_TOKEN", "TOKEN_EXPIRED"]),
    (
        403,
        &[
            "FORBIDDEN_NAMESPACE",
            "INSUFFICIENT_PERMISSIONS",
            "ANONYMOUS_UPLOAD_FORBIDDEN",
            "NAMESPACE_NOT_ALLOWED",
        ],
    ),
    (404, &["NOT_FOUND", "NAMESPACE_NOT_FOUND"]),
    (405, &["METHOD_NOT_ALLOWED"]),
    (408, &["REQUEST_TIMEOUT"]),
    (409, &["VERSION_EXISTS"]),
    (413, &["PAYLOAD_TOO_LARGE"]),
    (414, &["URI_TOO_LONG"]),
    (429, &["RATE_LIMIT_EXCEEDED"]),
    (500, &["INTERNAL_ERROR"]),
    (501, &["NOT_IMPLEMENTED"]),
    (503, &["UNAVAILABLE"]),
    (507, &["STORAGE_FULL"]),
    // Of nobody: a version of HTTP that is none is no HTTP.
    (505, &["BAD_REQUEST"]),
];

/// What is wrong with an answer as an error, whoever gave it; nothing if it is none.
pub fn faults(answer: &Response, is_head: bool) -> Vec<String> {
    if answer.status < 400 {
        return Vec::new();
    }
    let mut faults = Vec::new();
    let mut demand = |holds: bool, fault: &str| {
        if !holds {
            faults.push(fault.to_owned());
        }
    };
    let is = |name, value| answer.header(name) == Some(value);
    let codes = CODES.iter().find(|(status, _)| *status == answer.status);
    demand(codes.is_some(), "a status that is none of protocol.md");
    if !is_head {
        let code = answer.code();
        let is_known = codes.is_some_and(|(_, codes)| codes.contains(&&code[..]));
        demand(is_known, "a code that is none of this status");
        let message = answer.json()["message"].as_str().map(str::len);
        demand(message.is_some_and(|length| length > 0), "no message");
    }
    demand(is("Content-Type", "application/json"), "not JSON");
    demand(is("Cache-Control", "no-store"), "not no-store");
    demand(answer.header("ETag").is_none(), "an ETag");
    let has = |name| answer.header(name).is_some();
    match answer.status {
        401 => demand(
            answer.code() != "UNAUTHORIZED" || is("WWW-Authenticate", "Bearer"),
            "no WWW-Authenticate",
        ),
        405 => demand(has("Allow"), "no Allow"),
        429 | 503 => demand(has("Retry-After"), "no Retry-After"),
        _ => {}
    }
    let body = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
    demand(!body.contains("<html"), "a page");
    faults
        .into_iter()
        .map(|fault| format!("{fault}: {} {body:?}", answer.status))
        .collect()
}
