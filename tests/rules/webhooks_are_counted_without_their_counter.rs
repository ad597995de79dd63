//! A counter of events that is torn or gone stops no publish: numbers go on after the largest that is left, and it is told.

use std::fs;

use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::random::Random;
use rack_tests::receiver::Receiver;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use serde_json::json;

#[test]
fn webhooks_are_counted_without_their_counter() {
    let mut random = Random::announced("webhooks_are_counted_without_their_counter");
    let registry = Registry::new(&json!({ "@open": [] }));
    let receiver = Receiver::willing();
    registry.write_webhooks(&[receiver.entry("s", &["version.created"])]);
    let sequence = registry.state().join("webhooks/sequence");
    let (mut count, mut last) = (0, 0);
    let mut publish = |daemon: &Rackd| {
        count += 1;
        let release = Release::new("@open", "item", &format!("1.{count}.0"));
        let answer = daemon.publish(&release, ADMIN_TOKEN, &mut random);
        assert_eq!(answer.status, 201, "{}", answer.json());
        let received = receiver.until(count);
        let number = received[count - 1].json()["sequence"].as_u64();
        let number = number.expect("a number");
        assert!(number > last, "{number} after {last}");
        last = number;
    };

    let daemon = registry.rackd().start();
    for torn in [None, Some(""), Some("4x"), Some("18446744073709551615")] {
        publish(&daemon);
        match torn {
            Some(torn) => fs::write(&sequence, torn),
            None => fs::remove_file(&sequence),
        }
        .expect("a file");
        publish(&daemon);
    }
    assert!(daemon.stop().success());

    fs::write(&sequence, "").expect("a file");
    let run = registry.rackgen(&["doctor"]).exits(0);
    assert!(run.stdout.contains("sequence: this is no number"), "{run}");
    let daemon = registry.rackd().start();
    assert!(daemon.logged().contains("sequence: this is no number"));
    publish(&daemon);
    let run = registry.rackgen(&["doctor"]).exits(0);
    assert!(!run.stdout.contains("sequence"), "{run}");
}
