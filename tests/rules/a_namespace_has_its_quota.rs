//! `max_items` and `max_bytes` of `[limits]`: a namespace that is full takes no more, others do; what counts is what
//! is served, whoever put it there or took it away, and whichever record was lost meanwhile.

use std::fs;

use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::http::Response;
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use serde_json::json;

fn item(name: &str, version: &str, bytes: usize) -> Release {
    Release::new("@open", name, version).file("a.bin", vec![b'a'; bytes])
}

fn is_full(answer: &Response, reason: &str) {
    let document = answer.json();
    assert_eq!(
        (answer.status, &document["code"]),
        (507, &json!("STORAGE_FULL")),
        "{document}"
    );
    assert_eq!(document["reason"], reason, "{document}");
}

#[test]
fn a_namespace_has_its_quota() {
    let mut random = Random::announced("a_namespace_has_its_quota");
    let registry = Registry::new(&json!({ "@open": [], "@other": [] }));
    let limits = "[limits]\nmax_items = 2\nmax_bytes = \"100kB\"\n";
    fs::write(registry.root().join("rack.toml"), limits).expect("a file");
    registry.put(&item("by-hand", "1.0.0", 10_000));
    let publish = |daemon: &Rackd, release: &Release, random: &mut Random| {
        daemon.publish(release, ADMIN_TOKEN, random)
    };

    let daemon = registry.rackd().unhurried().start();
    assert_eq!(
        publish(&daemon, &item("uploaded", "1.0.0", 10_000), &mut random).status,
        201
    );
    is_full(
        &publish(&daemon, &item("third", "1.0.0", 1), &mut random),
        "max_items",
    );
    let dry = Upload::new(Archive::pack(&item("third", "1.0.0", 1), &mut random)).dry_run();
    is_full(
        &dry.request()
            .bearer(ADMIN_TOKEN)
            .send(daemon.url())
            .expect("an answer"),
        "max_items",
    );
    let elsewhere = Release::new("@other", "item", "1.0.0");
    assert_eq!(publish(&daemon, &elsewhere, &mut random).status, 201);
    // A new version is no new item.
    assert_eq!(
        publish(&daemon, &item("uploaded", "1.1.0", 60_000), &mut random).status,
        201
    );
    let large = item("uploaded", "1.2.0", 30_000);
    is_full(&publish(&daemon, &large, &mut random), "max_bytes");
    // What is there is there.
    assert_eq!(
        publish(&daemon, &item("uploaded", "1.1.0", 60_000), &mut random).status,
        409
    );

    // A hand makes room, and a build tells.
    fs::remove_dir_all(registry.source().join("@open/features/by-hand")).expect("a folder");
    registry.build();
    assert_eq!(
        publish(&daemon, &item("third", "1.0.0", 1), &mut random).status,
        201
    );
    is_full(&publish(&daemon, &large, &mut random), "max_bytes");
    let gone = "@open/features/uploaded@1.1.0";
    registry
        .rackgen(&["remove", gone, "--reason", "to make room"])
        .exits(0);
    assert_eq!(publish(&daemon, &large, &mut random).status, 201);
    assert_eq!(
        publish(&daemon, &item("uploaded", "1.3.0", 50_000), &mut random).status,
        201
    );

    // The count of a record that is made anew is the same.
    assert_eq!(daemon.stop().code(), Some(0));
    fs::remove_file(registry.state().join("record.db")).expect("a record");
    let daemon = registry.rackd().unhurried().start();
    is_full(
        &publish(&daemon, &item("uploaded", "1.4.0", 8_000), &mut random),
        "max_bytes",
    );
    is_full(
        &publish(&daemon, &item("fourth", "1.0.0", 1), &mut random),
        "max_items",
    );
    assert_eq!(
        publish(&daemon, &item("uploaded", "1.4.0", 1_000), &mut random).status,
        201
    );
}
