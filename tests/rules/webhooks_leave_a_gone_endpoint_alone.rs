//! An endpoint that answers 410 is told of nothing more, also after a restart, until an admin enables it or its entry
//! changes; what it missed can be had again.

use rack_tests::audit::audit;
use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::http::Request;
use rack_tests::random::Random;
use rack_tests::receiver::{Receiver, Reply};
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::wait;
use serde_json::{Value, json};

#[test]
fn webhooks_leave_a_gone_endpoint_alone() {
    let mut random = Random::announced("webhooks_leave_a_gone_endpoint_alone");
    let registry = Registry::new(&json!({ "@open": [] }));
    let gone = Receiver::start(|_, before| Reply::status(if before == 0 { 410 } else { 200 }));
    let other = Receiver::willing();
    let mut entries = [
        gone.entry("s", &["version.created"]),
        other.entry("s", &["version.created"]),
    ];
    registry.write_webhooks(&entries);
    let mut publish = {
        let mut number = 0;
        move |daemon: &Rackd| {
            number += 1;
            let release = Release::new("@open", "item", &format!("1.0.{number}"));
            let answer = daemon.publish(&release, ADMIN_TOKEN, &mut random);
            assert_eq!(answer.status, 201, "{}", answer.json());
        }
    };

    let daemon = registry.rackd().start();
    publish(&daemon);
    let id = standing(&registry, "gone")["id"].clone();
    let id = id.as_str().expect("an id");
    until_health(&daemon, |message| {
        message.is_some_and(|message| message.contains(id))
    });
    publish(&daemon);
    other.until(2);
    assert!(daemon.stop().success());
    for action in ["webhook.disable", "webhook.dead"] {
        assert_eq!(outcomes(&registry, action, id), ["ok"], "{action}");
    }

    let daemon = registry.rackd().start();
    publish(&daemon);
    other.until(3);
    assert_eq!(gone.received().len(), 1);
    let run = registry.rackgen(&["webhooks", "test", id]).exits(2);
    assert!(run.names(&[id, "410"]), "{run}");

    registry.rackgen(&["webhooks", "enable", id]).exits(0);
    for (action, outcome) in [("webhook.test", "BAD_REQUEST"), ("webhook.enable", "ok")] {
        assert_eq!(outcomes(&registry, action, id), [outcome], "{action}");
    }
    standing(&registry, "enabled");
    registry
        .rackgen(&["webhooks", "redeliver", "--dead"])
        .exits(0);
    // What was announced meanwhile was not for it.
    let received = gone.until(2);
    assert_eq!(received[0].id(), received[1].id());
    until_health(&daemon, |message| message.is_none());
    publish(&daemon);
    gone.until(3);

    // A changed entry is another matter than the one that is gone.
    let gone = Receiver::start(|_, before| Reply::status(if before == 0 { 410 } else { 200 }));
    entries[0] = gone.entry("s", &["version.created"]);
    registry.write_webhooks(&entries);
    wait::until("the other endpoint", wait::LONG, || {
        let taken_up = daemon.logged().matches("webhooks are taken up").count();
        (taken_up == 2).then_some(())
    });
    publish(&daemon);
    standing(&registry, "gone");
    entries[0]["description"] = json!("mended");
    registry.write_webhooks(&entries);
    standing(&registry, "enabled");
}

/// What came of all that the audit log has of this action; each line names the endpoint.
fn outcomes(registry: &Registry, action: &str, id: &str) -> Vec<Value> {
    let mut lines = audit(registry, &["--action", action]);
    for line in &lines {
        let reason = line["reason"].as_str().expect("a reason");
        assert!(reason.contains(id), "{line}");
    }
    lines
        .iter_mut()
        .map(|line| line["outcome"].take())
        .collect()
}

fn until_health(daemon: &Rackd, is_so: impl Fn(Option<&str>) -> bool) {
    wait::until("what /health says of deliveries", wait::LONG, || {
        let health = Request::get("/health").send(daemon.url()).ok()?.json();
        is_so(health["checks"]["deliveries"]["message"].as_str()).then_some(())
    });
}

/// The first endpoint, as soon as it stands like this.
fn standing(registry: &Registry, standing: &str) -> Value {
    wait::until(
        &format!("an endpoint that is {standing}"),
        wait::LONG,
        || {
            let first = list(registry)[0].clone();
            (first["standing"] == standing).then_some(first)
        },
    )
}

fn list(registry: &Registry) -> Vec<Value> {
    let run = registry
        .rackgen(&["webhooks", "list", "--format", "json"])
        .exits(0);
    let document: Value = serde_json::from_str(&run.stdout).expect("JSON");
    document["endpoints"].as_array().expect("a list").clone()
}
