//! `rackd --check` finds what would keep a daemon from starting, and nothing else happens: no tree is built, no daemon
//! that runs is in its way, or it in the daemon's.

use std::fs;

use rack_tests::http::Request;
use rack_tests::registry::{Registry, Run};
use rack_tests::release::Release;
use rack_tests::tree::tree;
use serde_json::json;

#[test]
fn a_check_starts_nothing() {
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.put(&Release::new("@open", "good", "1.0.0"));
    all_is_well(&check(&registry, &[]));
    assert!(tree(&registry.public()).is_empty());

    let daemon = registry.rackd().start();
    let folders = [registry.source(), registry.public(), registry.state()];
    let before = folders.each_ref().map(|folder| tree(folder));
    all_is_well(&check(&registry, &[]));
    assert!(folders.each_ref().map(|folder| tree(folder)) == before);
    let answer = Request::get("/health").send(daemon.url());
    assert_eq!(answer.expect("an answer").status, 200);
    assert!(daemon.stop().success());
}

#[test]
fn a_check_finds_what_keeps_a_daemon_from_starting() {
    for (setting, value) in [
        ("--log-level", "loud"),
        ("--rate-limit", "many"),
        ("--max-upload", "much"),
        ("--source", "nosuch"),
    ] {
        let registry = Registry::new(&json!({ "@open": [] }));
        let run = check(&registry, &[(setting, value)]).exits(2);
        let is_one_line = run.stderr.trim().lines().count() == 1;
        assert!(is_one_line && run.names(&[value]), "{run}");
    }
    let registry = Registry::new(&json!({ "@open": [] }));
    let run = registry.rackd().switch("--check").admin_token("").refuse();
    assert!(run.exits(2).names(&["RACK_ADMIN_TOKEN"]));
    registry.write_access("{");
    assert!(check(&registry, &[]).exits(2).names(&["access.json"]));
    fs::remove_file(registry.access()).expect("a file of ours");
    assert!(check(&registry, &[]).exits(2).names(&["access.json"]));
}

/// The daemon serves the others, so it may start; but who looks is told.
#[test]
fn a_check_names_a_namespace_that_is_not_served() {
    let registry = Registry::new(&json!({
        "@open": [],
        "@late": [{ "token": "a", "expiresAt": "next week" }],
    }));
    let run = check(&registry, &[]).exits(0);
    assert!(run.names(&["access file", "@late"]), "{run}");
    assert!(!run.stdout.contains("all is well"), "{run}");
}

fn check(registry: &Registry, flags: &[(&str, &str)]) -> Run {
    let rackd = registry.rackd().switch("--check");
    let rackd = flags
        .iter()
        .fold(rackd, |rackd, (name, value)| rackd.flag(name, value));
    rackd.refuse()
}

fn all_is_well(run: &Run) {
    assert_eq!(run.status, Some(0), "{run}");
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(
        matches!(lines[..], [line] if line.starts_with("all is well")),
        "{run}"
    );
    assert!(run.stderr.is_empty(), "{run}");
}
