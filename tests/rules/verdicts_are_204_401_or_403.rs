//! What nginx's `auth_request` asks is answered with 204, 401 or 403, whatever is asked and however often; the code
//! is in a header. nginx's cache never keeps a refused guess, nor that a namespace is open: it may be gated by then.

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::http::{Request, Response};
use rack_tests::registry::Registry;
use serde_json::json;

/// A check: the namespace, the token, and what has to come: the status, the code, whether nginx may keep it.
type Check = (
    Option<&'static str>,
    Option<&'static str>,
    u16,
    &'static str,
    bool,
);

const CHECKS: [Check; 12] = [
    (Some("@open"), None, 204, "", false),
    (Some("@open"), Some("nobody"), 204, "", false),
    (Some("@team"), Some("read"), 204, "", true),
    (Some("@team"), Some(ADMIN_TOKEN), 204, "", true),
    (Some("@team"), None, 401, "UNAUTHORIZED", true),
    (Some("@team"), Some("nobody"), 401, "INVALID_TOKEN", false),
    (Some("@team"), Some("old"), 401, "TOKEN_EXPIRED", false),
    (Some("@none"), None, 403, "FORBIDDEN_NAMESPACE", true),
    (
        Some("@none"),
        Some("read"),
        403,
        "FORBIDDEN_NAMESPACE",
        false,
    ),
    (Some("team"), None, 403, "FORBIDDEN_NAMESPACE", true),
    (
        Some("@team/x"),
        Some("read"),
        403,
        "FORBIDDEN_NAMESPACE",
        false,
    ),
    (None, None, 403, "FORBIDDEN_NAMESPACE", true),
];

#[test]
fn verdicts_are_204_401_or_403() {
    let registry = Registry::new(&json!({
        "@open": [],
        "@team": [{ "token": "read" }, { "token": "old", "expiresAt": "2020-01-01T00:00:00Z" }],
    }));
    registry.build();
    let daemon = registry.rackd().start();
    for (namespace, token, status, code, kept) in CHECKS {
        let check = format!("{namespace:?} with {token:?}");
        for request in with_credentials(&question(namespace), token) {
            let answer = request.send(daemon.url()).expect("an answer");
            verify(&answer, status, code, kept, &check);
        }
    }
    let malformed = question(Some("@team")).header("Authorization", "Basic cmVhZDo=");
    let answer = malformed.send(daemon.url()).expect("an answer");
    verify(&answer, 401, "INVALID_TOKEN", false, "a malformed token");
    assert!(daemon.stop().success());

    let daemon = registry.rackd().flag("--rate-limit", "2/min").start();
    let request = question(Some("@open"));
    for _ in 0..2 {
        let answer = request.send(daemon.url()).expect("an answer");
        assert_eq!(answer.status, 204);
    }
    let answer = request.send(daemon.url()).expect("an answer");
    verify(
        &answer,
        403,
        "RATE_LIMIT_EXCEEDED",
        false,
        "the third in a minute",
    );
    assert!(answer.header("Retry-After").is_some());
}

fn question(namespace: Option<&str>) -> Request {
    let request = Request::get("/auth");
    match namespace {
        Some(namespace) => request.header("X-Rack-Namespace", namespace),
        None => request,
    }
}

/// The question with the token in either header.
fn with_credentials(question: &Request, token: Option<&str>) -> Vec<Request> {
    match token {
        None => vec![question.clone()],
        Some(token) => vec![
            question.clone().bearer(token),
            question.clone().header("X-Registry-Token", token),
        ],
    }
}

fn verify(answer: &Response, status: u16, code: &str, kept: bool, check: &str) {
    assert_eq!(answer.status, status, "{check}");
    assert_eq!(
        answer.header("X-Rack-Code").unwrap_or_default(),
        code,
        "{check}"
    );
    assert_eq!(
        answer.header("X-Accel-Expires"),
        (!kept).then_some("0"),
        "{check}"
    );
    assert_eq!(answer.header("Cache-Control"), Some("no-store"), "{check}");
    assert!(answer.header("X-Request-Id").is_some(), "{check}");
    assert_eq!(answer.header("WWW-Authenticate"), None, "{check}");
    assert!(answer.body.is_empty(), "{check}");
}
