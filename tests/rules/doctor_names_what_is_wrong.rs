//! `rackgen doctor` names each of the things that go wrong on real hosts: one line that says what it is about.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::lock::HeldLock;
use rack_tests::random::Random;
use rack_tests::registry::{Registry, Run};
use rack_tests::release::Release;
use rustix::process::geteuid;
use serde_json::json;

/// A line of the output has all these words, and starts with this status.
#[track_caller]
fn says(run: &Run, status: &str, words: &[&str]) {
    let fits =
        |line: &str| line.starts_with(status) && words.iter().all(|word| line.contains(word));
    assert!(
        run.stdout.lines().any(fits),
        "no {status} with {words:?}: {run}"
    );
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

#[test]
fn doctor_names_folders_that_do_not_belong_together() {
    let (registry, other) = (Registry::open_and_gated(), Registry::open_and_gated());
    let run = registry
        .rackgen(&["doctor", "--state", path(&other.state())])
        .exits(1);
    says(&run, "fault", &[path(&other.state()), "another registry"]);
    assert_eq!(run.stdout.matches("another registry").count(), 1, "{run}");

    let (public, private) = (registry.public(), registry.private());
    let swapped = [
        "doctor",
        "--public",
        path(&private),
        "--private",
        path(&public),
    ];
    let run = registry.rackgen(&swapped).exits(1);
    says(&run, "fault", &[path(&public), "swapped"]);

    let inside = registry.public().join("state");
    let run = registry
        .rackgen(&["doctor", "--state", path(&inside)])
        .exits(1);
    says(&run, "fault", &["inside the public folder"]);
    let run = registry
        .rackgen(&["doctor", "--source", "/nowhere/at/all"])
        .exits(1);
    says(&run, "fault", &["/nowhere/at/all", "not there"]);
    fs::remove_file(registry.source().join(".rack-id")).expect("a marker");
    let run = registry.rackgen(&["doctor"]).exits(1);
    says(
        &run,
        "fault",
        &[path(&registry.source()), ".rack-id", "mounted?"],
    );
}

#[test]
fn doctor_names_folders_that_cannot_be_read() {
    let registry = Registry::open_and_gated();
    fs::write(registry.root().join("file"), "").expect("a file");
    let run = registry.rackgen(&["doctor", "--private", "file"]).exits(1);
    says(&run, "fault", &["private folder", "is no folder"]);
    // Root may read everything, so somebody else asks.
    open(registry.root(), 0o755);
    open(&registry.state(), 0o000);
    let run = match geteuid().is_root() {
        true => registry.rackgen_of(65534, &["doctor"]),
        false => registry.rackgen(&["doctor"]),
    };
    open(&registry.state(), 0o700);
    let run = run.exits(1);
    says(
        &run,
        "fault",
        &[path(&registry.state()), "may not read and write it"],
    );
    // What cannot be seen is not told to be absent.
    for unseen in ["record.db", "tokens"] {
        let unseen = registry.state().join(unseen);
        says(&run, "fault", &["cannot read", path(&unseen)]);
    }
    assert!(!run.stdout.contains("later than the last build"), "{run}");

    open(&registry.public().join("namespaces/index.json"), 0o600);
    let run = registry.rackgen(&["doctor"]).exits(0);
    says(
        &run,
        "warning",
        &["namespaces/index.json", "closed to other users"],
    );
}

#[test]
fn doctor_names_faults_of_the_access_file() {
    let registry = Registry::open_and_gated();
    let soon = "2026-01-01T00:00:00Z";
    registry.write_access(
        json!({
            "@open": [{ "token": "t", "mark": "CI of old", "expiresAt": soon }],
            "@team": [{ "token": "t", "expiresAt": "soon" }],
        })
        .to_string(),
    );
    let run = registry.rackgen(&["doctor"]).exits(1);
    says(&run, "fault", &["access.json", "`@team` is not declared"]);
    says(
        &run,
        "warning",
        &["`CI of old` of @open", "expired at 2026-01-01T00:00:00Z"],
    );
    registry.write_access("{ \"@open\": [], ");
    let run = registry.rackgen(&["doctor"]).exits(1);
    says(&run, "fault", &["access.json", "line 1 column"]);
    fs::remove_file(registry.access()).expect("a file");
    let run = registry.rackgen(&["doctor"]).exits(1);
    says(&run, "fault", &["access.json", "there is no access file"]);
}

#[test]
fn doctor_names_who_holds_a_lock() {
    let registry = Registry::open_and_gated();
    let lock = HeldLock::take(&registry.public());
    let run = registry.rackgen(&["doctor"]).exits(0);
    says(
        &run,
        "warning",
        &[
            path(&registry.public().join(".rack-lock")),
            "does not run here any longer",
        ],
    );
    let me = format!(
        "rackgen (process {}) since 2026-01-01T00:00:00Z",
        std::process::id()
    );
    fs::write(registry.public().join(".rack-lock"), &me).expect("a file");
    let run = registry.rackgen(&["doctor"]).exits(0);
    says(&run, "warning", &[&me, "if it is stuck"]);
    drop(lock);
    says(
        &registry.rackgen(&["doctor"]).exits(0),
        "ok",
        &["public/.rack-lock is free"],
    );
}

#[test]
fn doctor_names_times_of_the_future() {
    let registry = Registry::open_and_gated();
    let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
    let ahead = registry.public().join("schemas/rack.json");
    let date = |file: &Path, time| {
        let file = File::options().write(true).open(file).expect("a file");
        file.set_modified(time).expect("a time");
    };
    date(&ahead, tomorrow);
    says(
        &registry.rackgen(&["doctor"]).exits(0),
        "warning",
        &["schemas/rack.json", "in the future"],
    );
    let log = registry.source().join("@open/features/item/releases.jsonl");
    let mut log = OpenOptions::new()
        .append(true)
        .create(true)
        .open(log)
        .expect("a file");
    writeln!(
        log,
        "{}",
        json!({ "event": "publish", "time": "2199-01-01T00:00:00Z" })
    )
    .expect("a line");
    says(
        &registry.rackgen(&["doctor"]).exits(1),
        "fault",
        &["releases.jsonl", "2199-01-01T00:00:00Z"],
    );
    date(&registry.state().join("record.db"), tomorrow);
    says(
        &registry.rackgen(&["doctor"]).exits(1),
        "fault",
        &["the last build was at"],
    );
}

#[test]
fn doctor_names_what_was_left_unfinished_or_damaged() {
    let registry = Registry::open_and_gated();
    fs::create_dir_all(registry.state().join("intents")).expect("a folder");
    let intent =
        json!({ "format": 1, "namespace": "@open", "path": "features/cut", "version": "1.0.0" });
    fs::write(registry.state().join("intents/1.json"), intent.to_string()).expect("a file");
    says(
        &registry.rackgen(&["doctor"]).exits(0),
        "warning",
        &["@open/features/cut/1.0.0", "not finished"],
    );
    for file in ["record.db", "record.db-wal"] {
        fs::write(registry.state().join(file), "no record").expect("a file");
    }
    says(
        &registry.rackgen(&["doctor"]).exits(1),
        "fault",
        &["state/record.db", "may be deleted"],
    );
}

/// A daemon that runs has each publish durable a moment after it answered.
#[test]
fn doctor_takes_no_publish_under_way_for_one_that_was_left() {
    let mut random = Random::seeded(1);
    let registry = Registry::new(&json!({ "@open": [] }));
    let daemon = registry.rackd().unhurried().start();
    for patch in 0..5 {
        let release = Release::new("@open", "item", &format!("1.0.{patch}"));
        let answer = daemon.publish(&release, ADMIN_TOKEN, &mut random);
        assert_eq!(answer.status, 201, "{}", answer.json());
        let run = registry.rackgen(&["doctor"]).exits(0);
        says(&run, "ok", &["no publish is unfinished"]);
    }
}

#[test]
fn doctor_names_a_full_disk_and_a_mount_inside_a_tree() {
    let registry = Registry::open_and_gated();
    let Some(_mount) = Mount::small(&registry.public().join("registries")) else {
        println!("SKIPPED: nothing can be mounted here");
        return;
    };
    let run = registry.rackgen(&["doctor"]).exits(1);
    says(
        &run,
        "fault",
        &["public/registries", "on another file system"],
    );

    let full = registry.root().join("full");
    fs::create_dir(&full).expect("a folder");
    let _mount = Mount::small(&full).expect("what was possible before");
    let full = full.join("private");
    fs::create_dir(&full).expect("a folder");
    fs::write(full.join("filling"), vec![0; 2 << 20]).expect_err("no room for that");
    let run = registry
        .rackgen(&["doctor", "--private", path(&full)])
        .exits(1);
    says(&run, "fault", &[path(&full), "on tmpfs", "it is full"]);
}

#[test]
fn doctor_names_what_is_wrong_with_webhooks() {
    let registry = Registry::open_and_gated();
    let entry =
        json!({"url": "http://127.0.0.1:1/s3cret", "secret": "s3cret", "events": ["uploaded"]});
    registry.write_webhooks(std::slice::from_ref(&entry));
    let run = registry.rackgen(&["doctor"]).exits(0);
    says(&run, "ok", &["endpoints that are told: 1"]);
    let mut unknown = entry;
    unknown["events"] = json!(["everything"]);
    registry.write_webhooks(&[unknown]);
    let run = registry.rackgen(&["doctor"]).exits(1);
    says(&run, "fault", &["webhooks.json", "no event `everything`"]);
    assert!(!run.stdout.contains("s3cret"), "{run}");
}

/// A file system of one megabyte, gone when it is dropped.
struct Mount(std::path::PathBuf);

impl Mount {
    /// None where nobody may mount.
    fn small(folder: &Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=1m", "none"])
            .arg(folder);
        let done = mount.output().is_ok_and(|output| output.status.success());
        done.then(|| Self(folder.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

fn open(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}
