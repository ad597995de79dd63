//! `rackgen doctor` finds no fault with a sound registry, used or new, and changes nothing: no folder, no lock, no time.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::tree::assert_same;
use rack_tests::wait;
use serde_json::json;
use walkdir::WalkDir;

#[test]
fn doctor_changes_nothing() {
    let mut random = Random::announced("doctor_changes_nothing");
    let new = Registry::new(&json!({ "@open": [] }));
    let used = Registry::open_and_gated();
    let daemon = used.rackd().start();
    let late = Release::new("@open", "late", "1.0.0");
    assert_eq!(daemon.publish(&late, ADMIN_TOKEN, &mut random).status, 201);
    // The publish has its barrier when nothing follows it, and its intent goes.
    wait::until("the daemon to be done", wait::LONG, || {
        let mut intents = fs::read_dir(used.state().join("intents")).expect("a folder");
        intents.next().is_none().then_some(())
    });

    for registry in [&new, &used] {
        let before = everything(registry);
        let text = registry.rackgen(&["doctor"]).exits(0);
        let json = registry.rackgen(&["doctor", "--format", "json"]).exits(0);
        assert_same("after it", &before, &everything(registry));
        assert!(!text.stdout.contains("fault  "), "{text}");
        let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("a document");
        assert_eq!(json["faults"], 0, "{json:#}");
        let lines = json["findings"].as_array().expect("a list").len();
        assert_eq!(text.stdout.lines().count(), lines + 1, "{text}");
    }
    let holder = format!("rackd (process {})", daemon.id());
    let text = used.rackgen(&["doctor"]).exits(0);
    assert!(text.stdout.contains(&holder), "no {holder} in {text}");
}

/// Path → what `stat` says, but for when it was read.
fn everything(registry: &Registry) -> BTreeMap<String, String> {
    let entries = WalkDir::new(registry.root()).into_iter().map(|entry| {
        let path = entry.expect("a tree that can be walked").into_path();
        let data = fs::symlink_metadata(&path).expect("a file's metadata");
        let times = (
            data.mtime(),
            data.mtime_nsec(),
            data.ctime(),
            data.ctime_nsec(),
        );
        let facts = format!(
            "{:?} {:o} {} {times:?}",
            data.ino(),
            data.mode(),
            data.len()
        );
        (path.display().to_string(), facts)
    });
    // What the daemon logs meanwhile is no change of the registry.
    let logs = registry.root().join("logs").display().to_string();
    entries
        .filter(|(path, _)| !path.starts_with(&logs))
        .collect()
}
