//! Clients that ask and never read what they are answered keep nobody else out, and are sent away after a while.

use std::fs;
use std::time::{Duration, Instant};

use rack_tests::http::{Exchange, Request};
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::{proved, rounds, wait};
use serde_json::json;

/// More than a connection takes in when nobody reads.
const LENGTH: usize = 8 << 20;

/// How many descriptors a shell might give, and how many there may be.
const SOFT: u32 = 32;
const HARD: u32 = 1024;

const FILE: &str = "/registries/@open/features/large/1.0.0/files/large.bin";

#[test]
fn unread_answers_hold_nobody_up() {
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.put(&Release::new("@open", "large", "1.0.0").file("large.bin", vec![7; LENGTH]));
    registry.build();
    let daemon = registry.rackd().unhurried().descriptors(SOFT, HARD).start();
    let idle = descriptors(daemon.id());
    let start = Instant::now();
    let unread: Vec<Exchange> = (0..2 * SOFT)
        .map(|_| Request::get(FILE).open(daemon.url()).expect("a connection"))
        .collect();
    wait::until("connections that nobody reads", wait::LONG, || {
        (descriptors(daemon.id()) >= idle + unread.len()).then_some(())
    });
    let answer = Request::get("/health").send(daemon.url());
    assert_eq!(answer.expect("an answer").status, 200);

    // Half a minute is for the proof.
    if rounds(0, 1) == 1 {
        let deadline = Duration::from_secs(90);
        wait::until("the end of what nobody reads", deadline, || {
            (descriptors(daemon.id()) <= idle + 2).then_some(())
        });
        proved(
            "answers that nobody reads are given up",
            format!("{} of them, after {:?}", unread.len(), start.elapsed()),
        );
    }
    drop(unread);
    assert_eq!(daemon.stop().code(), Some(0));
}

/// How many a process has open.
fn descriptors(process: u32) -> usize {
    let folder = format!("/proc/{process}/fd");
    fs::read_dir(folder).expect("/proc is there").count()
}
