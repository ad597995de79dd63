//! Receivers can tell that a delivery is ours, those of the server that we replace and those that know Standard Webhooks,
//! also while a secret changes. The signatures are judged by somebody else's code.

use std::process::Command;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::random::Random;
use rack_tests::receiver::{Received, Receiver, Reply};
use rack_tests::registry::{Registry, Run};
use rack_tests::release::Release;
use serde_json::json;
use standardwebhooks::Webhook;

const NEW: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD: &str = "a plain secret";

#[test]
fn webhooks_are_signed() {
    let mut random = Random::announced("webhooks_are_signed");
    let registry = Registry::new(&json!({ "@open": [] }));
    let (first, second) = (NEW, OLD);
    let plain = Receiver::willing();
    // Its first attempt fails: the second is signed anew.
    let rotating = Receiver::start(|_, before| Reply::status(if before == 0 { 500 } else { 200 }));
    registry.write_webhooks(&[
        plain.entry(OLD, &["uploaded"]),
        rotating.entry(json!([first, second]), &["uploaded", "version.created"]),
    ]);
    let daemon = registry.rackd().start();
    let release = Release::new("@open", "item", "1.0.0").file("a.txt", "ü");
    let answer = daemon.publish(&release, ADMIN_TOKEN, &mut random);
    assert_eq!(answer.status, 201, "{}", answer.json());

    let (old, new) = (
        Webhook::from_bytes(OLD.into()).expect("a key"),
        Webhook::new(NEW).expect("a key"),
    );
    let other = Webhook::from_bytes("another".into()).expect("a key");
    let delivery = &plain.until(1)[0];
    assert!(delivery.is_signed_with(&old) && !delivery.is_signed_with(&new));
    assert_signed_as_before(delivery, OLD);
    assert_eq!(delivery.header("x-webhook-event"), "uploaded");
    assert_eq!(delivery.header("x-webhook-delivery"), delivery.id());
    assert_eq!(delivery.header("content-type"), "application/json");
    let body = delivery.json();
    assert_eq!(delivery.header("x-webhook-timestamp"), body["timestamp"]);
    let begin = r#"{"event":"uploaded","timestamp":""#;
    assert!(delivery.body.starts_with(begin.as_bytes()), "{body}");
    for (key, value) in [
        ("namespace", "@open"),
        ("name", "item"),
        ("version", "1.0.0"),
        ("path", "@open/features/item/1.0.0"),
    ] {
        assert_eq!(body[key], value, "{body}");
    }

    let deliveries = rotating.until(3);
    for delivery in &deliveries {
        assert!(delivery.is_signed_with(&old) && delivery.is_signed_with(&new));
        assert!(!delivery.is_signed_with(&other));
        assert_signed_as_before(delivery, NEW);
    }
    let again = |delivery: &&Received| delivery.id() == deliveries[0].id();
    let attempts: Vec<_> = deliveries.iter().filter(again).collect();
    assert_eq!(attempts.len(), 2, "one of two events came twice");
    assert_eq!(attempts[0].body, attempts[1].body);
    let events: Vec<_> = deliveries
        .iter()
        .map(|delivery| delivery.json()["event"].clone())
        .collect();
    assert!(events.contains(&json!("uploaded")) && events.contains(&json!("version.created")));

    drop(daemon);
    let logs = registry.rackgen(&["webhooks", "deliveries"]).exits(0);
    assert!(!logs.stdout.contains(OLD) && !logs.stdout.contains("MfKQ9"));
}

/// `sha256=<hex HMAC-SHA256 of the raw body>`, keyed by the text as it stands in the file.
fn assert_signed_as_before(delivery: &Received, secret: &str) {
    let program = "import hmac, sys; print(hmac.new(sys.argv[1].encode(), bytes.fromhex(sys.argv[2]), 'sha256').hexdigest())";
    let mut python = Command::new("python3");
    python.args(["-c", program, secret, &hex::encode(&delivery.body)]);
    let hmac = Run::of(python).exits(0);
    let expected = format!("sha256={}", hmac.stdout.trim());
    assert_eq!(delivery.header("x-webhook-signature"), expected);
}
