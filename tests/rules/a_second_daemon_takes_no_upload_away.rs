//! A daemon that starts on a source tree on which another one works, with another state folder, leaves its uploads alone.

use std::thread;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::lock::HeldLock;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rustix::process::Signal;
use serde_json::json;

#[test]
fn a_second_daemon_takes_no_upload_away() {
    let mut random = Random::announced("a_second_daemon_takes_no_upload_away");
    let access = json!({ "@open": [] });
    let registry = Registry::new(&access);
    registry.build();
    let first = registry.rackd().unhurried().start();
    let mut other = Registry::new(&access);
    let source = registry.source().display().to_string();
    other.set("RACK_SOURCE", &source);

    let lock = HeldLock::take(&registry.source());
    thread::scope(|scope| {
        let (daemon, random) = (&first, &mut random);
        let upload = scope.spawn(move || {
            let release = Release::new("@open", "item", "1.0.0");
            daemon.publish(&release, ADMIN_TOKEN, random)
        });
        // It is unpacked, and waits to be admitted.
        lock.until_awaited_by(first.id());
        first.signal(Signal::STOP);
        drop(lock);
        let second = other.rackd().unhurried().start();
        first.signal(Signal::CONT);
        let answer = upload.join().expect("an answer");
        assert_eq!(answer.status, 201, "{}", answer.json());
        second.stop();
    });
    assert_eq!(first.stop().code(), Some(0));
    registry.is_undisturbed("beside another daemon");
}
