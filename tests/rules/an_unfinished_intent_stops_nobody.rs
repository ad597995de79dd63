//! An intent that the daemon cannot finish is shown and waits; everybody else is served.

use std::fs;

use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::http::Request;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use serde_json::{Value, json};

#[test]
fn what_a_hand_puts_beside_intents_stays() {
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let intents = registry.state().join("intents");
    fs::create_dir_all(intents.join("backup")).expect("a folder");
    fs::write(intents.join("x.json.bak"), "{}").expect("a file");
    let daemon = registry.rackd().start();
    assert_eq!(health(&daemon)["status"], "ok", "{}", health(&daemon));
    assert!(intents.join("x.json.bak").exists(), "nobody took it away");
}

#[test]
fn an_unfinished_intent_stops_nobody() {
    let mut random = Random::announced("an_unfinished_intent_stops_nobody");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let intents = registry.state().join("intents");
    fs::create_dir_all(intents.join("y.json")).expect("a folder");
    fs::write(intents.join("x.json"), "{ no intent").expect("a file");

    for version in ["1.0.0", "1.1.0"] {
        let daemon = registry.rackd().start();
        assert_degraded(&daemon);
        publish(&daemon, version, &mut random);
        assert_degraded(&daemon);
        assert_eq!(daemon.stop().code(), Some(0));
    }
    assert!(intents.join("x.json").exists(), "nobody took it away");

    // Once it is out of the way all is well, also without a new start.
    let daemon = registry.rackd().start();
    fs::remove_dir_all(&intents).expect("a folder of ours");
    publish(&daemon, "1.2.0", &mut random);
    assert_eq!(health(&daemon)["status"], "ok", "{}", health(&daemon));
}

fn publish(daemon: &Rackd, version: &str, random: &mut Random) {
    let release = Release::new("@open", "item", version);
    let answer = daemon.publish(&release, ADMIN_TOKEN, random);
    assert_eq!(answer.status, 201, "{}", answer.json());
    let served = Request::get(&release.url()).send(daemon.url());
    assert_eq!(served.expect("an answer").body, release.manifest());
}

fn assert_degraded(daemon: &Rackd) {
    let health = health(daemon);
    assert_eq!(health["status"], "degraded", "{health}");
    for file in ["x.json", "y.json"] {
        assert!(health.to_string().contains(file), "no {file} in {health}");
    }
}

fn health(daemon: &Rackd) -> Value {
    let answer = Request::get("/health").send(daemon.url());
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.json());
    answer.json()
}
