//! What nginx hands to the daemon as a question has no body: nginx would store one before it asks, of anybody and as
//! long as they like. Nor does it wait long for the answer, which the daemon has at once.

use rack_tests::canaries::{TOKEN, front};
use rack_tests::http::{Request, send_raw};
use rustix::process::Signal;

const QUESTIONS: [&str; 5] = [
    "/health",
    "/whoami",
    "/openapi.json",
    "/namespaces",
    "/tokens",
];

#[test]
fn questions_have_no_body() {
    let front = front();
    // More than is kept in memory, and no end to it: an answer comes before one, or not at all.
    let begun = "x".repeat(64 << 10);
    for target in QUESTIONS {
        for (length, start) in [
            ("Content-Length: 314572800", ""),
            ("Transfer-Encoding: chunked", "12c00000\r\n"),
        ] {
            let request = format!(
                "GET {target} HTTP/1.1\r\nHost: x\r\nX-Registry-Token: {TOKEN}\r\n{length}\r\n\r\n{start}{begun}"
            );
            let answer = send_raw(&front.nginx.url(), request.as_bytes())
                .unwrap_or_else(|fault| panic!("{target}, {length}: {fault}"));
            assert_eq!(
                (answer.status, &*answer.code()),
                (413, "PAYLOAD_TOO_LARGE"),
                "{target}, {length}"
            );
        }
    }
}

#[test]
fn questions_are_not_waited_for_long() {
    let front = front();
    front.daemon.signal(Signal::STOP);
    let url = front.nginx.url();
    let asked = QUESTIONS.map(|target| {
        let request = Request::get(target).bearer(TOKEN);
        (target, request.open(&url).expect("a connection"))
    });
    for (target, exchange) in asked {
        let answer = exchange
            .finish()
            .unwrap_or_else(|fault| panic!("{target}: {fault}"));
        assert_eq!(
            (answer.status, &*answer.code()),
            (503, "UNAVAILABLE"),
            "{target}"
        );
    }
}
