//! Who waits for a lock in vain says who holds it, and does nothing.

use std::fs;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use rack_tests::binaries;
use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::http::{Request, Response};
use rack_tests::lock::HeldLock;
use rack_tests::random::Random;
use rack_tests::registry::{Registry, Run};
use rack_tests::release::Release;
use rack_tests::tree::{assert_same, tree};
use rack_tests::wait;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

/// What makes room on a full disk needs the locks as everything does.
#[test]
fn a_full_disk_holds_up_no_lock() {
    let registry = Registry::open_and_gated();
    let log = registry.root().join("strace");
    let mut strace = Command::new("strace");
    registry.lend(&mut strace);
    strace.args(["-f", "-qq", "-e", "inject=write:error=ENOSPC", "-o"]);
    strace.arg(&log);
    for folder in [registry.source(), registry.public(), registry.private()] {
        strace.arg("-P").arg(folder.join(".rack-lock"));
    }
    strace.arg(binaries::rackgen()).arg("build");
    Run::of(strace).exits(0);
    let calls = fs::read_to_string(&log).expect("what strace saw");
    assert_eq!(calls.matches("(INJECTED)").count(), 3, "{calls}");
}

#[test]
fn locks_name_their_holder() {
    let mut random = Random::announced("locks_name_their_holder");
    let registry = Registry::new(&json!({ "@open": [] }));
    Release::many("@open", 100).for_each(|release| registry.put(&release));
    registry.build();
    let daemon = registry.rackd().start();

    let mut holder = stopped_in_a_build(&registry);
    let before = tree(&registry.public());
    let (build, answer) = thread::scope(|scope| {
        let build = scope.spawn(|| registry.rackgen(&["build"]));
        let answer = publish(&daemon, &mut random);
        (build.join().expect("a build"), answer)
    });
    let build = build.exits(2);
    assert_eq!(build.stderr.trim().lines().count(), 1, "{build}");
    for named in [
        holder.id().to_string(),
        registry.root().display().to_string(),
    ] {
        assert!(build.stderr.contains(&named), "no {named} in: {build}");
    }
    assert_eq!(
        (answer.status, &answer.code()[..]),
        (503, "UNAVAILABLE"),
        "{}",
        answer.json()
    );
    assert!(answer.header("Retry-After").is_some());
    assert_same(
        "while the lock was held",
        &before,
        &tree(&registry.public()),
    );

    signal(&holder, Signal::CONT);
    let status = holder.wait().expect("a child can be waited for");
    assert!(status.success(), "the holder ended with {status}");
    assert_eq!(publish(&daemon, &mut random).status, 201);
    registry.build();
}

/// The text in a lock outlives whoever wrote it, and `flock` writes none.
#[test]
fn a_lock_is_not_said_to_be_held_by_the_dead() {
    let registry = Registry::open_and_gated();
    let path = registry.source().join(".rack-lock");
    let text = fs::read_to_string(&path).expect("a build leaves its name");
    let (builder, _) = text.split_once(" since ").expect("a name and a time");
    let _held = HeldLock::take(&registry.source());
    let run = registry.rackgen(&["build"]).exits(2);
    assert!(
        run.names(&[builder, "does not run here any longer", ".rack-lock"]),
        "{run}"
    );
    assert!(!run.names(&["locked by"]), "{run}");
}

/// Ten seconds are what each waits, however many others do.
#[test]
fn nobody_waits_for_those_who_wait() {
    let mut random = Random::announced("nobody_waits_for_those_who_wait");
    let registry = Registry::new(&json!({ "@open": [] }));
    let release = Release::new("@open", "item", "1.0.0");
    registry.put(&release);
    let daemon = registry.rackd().unhurried().start();
    let lock = HeldLock::take(&registry.source());
    let yank = || {
        let request = Request::new("PUT", &format!("{}/yank", release.url())).json(&json!({}));
        let answer = request.bearer(ADMIN_TOKEN).send(daemon.url());
        answer.expect("an answer")
    };
    let in_time = |ask: &mut dyn FnMut() -> Response| {
        let start = Instant::now();
        let answer = ask();
        let elapsed = start.elapsed();
        assert_eq!(
            (answer.status, &answer.code()[..]),
            (503, "UNAVAILABLE"),
            "{}",
            answer.json()
        );
        assert!(elapsed < Duration::from_secs(16), "{elapsed:?}");
    };
    thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| in_time(&mut || yank()));
        }
        lock.until_awaited_by(daemon.id());
        for _ in 0..2 {
            let (mut random, daemon) = (random.fork(), &daemon);
            scope.spawn(move || in_time(&mut || publish(daemon, &mut random)));
        }
    });
    drop(lock);
    assert_eq!(yank().status, 200);
    assert_eq!(publish(&daemon, &mut random).status, 201);
}

/// A build that was stopped, not ended, while it held the lock of the source and one of an output: whoever has a
/// second lock has had the time to write its name into the first.
fn stopped_in_a_build(registry: &Registry) -> Child {
    wait::until("a build to be caught with its locks", wait::LONG, || {
        let mut build = registry.start_rackgen(&["build", "--full"]);
        let held = wait::until("a build to take its locks", wait::LONG, || {
            let ended = build
                .try_wait()
                .expect("a child can be waited for")
                .is_some();
            let holds = locks_of(&build) >= 2;
            (ended || holds).then_some(holds)
        });
        if held {
            signal(&build, Signal::STOP);
            if locks_of(&build) >= 2 {
                return Some(build);
            }
            signal(&build, Signal::CONT);
        }
        build.wait().expect("a child can be waited for");
        None
    })
}

/// How many locks the kernel knows of that process. One that has ended holds none.
fn locks_of(process: &Child) -> usize {
    let locks = fs::read_to_string("/proc/locks").expect("/proc is there");
    let holder = process.id().to_string();
    let is_its = |line: &&str| {
        let mut words = line.split_whitespace().skip(1);
        words.next() == Some("FLOCK") && words.any(|word| word == holder)
    };
    locks.lines().filter(is_its).count()
}

fn signal(process: &Child, signal: Signal) {
    kill_process(Pid::from_child(process), signal).expect("a process of ours takes signals");
}

fn publish(daemon: &Rackd, random: &mut Random) -> Response {
    let release = Release::new("@open", "late", "1.0.0");
    daemon.publish(&release, ADMIN_TOKEN, random)
}
