//! Full, read-only and missing mounts.

use std::fs;
use std::path::PathBuf;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::http::Request;
use rack_tests::mount::Mount;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::tree::{assert_same, tree};
use rack_tests::{proved, rounds, wait};
use serde_json::json;

use super::{Day, access, both};

type Folder = fn(&Registry) -> PathBuf;

/// What they are called.
const FOLDERS: [(&str, Folder); 3] = [
    ("the public tree", Registry::public),
    ("the private tree", Registry::private),
    ("the state folder", Registry::state),
];

/// A day with one of the folders on a small file system; none where that is not allowed.
fn day(folder: Folder) -> Option<(Day, Mount)> {
    let registry = Registry::new(&access());
    let mount = Mount::tmpfs(&folder(&registry), "size=4m,nr_inodes=1500,mode=755");
    if mount.is_none() {
        println!("SKIPPED: full and missing disks: mounting a tmpfs is not allowed here");
    }
    Some((Day::begin(registry, 4), mount?))
}

#[test]
fn full_disks() {
    let mut random = Random::announced("the_operators_bad_day");
    let (mut builds, mut stopped) = (0, 0);
    for (what, folder) in FOLDERS {
        // Each on a new disk: what is published fills it in the end.
        for _ in 0..rounds(1, 6) {
            let Some((mut day, mount)) = day(folder) else {
                return;
            };
            let path = folder(&day.registry).display().to_string();
            is_full(&mut day, &mount, what, &path);
            for _ in 0..rounds(1, 10) {
                builds += 1;
                stopped += usize::from(is_nearly_full(&mut day, &mount, what, &mut random));
            }
        }
    }
    proved(
        "full disks change nothing",
        format!("{builds} builds on nearly full ones, {stopped} stopped; the next ones completed"),
    );
}

fn is_full(day: &mut Day, mount: &Mount, what: &str, path: &str) {
    day.registry.write_record_over();
    mount.fill(0);
    day.stops(&format!("{what} is full"), &[path, "No space left"]);
    mount.free();
    day.recovers(&format!("{what} was full"));
    day.registry.write_record_over();
    mount.fill_inodes(0);
    day.stops(&format!("{what} has no inodes left"), &[path]);
    mount.free();
    day.recovers(&format!("{what} had no inodes left"));
    mount.read_only(true);
    day.stops(&format!("{what} is read-only"), &[path, "ead-only"]);
    mount.read_only(false);
    day.recovers(&format!("{what} was read-only"));
}

/// There is room for some of what is to be written. Says whether it was too little.
fn is_nearly_full(day: &mut Day, mount: &Mount, what: &str, random: &mut Random) -> bool {
    match random.below(2) {
        0 => mount.fill(4096 * random.below(40) as usize),
        _ => mount.fill_inodes(random.below(20) as usize),
    }
    day.change();
    let before = tree(&day.registry.public());
    let run = day.registry.rackgen(&["build"]);
    let stopped = run.status != Some(0);
    if stopped {
        let run = run.exits(2);
        assert!(
            run.names(&[day.registry.root().to_str().expect("a path in UTF-8")]),
            "{what}: {run}"
        );
        let what = format!("{what}, nearly full: {run}");
        assert_same(&what, &before, &tree(&day.registry.public()));
    }
    mount.free();
    day.recovers(&format!("{what} was nearly full"));
    stopped
}

/// The daemon stops publishing, says so, and goes on when the tree is back: with that one, or with the next.
#[test]
fn a_tree_that_is_lost_under_a_daemon() {
    let mut random = Random::announced("the_operators_bad_day");
    for is_empty in [false, true] {
        let mut day = Day::begin(Registry::new(&access()), 2);
        let daemon = day.registry.rackd().unhurried().start();
        fs::rename(day.registry.private(), day.registry.root().join("aside"))
            .expect("a folder of ours");
        if is_empty {
            fs::create_dir(day.registry.private()).expect("a folder");
        }
        let public = tree(&day.registry.public());
        let release = Release::new("@team", "late", "1.0.0");
        let answer = daemon.publish(&release, ADMIN_TOKEN, &mut random);
        assert!(answer.status >= 500, "{}", answer.json());
        assert!(
            tree(&day.registry.private()).is_empty(),
            "a stranger's folder is written to"
        );
        assert_same("meanwhile", &public, &tree(&day.registry.public()));

        day.registry.build();
        let release = Release::new("@team", "later", "1.0.0");
        let answer = daemon.publish(&release, ADMIN_TOKEN, &mut random);
        assert_eq!(answer.status, 201, "{}", answer.json());
        let run = day.registry.rackgen(&["build"]).exits(0);
        assert!(
            run.stdout.contains(" 0 resources written"),
            "nobody doubts it any more: {run}"
        );
        daemon.stop();
        day.recovers("a tree was lost under a daemon");
    }
}

/// The daemon takes what is in its place for nothing that it is not: it writes nothing into it, builds nothing of it, says
/// so, and goes on when the source is back.
#[test]
fn a_source_that_is_lost_under_a_daemon() {
    let mut random = Random::announced("the_operators_bad_day");
    let other = Registry::new(&access());
    other.build();
    let put = |what: &str, registry: &Registry| {
        if what != "nothing" {
            fs::create_dir(registry.source()).expect("a folder");
        }
        if what == "another registry's source" {
            let marker = other.source().join(".rack-id");
            fs::copy(marker, registry.source().join(".rack-id")).expect("a copy");
        }
    };
    for what in ["nothing", "an empty folder", "another registry's source"] {
        let mut day = Day::begin(Registry::new(&access()), 2);
        let registry = &day.registry;
        let daemon = registry.rackd().unhurried().start();
        let there = Release::new("@open", "item-0", "1.0.0");
        let existing = |random: &mut Random| {
            let other = there.clone().file("other.ts", "// other bytes\n");
            daemon.publish(&other, ADMIN_TOKEN, random)
        };
        assert_eq!(existing(&mut random).status, 409, "{what}");
        let both_before = both(registry);
        fs::rename(registry.source(), registry.root().join("aside")).expect("a folder of ours");
        put(what, registry);

        let health = || {
            Request::get("/health")
                .send(daemon.url())
                .expect("an answer")
        };
        let answer = health();
        assert_eq!(answer.status, 503, "{what}: {}", answer.json());
        let yank = Request::new("PUT", "/registries/@open/features/item-0/1.0.0/yank")
            .bearer(ADMIN_TOKEN)
            .send(daemon.url());
        for answer in [existing(&mut random), yank.expect("an answer")] {
            let what = format!("{what}: {}", answer.json());
            assert_eq!(
                (answer.status, &*answer.code()),
                (503, "UNAVAILABLE"),
                "{what}"
            );
        }
        registry.write_access(json!({ "@open": [], "@new": [] }).to_string());
        wait::until("a build that failed", wait::LONG, || {
            let checks = &health().json()["checks"];
            let message = checks["build"]["message"].as_str()?;
            message.contains(".rack-id").then_some(())
        });
        assert_same(what, &both_before, &both(registry));
        let written: Vec<_> = fs::read_dir(registry.source())
            .into_iter()
            .flatten()
            .map(|entry| entry.expect("an entry").file_name())
            .filter(|name| name != ".rack-lock" && name != ".rack-id")
            .collect();
        assert!(written.is_empty(), "{what}: {written:?}");

        if what != "nothing" {
            fs::remove_dir_all(registry.source()).expect("a folder of ours");
        }
        fs::rename(registry.root().join("aside"), registry.source()).expect("a folder of ours");
        registry.write_access(access().to_string());
        wait::until("all is well", wait::LONG, || {
            (health().json()["status"] == "ok").then_some(())
        });
        assert_eq!(existing(&mut random).status, 409, "{what}");
        let later = Release::new("@open", "later", "1.0.0");
        let answer = daemon.publish(&later, ADMIN_TOKEN, &mut random);
        assert_eq!(answer.status, 201, "{what}: {}", answer.json());
        daemon.stop();
        day.recovers(what);
    }
}

#[test]
fn an_unmounted_private_tree() {
    let Some((mut day, mount)) = day(Registry::private) else {
        return;
    };
    let public = tree(&day.registry.public());
    drop(mount);
    // Nothing tells an empty mount point from a tree that was lost: it is made anew.
    day.recovers("the private tree is not mounted");
    assert_same("meanwhile", &public, &tree(&day.registry.public()));
}
