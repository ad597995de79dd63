//! An upload costs the daemon no more memory for being large, nor do many at once.

use std::thread;

use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::http::Request;
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::{proved, rounds};
use serde_json::json;

const MIB: usize = 1 << 20;

/// What tar and the form add to an archive, and more.
const ROOM: usize = 64 << 10;

#[test]
fn memory_stays_flat() {
    let mut random = Random::announced("memory_stays_flat");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let daemon = registry.warm_rackd(&mut random);
    let before = daemon.peak_memory();

    // It just fits into the limit of 100 MiB.
    publish(&daemon, &large("large", 100, &mut random), &mut random);
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

#[test]
fn uploads_at_once_stay_flat() {
    const AT_ONCE: usize = 8;
    let mut random = Random::announced("uploads_at_once_stay_flat");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let daemon = registry.warm_rackd(&mut random);
    let before = daemon.peak_memory();

    let size = rounds(12, 100);
    let uploads: Vec<Request> = (0..AT_ONCE)
        .map(|number| {
            let release = large(&format!("large-{number}"), size, &mut random);
            Upload::new(Archive::pack(&release, &mut random)).request()
        })
        .collect();
    thread::scope(|scope| {
        for upload in uploads {
            let url = daemon.url();
            scope.spawn(move || {
                let answer = upload.bearer(ADMIN_TOKEN).send(url).expect("an answer");
                assert_eq!(answer.status, 201, "{}", answer.json());
            });
        }
    });
    let grown = daemon.peak_memory().saturating_sub(before) as usize / MIB;
    assert!(
        grown < 64,
        "{AT_ONCE} uploads of {size} MiB took {grown} MiB of memory"
    );
    proved(
        "memory stays flat for many at once",
        format!("{AT_ONCE} uploads of {size} MiB, {grown} MiB more at the peak"),
    );
}

/// A package of so many MiB that does not compress, in files that are not too large.
fn large(name: &str, size: usize, random: &mut Random) -> Release {
    let half = (size * MIB - 2 * ROOM) / 2;
    Release::new("@open", name, "1.0.0")
        .file("a.bin", random.bytes(half))
        .file("b.bin", random.bytes(half))
}

fn publish(daemon: &Rackd, release: &Release, random: &mut Random) {
    let answer = daemon.publish(release, ADMIN_TOKEN, random);
    assert_eq!(answer.status, 201, "{}", answer.json());
}
