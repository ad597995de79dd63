//! `rackgen publish` and `rackgen yank --url` send again what a broken line or a busy server left open, say so, and end
//! as if nothing had been; what a server has decided is asked once.

use std::fs;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::line::{Fault, Line};
use rack_tests::registry::{Registry, Run};
use rack_tests::release::Release;
use serde_json::{Value, json};

const BUSY: &str = "HTTP/1.1 503 Busy\r\nConnection: close\r\nRetry-After: 0\r\nContent-Length: 50\r\n\r\n\
    {\"code\":\"UNAVAILABLE\",\"message\":\"come back later\"}";
/// An answer that stops before its end.
const SHORT: &str =
    "HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: 500\r\n\r\n{\"path\":";
/// An answer about something else than was sent.
const OTHER: &str = "HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: 37\r\n\r\n{\"path\":\"@open/features/other/1.0.0\"}";
const TIRED: &str =
    "HTTP/1.1 504 Gateway Timeout\r\nConnection: close\r\nContent-Length: 5\r\n\r\n<html";
const LATER: &str =
    "HTTP/1.1 429 Slow\r\nConnection: close\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n";

/// Runs the command at the other end of a line, with a token that it never prints.
fn run(registry: &Registry, line: &Line, args: &[&str]) -> Run {
    let token = registry.root().join("token");
    fs::write(&token, ADMIN_TOKEN).expect("a file");
    let token = token.to_str().expect("a path in UTF-8");
    let url = line.url();
    let run = registry.rackgen(&[args, &["--url", &url, "--token-file", token]].concat());
    assert!(!run.to_string().contains(ADMIN_TOKEN), "{run}");
    run
}

#[test]
fn what_may_pass_is_tried_again() {
    let registry = Registry::new(&json!({ "@open": [] }));
    let release = Release::new("@open", "item", "1.0.0").file("a.bin", vec![7; 300_000]);
    release.put_at(registry.root(), "item");
    let daemon = registry.rackd().unhurried().start();

    let faults = [
        Fault::Reset,
        Fault::Answer(BUSY),
        Fault::Answer(SHORT),
        Fault::AnswerLost,
    ];
    let line = Line::to(daemon.address(), faults);
    let published = run(&registry, &line, &["publish", "item", "--format", "json"]).exits(0);
    let answer: Value = serde_json::from_str(&published.stdout).expect("JSON");
    assert_eq!(answer["outcome"], "identical", "{published}");
    let live = format!("{}/registries/@open/features/item/1.0.0", line.url());
    assert_eq!(answer["url"], live, "{published}");
    let digest = answer["digest"].as_str().expect("a digest");
    let log = registry.source().join("@open/features/item/releases.jsonl");
    let log = fs::read_to_string(log).expect("a log");
    assert!(log.contains(digest), "{digest}\n{log}");
    assert_eq!(
        published.stderr.matches("trying again in").count(),
        4,
        "{published}"
    );
    // `Retry-After: 0` is no leave to ask at once.
    assert!(!published.stderr.contains("in 0.0 s"), "{published}");
    let busy = "503 UNAVAILABLE: come back later";
    assert!(published.names(&["/registries: ", busy]), "{published}");
    assert_eq!(line.requests().len(), 4);

    let line = Line::to(daemon.address(), [Fault::Answer(OTHER)]);
    let mistaken = run(&registry, &line, &["publish", "item"]).exits(2);
    assert!(mistaken.names(&["no registry"]), "{mistaken}");

    let yank = ["yank", "@open/features/item@1.0.0", "--reason", "x"];
    let line = Line::to(daemon.address(), [Fault::AnswerLost, Fault::Answer(TIRED)]);
    let yanked = run(&registry, &line, &yank).exits(0);
    assert_eq!(yanked.stdout, "@open/features/item/1.0.0 is yanked (x)\n");
    assert!(yanked.names(&["504", "trying again in"]), "{yanked}");
}

#[test]
fn what_is_decided_is_asked_once() {
    let registry = Registry::new(&json!({ "@open": [] }));
    Release::new("@nowhere", "item", "1.0.0").put_at(registry.root(), "item");
    let daemon = registry.rackd().unhurried().start();

    let line = Line::to(daemon.address(), []);
    let refused = run(&registry, &line, &["publish", "item"]).exits(2);
    assert!(
        refused.names(&["rackgen: ", "403 NAMESPACE_NOT_ALLOWED: "]),
        "{refused}"
    );
    // Nobody waits an hour.
    let hour = Line::to(daemon.address(), [Fault::Answer(LATER)]);
    let refused = run(&registry, &hour, &["publish", "item"]).exits(2);
    assert!(
        refused.names(&["rackgen: ", "429", "wait 3600 s"]),
        "{refused}"
    );
    let moved = "HTTP/1.1 308 Moved\r\nLocation: http://127.0.0.1:1/\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let elsewhere = Line::to(daemon.address(), [Fault::Answer(moved)]);
    let refused = run(&registry, &elsewhere, &["publish", "item"]).exits(2);
    assert!(
        refused.names(&["308 to `http://127.0.0.1:1/`", "not followed"]),
        "{refused}"
    );
    for line in [line, hour, elsewhere] {
        assert_eq!(line.requests(), ["POST /registries HTTP/1.1"]);
    }
}
