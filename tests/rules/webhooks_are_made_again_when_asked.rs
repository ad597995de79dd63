//! `rackgen webhooks`: a daemon that runs makes deliveries again that are asked for, those that wait, that arrived and that
//! are dead, and sends a ping at once; the audit log tells who asked for what, and what was given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rack_tests::audit::audit;
use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::random::Random;
use rack_tests::receiver::{Receiver, Reply};
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::wait;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

#[test]
fn webhooks_are_made_again_when_asked() {
    let mut random = Random::announced("webhooks_are_made_again_when_asked");
    let registry = Registry::new(&json!({ "@open": [] })).setting("USER", "ada");
    let works = Arc::new(AtomicBool::new(true));
    let answers = works.clone();
    let receiver = Receiver::start(move |_, _| {
        Reply::status(if answers.load(Ordering::SeqCst) {
            200
        } else {
            500
        })
    });
    registry.write_webhooks(&[receiver.entry("s", &["version.created"])]);
    registry.write_config("[webhook]\nallow_private = true\nretry_after = ['1h']\n");
    let asked = |args: &[&str]| -> Value {
        let args = [&["webhooks"], args, &["--format", "json"]].concat();
        let run = registry.rackgen(&args).exits(0);
        serde_json::from_str(&run.stdout).expect("JSON")
    };
    let until = |standing: &str, attempts: usize| {
        wait::until(
            &format!("a delivery that is {standing}"),
            wait::LONG,
            || {
                let delivery = asked(&["deliveries"])["deliveries"][0].clone();
                let made = delivery["attempts"].as_array().map(Vec::len);
                (delivery["standing"] == standing && made == Some(attempts)).then_some(delivery)
            },
        )
    };
    // Nobody delivers here yet.
    registry.build();
    let run = registry
        .rackgen(&["webhooks", "test", &receiver.url()])
        .exits(2);
    assert!(run.names(&["rackd"]), "{run}");

    let daemon = registry.rackd().start();
    let ping = asked(&["test", &receiver.url()]);
    assert_eq!(ping["status"], 200, "{ping}");
    let received = &receiver.until(1)[0];
    assert_eq!(received.json()["event"], "ping");
    assert!(received.json()["sequence"].is_u64(), "{}", received.json());
    assert_eq!(ping["id"], received.id());
    assert!(received.is_signed_with(&Webhook::from_bytes("s".into()).expect("a key")));

    // One that waits for an hour.
    works.store(false, Ordering::SeqCst);
    let release = Release::new("@open", "item", "1.0.0");
    let answer = daemon.publish(&release, ADMIN_TOKEN, &mut random);
    assert_eq!(answer.status, 201, "{}", answer.json());
    let delivery = until("pending", 1);
    let id = delivery["id"].as_str().expect("an id");
    wait::until("what the list says of that", wait::LONG, || {
        let endpoint = &asked(&["list"])["endpoints"][0];
        let says = |key: &str| endpoint[key].is_string();
        (endpoint["pending"] == 1 && says("failing_since") && says("last_success")).then_some(())
    });
    works.store(true, Ordering::SeqCst);
    assert_eq!(
        asked(&["redeliver", "--since", "2026-01-01"])["asked"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    until_arrived(&receiver, id, 2);
    until("delivered", 1);

    // One that arrived.
    assert_eq!(asked(&["redeliver", id])["asked"], json!([id]));
    until_arrived(&receiver, id, 3);

    // A ping that fails is not repeated, and leaves nothing.
    works.store(false, Ordering::SeqCst);
    let run = registry
        .rackgen(&["webhooks", "test", &receiver.url()])
        .exits(1);
    assert!(run.stdout.contains("it answered 500"), "{run}");
    assert_eq!(asked(&["redeliver", "--dead"])["asked"], json!([]));

    // One that is dead.
    registry.write_config("[webhook]\nallow_private = true\nretry_after = []\n");
    drop(daemon);
    let _daemon = registry.rackd().start();
    asked(&["redeliver", id]);
    until("dead", 1);
    works.store(true, Ordering::SeqCst);
    assert_eq!(asked(&["redeliver", "--dead"])["asked"], json!([id]));
    until_arrived(&receiver, id, 5);
    until("delivered", 1);
    let none = registry
        .rackgen(&["webhooks", "redeliver", &"0".repeat(32)])
        .exits(2);
    assert!(none.names(&["there is no delivery"]), "{none}");

    let endpoint = &asked(&["list"])["endpoints"][0]["id"];
    let endpoint = endpoint.as_str().expect("an id");
    let lines = |action| audit(&registry, &["--action", action]);
    for (action, outcomes, named) in [
        (
            "webhook.redeliver",
            &["ok", "ok", "ok", "ok", "BAD_REQUEST"][..],
            id,
        ),
        // The first one was asked for where nobody takes it up.
        ("webhook.test", &["ok", "BAD_REQUEST", "ok", "ok"], endpoint),
    ] {
        let lines = lines(action);
        let seen: Vec<_> = lines.iter().map(|line| &line["outcome"]).collect();
        assert_eq!(seen, outcomes, "{lines:?}");
        for line in &lines {
            let reason = line["reason"].as_str().expect("a reason");
            assert!(line["outcome"] != "ok" || reason.contains(named), "{line}");
            assert_eq!(line["by"], json!({ "name": "ada" }), "{line}");
        }
    }
    wait::until("the ping that failed to be forgotten", wait::LONG, || {
        let deliveries = asked(&["deliveries"]);
        let mut deliveries = deliveries["deliveries"].as_array()?.iter();
        (!deliveries.any(|it| it["event"] == "ping" && it["standing"] == "dead")).then_some(())
    });
    let dead = lines("webhook.dead");
    let reasons: Vec<_> = dead.iter().map(|line| &line["reason"]).collect();
    assert_eq!(reasons.len(), 1, "not the ping: {reasons:?}");
    let why = format!("delivery {id} to endpoint {endpoint}: it answered 500");
    assert_eq!(reasons[0], &json!(why));
    let all = format!("{:?}", audit(&registry, &[]));
    assert!(!all.contains(&receiver.url()), "a URL in {all}");
}

/// A ping is not behind what is due: also where its endpoint does not answer anything else.
#[test]
fn a_ping_waits_behind_nothing() {
    let mut random = Random::announced("a_ping_waits_behind_nothing");
    let registry = Registry::new(&json!({ "@open": [] }));
    let receiver = Receiver::start(|delivery, _| match delivery.json()["event"] == "ping" {
        true => Reply::status(500),
        false => Reply::Silence,
    });
    registry.write_webhooks(&[receiver.entry("s", &["version.created"])]);
    registry.write_config("[webhook]\nallow_private = true\ntimeout = '20s'\n");
    let daemon = registry.rackd().start();
    for number in 0..6 {
        let release = Release::new("@open", "item", &format!("1.{number}.0"));
        let answer = daemon.publish(&release, ADMIN_TOKEN, &mut random);
        assert_eq!(answer.status, 201, "{}", answer.json());
    }
    receiver.until(4);
    // What is on its way leaves no room for more.
    let run = registry
        .rackgen(&["webhooks", "test", &receiver.url()])
        .exits(1);
    assert!(run.stdout.contains("it answered 500"), "{run}");
    assert!(audit(&registry, &["--action", "webhook.dead"]).is_empty());
    // Whoever asks and does not wait for the answer leaves nothing either.
    let ping = json!({
        "format": 1,
        "ping": { "id": "0".repeat(32), "url": receiver.url() },
    });
    let asks = registry.state().join("webhooks/requests/asks.json");
    std::fs::write(asks, ping.to_string()).expect("a file");
    let dead = registry.state().join("webhooks/dead");
    let count = || std::fs::read_dir(&dead).expect("a folder").count();
    wait::until("both pings to land", wait::LONG, || {
        let landed = daemon.logged().matches("it answered 500").count();
        (landed == 2).then_some(())
    });
    wait::until("nothing to be dead", wait::LONG, || {
        (count() == 0).then_some(())
    });
    assert!(audit(&registry, &["--action", "webhook.dead"]).is_empty());
}

fn until_arrived(receiver: &Receiver, id: &str, times: usize) {
    wait::until(&format!("{id} to come {times} times"), wait::LONG, || {
        let received = receiver.received();
        let of_id = received.iter().filter(|delivery| delivery.id() == id);
        (of_id.count() >= times).then_some(())
    });
}
