//! Every archive of the table in hostile-archives.md is refused with its status, code and reason, and nothing is left of
//! it: no byte in source, trees and state but its line of the audit log, none in the staging folder, no open file in the daemon.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::hostile::{LIMITS, archives, release};
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::proved;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::tree::assert_same;
use rack_tests::wait;
use serde_json::json;
use walkdir::WalkDir;

#[test]
fn no_hostile_archive_leaves_a_trace() {
    let registry = Registry::new(&json!({ "@open": [], "@team": [{ "token": "some-word" }] }));
    registry.put(&Release::new("@team", "secret", "1.0.0"));
    fs::write(registry.root().join("rack.toml"), LIMITS).expect("a file");
    registry.build();
    // What is opened and made once, at the first publish; its connection closes after the answer has arrived, and its
    // intent goes with the barrier that follows it.
    let daemon = registry.warm_rackd(&mut Random::seeded(0));
    wait::until("the end of a connection", wait::LONG, || {
        (connections(&daemon) == 0).then_some(())
    });
    let intents = registry.state().join("intents");
    wait::until("the barrier after a publish", wait::LONG, || {
        let mut left = fs::read_dir(&intents).expect("a folder");
        left.next().is_none().then_some(())
    });

    let (before, open) = (everything(&registry), descriptors(&daemon));
    let (mut faults, mut refused) = (Vec::new(), 0);
    for case in archives() {
        let upload = Upload::new(Archive::of(case.bytes)).request();
        let answer = upload.bearer(ADMIN_TOKEN).send(daemon.url());
        let answer = answer.expect("an answer");
        let body = answer.json();
        let reason = body["reason"].as_str().unwrap_or("none");
        let code = answer.code();
        if (answer.status, &*code, reason) != case.answer {
            faults.push(format!(
                "{}: {:?} expected: {body}",
                case.shape, case.answer
            ));
        }
        let closed = wait::within(wait::LONG, || (descriptors(&daemon) == open).then_some(()));
        assert!(
            closed.is_some(),
            "{}: {:?}",
            case.shape,
            descriptors(&daemon)
        );
        assert_same(&case.shape, &before, &everything(&registry));
        refused += 1;
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(!registry.source().join(release().address()).exists());
    proved(
        "hostile archives leave no trace",
        format!("{refused} refused, each with its code and reason"),
    );
}

/// Path → mode, and for what is no folder which file it is, its size and when it was last touched in any way.
type Everything = BTreeMap<String, (u32, Option<(u64, u64, i64, i64)>)>;

/// All folders of the registry but the daemon's log and the audit log, links not followed.
fn everything(registry: &Registry) -> Everything {
    let logs = [registry.logs(), registry.state().join("audit.jsonl")];
    WalkDir::new(registry.root())
        .into_iter()
        .map(|entry| entry.expect("the registry can be walked"))
        .filter(|entry| !logs.iter().any(|log| entry.path().starts_with(log)))
        .map(|entry| {
            let found = fs::symlink_metadata(entry.path()).expect("a file's metadata");
            let file = (found.ino(), found.len(), found.ctime(), found.ctime_nsec());
            let file = (!found.is_dir()).then_some(file);
            (entry.path().display().to_string(), (found.mode(), file))
        })
        .collect()
}

/// Number → what the daemon has open under it.
fn descriptors(daemon: &Rackd) -> BTreeMap<String, PathBuf> {
    let folder = format!("/proc/{}/fd", daemon.id());
    fs::read_dir(folder)
        .expect("/proc is there")
        .map(|entry| entry.expect("an open file").path())
        // One that was closed since is not open.
        .filter_map(|path| Some((path.display().to_string(), fs::read_link(&path).ok()?)))
        .collect()
}

/// How many clients it is connected with. What it listens on is none, nor is a socket between its own threads.
fn connections(daemon: &Rackd) -> usize {
    const LISTENS: &str = "0A";
    let open = descriptors(daemon);
    let table = fs::read_to_string(format!("/proc/{}/net/tcp", daemon.id()));
    let table = table.expect("/proc is there");
    let is_connected = |line: &&str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let socket = PathBuf::from(format!("socket:[{}]", columns[9]));
        columns[3] != LISTENS && open.values().any(|held| *held == socket)
    };
    table.lines().skip(1).filter(is_connected).count()
}
