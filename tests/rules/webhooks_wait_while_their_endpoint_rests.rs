//! What is due for an endpoint that is not enabled waits until it is, also over a restart; of what happens meanwhile it is
//! told nothing.

use std::fs;

use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::random::Random;
use rack_tests::receiver::{Receiver, Reply};
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::wait;
use serde_json::{Value, json};

#[test]
fn webhooks_wait_while_their_endpoint_rests() {
    let mut random = Random::announced("webhooks_wait_while_their_endpoint_rests");
    let registry = Registry::new(&json!({ "@open": [] }));
    let resting = Receiver::start(|_, before| Reply::status(if before == 0 { 500 } else { 200 }));
    let other = Receiver::willing();
    let mut entries = [&resting, &other].map(|it| it.entry("s", &["version.created"]));
    let mut publish = |daemon: &Rackd, version: &str| {
        let release = Release::new("@open", "item", version);
        let answer = daemon.publish(&release, ADMIN_TOKEN, &mut random);
        assert_eq!(answer.status, 201, "{}", answer.json());
    };
    registry.write_webhooks(&entries);
    registry.write_config("[webhook]\nallow_private = true\nretry_after = ['1h']\n");
    let daemon = registry.rackd().start();
    publish(&daemon, "1.0.0");
    resting.until(1);
    other.until(1);
    assert!(daemon.stop().success());

    // The hour is over.
    let shelf = |name: &str| {
        let files = fs::read_dir(registry.state().join("webhooks").join(name)).expect("a folder");
        let paths = files.map(|file| file.expect("a file").path());
        paths.collect::<Vec<_>>()
    };
    let [pending] = &shelf("pending")[..] else {
        panic!("one that waits")
    };
    let text = fs::read(pending).expect("a file");
    let mut delivery: Value = serde_json::from_slice(&text).expect("JSON");
    delivery["next"] = delivery["created"].clone();
    fs::write(pending, delivery.to_string()).expect("a file");
    entries[0]["enabled"] = json!(false);
    registry.write_webhooks(&entries);
    let daemon = registry.rackd().start();
    publish(&daemon, "1.1.0");
    other.until(2);
    wait::until("what is due to wait alone", wait::LONG, || {
        (shelf("pending").len() == 1).then_some(())
    });
    assert!(shelf("dead").is_empty());

    entries[0]["enabled"] = json!(true);
    registry.write_webhooks(&entries);
    wait::until("what waited to arrive", wait::LONG, || {
        shelf("pending").is_empty().then_some(())
    });
    publish(&daemon, "1.2.0");
    let received = resting.until(3);
    let paths: Vec<_> = received
        .iter()
        .map(|delivery| delivery.json()["path"].clone())
        .collect();
    let path = |version| json!(format!("@open/features/item/{version}"));
    assert_eq!(paths, [path("1.0.0"), path("1.0.0"), path("1.2.0")]);
    assert_eq!(received[0].id(), received[1].id());
}
