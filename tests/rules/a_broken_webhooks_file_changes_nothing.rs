//! A webhooks file is taken up when it changes; a broken one, or one that is gone, leaves the one of before in force,
//! `/health` and a figure say so, and nothing that is said tells a secret.

use std::fs;

use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::http::Request;
use rack_tests::random::Random;
use rack_tests::receiver::Receiver;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::wait;
use serde_json::json;

#[test]
fn a_broken_webhooks_file_changes_nothing() {
    let mut random = Random::announced("a_broken_webhooks_file_changes_nothing");
    let registry = Registry::new(&json!({ "@open": [] }));
    let (first, second) = (Receiver::willing(), Receiver::willing());
    registry.write_webhooks(&[]);
    let daemon = registry.rackd().start();
    let mut publish = |version: &str| {
        let release = Release::new("@open", "item", version);
        let answer = daemon.publish(&release, ADMIN_TOKEN, &mut random);
        assert_eq!(answer.status, 201, "{}", answer.json());
    };
    // Nobody wants to be told, so nothing is written down.
    publish("1.0.0");
    assert!(!registry.state().join("webhooks").exists());

    let entry = first.entry("secret-7531902", &["version.created"]);
    registry.write_webhooks(std::slice::from_ref(&entry));
    wait::until("the spool", wait::LONG, || {
        registry
            .state()
            .join("webhooks/requests")
            .exists()
            .then_some(())
    });
    publish("1.1.0");
    first.until(1);

    let mut unknown = second.entry("secret-7531902", &["uploaded", "everything"]);
    unknown["header"] = json!("secret-7531902");
    registry.write_webhooks(&[entry.clone(), unknown]);
    let message = until_health(&daemon, "degraded").expect("a message");
    assert!(message.contains("unknown field `header`"), "{message}");
    publish("1.2.0");
    first.until(2);

    registry.write_webhooks(&[entry, second.entry("secret-7531902", &["version.created"])]);
    until_health(&daemon, "ok");
    publish("1.3.0");
    first.until(3);
    second.until(1);

    let file = registry.root().join("webhooks.json");
    fs::rename(&file, registry.root().join("away")).expect("a file");
    let message = until_health(&daemon, "degraded").expect("a message");
    assert!(message.contains("webhooks.json"), "{message}");
    publish("1.4.0");
    first.until(4);
    second.until(2);
    // This is how nobody is told.
    registry.write_webhooks(&[]);
    until_health(&daemon, "ok");
    assert!(!daemon.logged().contains("7531902"), "{}", daemon.logged());
}

fn until_health(daemon: &Rackd, status: &str) -> Option<String> {
    wait::until(&format!("health {status}"), wait::LONG, || {
        let health = Request::get("/health").send(daemon.url()).ok()?.json();
        let message = health["checks"]["webhooks"]["message"].as_str();
        (health["status"] == status).then(|| message.map(str::to_owned))
    })
}
