//! An upload costs the daemon no more memory for being large.

use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::proved;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use serde_json::json;

const MIB: usize = 1 << 20;

#[test]
fn memory_stays_flat() {
    let mut random = Random::announced("memory_stays_flat");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let daemon = registry.rackd().start();
    let release = Release::new("@open", "small", "1.0.0").file("a.bin", random.bytes(64 << 10));
    publish(&daemon, &release, &mut random);
    let before = daemon.peak_memory();

    // What tar and the form add still fits into the limit of 100 MiB.
    let half = 50 * MIB - (64 << 10);
    let release = Release::new("@open", "large", "1.0.0")
        .file("a.bin", random.bytes(half))
        .file("b.bin", random.bytes(half));
    publish(&daemon, &release, &mut random);
    let grown = daemon.peak_memory().saturating_sub(before) as usize / MIB;
    assert!(
        grown < 32,
        "an upload of 100 MiB took {grown} MiB of memory"
    );
    proved(
        "memory stays flat",
        format!("100 MiB uploaded, {grown} MiB more at the peak"),
    );
}

fn publish(daemon: &Rackd, release: &Release, random: &mut Random) {
    let answer = daemon.publish(release, ADMIN_TOKEN, random);
    assert_eq!(answer.status, 201, "{}", answer.json());
}
