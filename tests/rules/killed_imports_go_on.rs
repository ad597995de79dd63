//! A killed import goes on where it was when it is run again, and ends where one ends that nobody disturbed. A daemon
//! that starts meanwhile does not take its work away.

use std::fs;
use std::sync::{Arc, Barrier};
use std::time::Instant;

use rack_tests::origin::{Answer, Origin};
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::tree::{assert_same, contents};
use rack_tests::{proved, rounds, wait};
use serde_json::{Value, json};

#[test]
fn killed_imports_go_on() {
    let mut random = Random::announced("killed_imports_go_on");
    let access = json!({ "@open": [], "@more": [] });
    let origin = Registry::new(&access);
    Release::many("@open", 8)
        .chain(Release::many("@more", 2))
        .for_each(|release| origin.put(&release));
    let daemon = origin.rackd().unhurried().start();
    let folder = origin.source().display().to_string();
    for from in [&folder, daemon.url()] {
        let args = ["import", "--from", from];
        let undisturbed = Registry::new(&access);
        let start = Instant::now();
        undisturbed.rackgen(&args).exits(0);
        let usual = start.elapsed();

        let killed = Registry::new(&access);
        let (mut kills, wanted) = (0, rounds(3, 40));
        for _ in 0..wanted {
            kills += usize::from(killed.kill_rackgen(&args, random.moment(usual)));
        }
        killed.rackgen(&args).exits(0);
        assert_same(from, &state(&undisturbed), &state(&killed));
        let left: Vec<_> = fs::read_dir(killed.source().join(".staging"))
            .expect("a folder")
            .collect();
        assert!(left.is_empty(), "{left:?}");
        proved("killed imports go on", format!("{kills} kills"));
    }
}

#[test]
fn a_starting_daemon_leaves_a_running_import_alone() {
    let release = Release::new("@open", "slow", "1.0.0")
        .file("a.txt", "a\n")
        .file("b.txt", "b\n");
    let url = release.url();
    // One file is there, and the other is not until the daemon has started.
    let (asked, go_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (asked_there, go_on_there) = (asked.clone(), go_on.clone());
    let origin = Origin::start(move |target, _| match target.strip_prefix(&url) {
        Some("") => Answer::ok(release.manifest()),
        Some("/files/a.txt") => Answer::ok("a\n"),
        Some("/files/b.txt") => {
            asked_there.wait();
            go_on_there.wait();
            Answer::ok("b\n")
        }
        _ => match target {
            "/namespaces" => Answer::json(&json!({ "namespaces": ["@open"] })),
            "/namespaces/@open/registries" => {
                Answer::json(&json!({ "registries": ["features/slow"] }))
            }
            _ => Answer::json(&json!({ "versions": ["1.0.0"] })),
        },
    });
    let registry = Registry::new(&json!({ "@open": [] }));
    fs::create_dir_all(registry.source().join(".staging/left-by-a-kill/contents"))
        .expect("a folder");
    let mut import = registry.start_rackgen(&["import", "--from", &origin.url()]);
    asked.wait();
    let daemon = registry.rackd().start();
    let staged = fs::read_dir(registry.source().join(".staging")).expect("a folder");
    assert_eq!(
        staged.count(),
        1,
        "what a kill left is gone, what is in use is not"
    );
    go_on.wait();
    let status = wait::until("the import", wait::LONG, || {
        import.try_wait().expect("a child")
    });
    assert_eq!(status.code(), Some(0), "{}", daemon.logged());
    assert!(
        registry
            .source()
            .join("@open/features/slow/1.0.0/b.txt")
            .is_file()
    );
}

/// The source tree without the times in its logs: of what tells no time, the time of the import counts.
fn state(registry: &Registry) -> std::collections::BTreeMap<String, String> {
    let mut state = contents(&registry.source());
    for (path, hash) in &mut state {
        if path.ends_with("releases.jsonl") {
            let log = fs::read_to_string(registry.source().join(path)).expect("a log");
            let events = log.lines().map(|line| {
                let mut event: Value = serde_json::from_str(line).expect("an event");
                event["time"].take();
                event.to_string()
            });
            *hash = events.collect::<Vec<_>>().join("\n");
        }
    }
    state
}
