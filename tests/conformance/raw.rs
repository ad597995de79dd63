//! What is no HTTP: refused, and never with a page. The embedded server's library answers before any code of
//! ours, without a body; where there is one, it is JSON like every other error (protocol.md, "Errors").

use rack_tests::http::{Request, send_raw};

use crate::expect::Expect;
use crate::invariants;
use crate::suite::Suite;

/// Runs the cases.
pub(crate) fn run(suite: &mut Suite) {
    let long = format!(
        "GET /health HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n",
        "a".repeat(300_000)
    );
    let cases: [(&str, &[u8]); 6] = [
        ("plain words", b"hello there\r\n\r\n"),
        ("a header without a colon", b"GET /health HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n"),
        ("a space in the path", b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("a NUL in a header", b"GET /health HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n"),
        (
            "two lengths",
            b"POST /registries HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        ),
        ("a header of 300,000 bytes", long.as_bytes()),
    ];
    for (name, bytes) in cases {
        suite.check(&format!("raw: {name}"), |target| {
            let response = send_raw(&target.url, bytes)?;
            let mut problems = Vec::new();
            if ![400, 431].contains(&response.status) {
                problems.push(format!(
                    "status: expected 400 or 431, got {}",
                    response.status
                ));
            }
            if !response.body.is_empty() {
                let request = Request::new("RAW", "");
                let expect = Expect::error(400, "BAD_REQUEST");
                problems.extend(expect.problems(&response, &request, target));
                problems.extend(invariants::problems(&response, &request, target));
            }
            Ok(problems)
        });
    }
}
