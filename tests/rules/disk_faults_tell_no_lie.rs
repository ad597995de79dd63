//! Whatever call the system refuses, and with which word: nobody hears of a publish that is not there, nothing panics,
//! and once the fault is gone the next upload works. `strace` stands in for the disk.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::http::{Request, Response};
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::{proved, wait};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

/// The calls that a publish makes last, each with the file that it is to fail on; none: all of them.
const CALLS: [(&str, Option<&str>); 6] = [
    ("syncfs", None),
    ("rename", None),
    ("renameat2", None),
    ("pwrite64", None),
    ("fallocate", None),
    ("write", Some("source/@open/features/item/releases.jsonl")),
];

const FAULTS: [&str; 3] = ["ENOSPC", "EIO", "EROFS"];

/// In which strace ends when it is asked to.
const PATIENCE: Duration = Duration::from_secs(5);

#[test]
fn disk_faults_tell_no_lie() {
    let mut random = Random::announced("disk_faults_tell_no_lie");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let mut patch = 0;
    let mut seen = Vec::new();
    for (call, path) in CALLS {
        for fault in FAULTS {
            let daemon = registry.rackd().unhurried().start();
            patch += 1;
            let release = Release::new("@open", "item", &format!("1.0.{patch}"));
            // The file is there, and so is everything else that a first publish makes.
            let before = Release::new("@open", "item", &format!("0.0.{patch}"));
            assert_eq!(
                daemon.publish(&before, ADMIN_TOKEN, &mut random).status,
                201
            );

            let path = path.map(|path| registry.root().join(path));
            let log = registry.root().join("strace");
            let strace = Inject::start(&daemon, call, fault, path.as_deref(), &log);
            let answer = daemon.publish(&release, ADMIN_TOKEN, &mut random);
            strace.end(&daemon);
            let what = format!("{call} with {fault}: {} {}", answer.status, answer.json());
            let calls = fs::read_to_string(&log).expect("what strace saw");
            assert!(
                calls.contains("(INJECTED)"),
                "{what}: no such call in {calls}"
            );
            seen.push(answer.status);
            let expected: &[u16] = match fault {
                "ENOSPC" => &[201, 500, 507],
                "EROFS" => &[201, 500, 503],
                _ => &[201, 500],
            };
            assert!(expected.contains(&answer.status), "{what}");
            if answer.status == 201 {
                assert_eq!(get(&daemon, &release).body, release.manifest(), "{what}");
            }
            assert!(!daemon.logged().contains("panicked"), "{}", daemon.logged());

            // After a disk failure, which is all that SQLite ever tells, the daemon ends by itself, and the next one goes on.
            let daemon = match answer.status {
                500 => {
                    assert_ne!(daemon.wait().code(), Some(0), "{what}");
                    registry.rackd().unhurried().start()
                }
                _ => daemon,
            };
            let again = daemon.publish(&release, ADMIN_TOKEN, &mut random);
            let identical = again.json()["identical"] == json!(true);
            assert!(
                again.status == 201 || identical,
                "{what}, then {}",
                again.json()
            );
            assert_eq!(get(&daemon, &release).body, release.manifest(), "{what}");
            let health = Request::get("/health")
                .send(daemon.url())
                .expect("an answer");
            assert_eq!(health.json()["status"], "ok", "{what}: {}", health.json());
            assert_eq!(daemon.stop().code(), Some(0), "{what}");
        }
    }
    let failed = seen.iter().filter(|status| **status != 201).count();
    assert!(failed >= FAULTS.len(), "nothing failed: {seen:?}");
    proved(
        "what the disk refuses is not told as done",
        format!(
            "{} faults injected, {failed} uploads refused, all there in the end",
            seen.len()
        ),
    );
}

#[test]
fn a_disk_that_fails_in_a_build_ends_the_daemon() {
    let registry = Registry::open_and_gated();
    let daemon = registry.rackd().start();
    let log = registry.root().join("strace");
    let strace = Inject::start(&daemon, "syncfs", "EIO", None, &log);
    registry.write_access(json!({ "@open": [] }).to_string());
    assert_ne!(daemon.wait().code(), Some(0));
    drop(strace);
    let daemon = registry.rackd().start();
    assert_eq!(daemon.stop().code(), Some(0));
    registry.is_undisturbed("after the next start");
}

/// A version that cannot be read just now may be the same as what is sent.
#[test]
fn what_cannot_be_read_is_not_called_other_content() {
    let mut random = Random::announced("what_cannot_be_read_is_not_called_other_content");
    let registry = Registry::new(&json!({ "@open": [] }));
    let release = Release::new("@open", "item", "1.0.0");
    let daemon = registry.rackd().unhurried().start();
    let mut publish = || daemon.publish(&release, ADMIN_TOKEN, &mut random);
    assert_eq!(publish().status, 201);
    let manifest = registry
        .source()
        .join(release.address())
        .join("registry.json");
    let log = registry.root().join("strace");
    let strace = Inject::start(&daemon, "openat", "EIO", Some(&manifest), &log);
    let answer = publish();
    strace.end(&daemon);
    let calls = fs::read_to_string(&log).expect("what strace saw");
    assert!(calls.contains("(INJECTED)"), "{calls}");
    assert_eq!(answer.status, 500, "{}", answer.json());
    let logged = daemon.logged();
    assert!(logged.contains("cannot be read"), "{logged}");
    let again = publish();
    assert_eq!(again.status, 409);
    assert_eq!(again.json()["identical"], json!(true), "{}", again.json());
}

fn get(daemon: &Rackd, release: &Release) -> Response {
    Request::get(&release.url())
        .send(daemon.url())
        .expect("an answer")
}

/// A disk that refuses a call, once in each thread.
struct Inject(Child);

impl Inject {
    fn start(daemon: &Rackd, call: &str, fault: &str, path: Option<&Path>, log: &Path) -> Self {
        let mut strace = Command::new("strace");
        strace
            .args(["-f", "-qq", "-o"])
            .arg(log)
            .arg("-e")
            .arg(format!("inject={call}:error={fault}:when=1"))
            .args(["-p", &daemon.id().to_string()]);
        if let Some(path) = path {
            strace.arg("-P").arg(path);
        }
        let child = strace.stderr(Stdio::null()).spawn().expect("strace runs");
        wait::until("strace", wait::LONG, || is_traced(daemon).then_some(()));
        Self(child)
    }

    fn end(mut self, daemon: &Rackd) {
        let pid = Pid::from_child(&self.0);
        kill_process(pid, Signal::INT).expect("a child");
        // Where the daemon ends at the same moment, strace may wait for ever for a thread that is gone.
        wait::within(PATIENCE, || self.0.try_wait().expect("a child"));
        drop(self);
        wait::until("the end of strace", wait::LONG, || {
            (!is_traced(daemon)).then_some(())
        });
    }
}

impl Drop for Inject {
    /// The system lets go of what it held.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether somebody has all of its threads on a string. One that is gone is not traced.
fn is_traced(daemon: &Rackd) -> bool {
    let threads = fs::read_dir(format!("/proc/{}/task", daemon.id()));
    let statuses: Vec<String> = threads
        .into_iter()
        .flatten()
        .flatten()
        .map(|thread| fs::read_to_string(thread.path().join("status")).unwrap_or_default())
        .collect();
    let is_free = |status: &String| status.contains("TracerPid:\t0\n");
    !statuses.is_empty() && !statuses.iter().any(is_free)
}
