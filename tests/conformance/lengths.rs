//! Lengths in bytes (protocol.md, "Names"): the longest that is a name, where nothing is found, and one more, which
//! is no name.

use rack_tests::http::Request;

use crate::expect::Expect;
use crate::suite::Suite;

/// What is made longer, the limit, what stands in front of it, how it is made, and what is found at the limit.
type Limit = (
    &'static str,
    usize,
    &'static str,
    fn(usize) -> String,
    Expect,
);

/// Asks on both sides of every limit.
pub(crate) fn run(suite: &mut Suite) {
    const FILES: &str = "/registries/@open/features/auth/1.0.0/files/";
    let nothing = || Expect::error(404, "NOT_FOUND");
    let undeclared = Expect::error(403, "FORBIDDEN_NAMESPACE");
    let letters: fn(usize) -> String = |n| "a".repeat(n);
    let limits: [Limit; 6] = [
        (
            "a namespace",
            64,
            "/registries/",
            |n| format!("@{}/x", "a".repeat(n - 1)),
            undeclared,
        ),
        ("a segment", 64, "/registries/@open/", letters, nothing()),
        (
            "segments",
            8,
            "/registries/@open",
            |n| "/a".repeat(n),
            nothing(),
        ),
        (
            "a version",
            128,
            "/registries/@open/features/auth/",
            |n| format!("1.0.0-{}", "a".repeat(n - 6)),
            nothing(),
        ),
        ("a file's segment", 128, FILES, letters, nothing()),
        ("a file's path", 512, FILES, short_segments, nothing()),
    ];
    for (what, limit, front, make, at_limit) in limits {
        let request = |length| Request::get(&format!("{front}{}", make(length)));
        suite.ask(
            &format!("lengths: {what}, {limit}"),
            &request(limit),
            &at_limit,
        );
        suite.ask(
            &format!("lengths: {what}, {}", limit + 1),
            &request(limit + 1),
            &Expect::error(400, "INVALID_PATH"),
        );
    }
    suite.ask(
        "lengths: a request line of 20,000 bytes",
        &Request::get(&format!("/registries/@open{}", "/a".repeat(10_000))),
        &Expect::error(414, "URI_TOO_LONG"),
    );
}

/// A path of that many bytes, in segments of 63.
fn short_segments(length: usize) -> String {
    let byte = |n| if n % 64 == 62 { '/' } else { 'a' };
    (0..length).map(byte).collect()
}
