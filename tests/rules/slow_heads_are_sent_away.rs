//! The head of a request has `header_time` of `[limits]` to arrive, at the daemon and at nginx; who is slower is sent
//! away. One that is too long is refused by both.

use std::fs;
use std::time::{Duration, Instant};

use rack_tests::http::{open_raw, send_raw};
use rack_tests::registry::Registry;

/// Much less than either would wait by itself.
const DEADLINE: Duration = Duration::from_secs(5);

#[test]
fn slow_heads_are_sent_away() {
    let registry = Registry::open_and_gated();
    let limits = "[limits]\nheader_time = 1\n";
    fs::write(registry.root().join("rack.toml"), limits).expect("a file");
    let daemon = registry.rackd().behind_a_proxy().unhurried().start();
    let nginx = registry.nginx().unhurried().daemon(&daemon).start();
    let start = Instant::now();
    let begun = b"GET /registries/@open/features/item HTTP/1.1\r\nHost: a\r\n";
    let slow = [daemon.url(), &nginx.url()].map(|url| open_raw(url, begun).expect("a connection"));
    let [from_daemon, from_nginx] = slow.map(|mut exchange| exchange.rest());
    assert!(start.elapsed() < DEADLINE, "{:?}", start.elapsed());
    assert!(
        from_daemon.starts_with(b"HTTP/1.1 408 "),
        "{}",
        from_daemon.escape_ascii()
    );
    assert!(from_nginx.is_empty(), "{}", from_nginx.escape_ascii());

    // docs/deploy.md, "Limits", says how much each takes.
    for (url, length, status) in [
        (daemon.url(), 120 << 10, 200),
        (daemon.url(), 200 << 10, 431),
        (&nginx.url(), 7 << 10, 200),
        (&nginx.url(), 9 << 10, 400),
    ] {
        let head = format!(
            "GET /registries/@open/features/item HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Long: {}\r\n\r\n",
            "a".repeat(length)
        );
        let answer = send_raw(url, head.as_bytes()).expect("an answer");
        assert_eq!(answer.status, status, "{url} {length}");
    }
}
