//! What was told as done is in the item's log for good, also where no document shows it.

use std::fs;
use std::process::Command;

use rack_tests::binaries;
use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::random::Random;
use rack_tests::receiver::Receiver;
use rack_tests::registry::{Registry, Run};
use rack_tests::release::Release;
use serde_json::json;

const ITEM: &str = "@open/features/item";

#[test]
fn a_change_that_is_told_lasts() {
    let mut random = Random::announced("a_change_that_is_told_lasts");
    let registry = Registry::new(&json!({ "@open": [] }));
    let releases = ["1.0.0", "2.0.0"].map(|version| Release::new("@open", "item", version));
    let daemon = registry.rackd().start();
    for release in &releases {
        let answer = daemon.publish(release, ADMIN_TOKEN, &mut random);
        assert_eq!(answer.status, 201, "{}", answer.json());
    }
    daemon.stop();
    let folder = |release: &Release| registry.source().join(release.address());
    fs::write(folder(&releases[0]).join("registry.json"), "{").expect("a file");
    fs::remove_dir_all(folder(&releases[1])).expect("a folder of ours");
    let build = registry.rackgen(&["build", "--allow-removals"]);
    assert!(build.names(&["item/1.0.0"]), "{build}");

    // Neither can be served, so the trees stay as they are.
    for (verb, version) in [("yank", "1.0.0"), ("remove", "2.0.0")] {
        let args = [
            verb,
            &format!("{ITEM}@{version}"),
            "--reason",
            "nobody can read it",
        ];
        let calls = traced(&registry, "write,syncfs", &args);
        let (_, after) = calls
            .rsplit_once("releases.jsonl>")
            .expect("an event is appended");
        assert!(after.contains("syncfs("), "{calls}");
    }
}

/// Whoever is told twice knows it by the number, so a power cut may not leave none.
#[test]
fn a_number_of_an_announcement_lasts() {
    let registry = Registry::open_and_gated();
    let receiver = Receiver::willing();
    registry.write_webhooks(&[receiver.entry("a secret of the listener", &["version.yanked"])]);
    registry.rackd().start().stop();
    let args = ["yank", &format!("{ITEM}@1.0.0")];
    let calls = traced(&registry, "fsync", &args);
    // It gets its name then.
    assert!(calls.contains("/state/webhooks/.rack-"), "{calls}");
}

/// What a successful run of `rackgen` asked the system for, of these calls.
fn traced(registry: &Registry, calls: &str, args: &[&str]) -> String {
    let log = registry.root().join("strace");
    let mut strace = Command::new("strace");
    registry.lend(&mut strace);
    strace
        .current_dir(registry.root())
        .args(["-f", "-qq", "-y", "-e", &format!("trace={calls}"), "-o"])
        .arg(&log)
        .arg(binaries::rackgen())
        .args(args);
    Run::of(strace).exits(0);
    fs::read_to_string(&log).expect("what strace saw")
}
