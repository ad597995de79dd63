//! What the disk or the audit log does not take of one delivery neither spoils another one nor is forgotten.

use std::fs;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rack_tests::audit::audit;
use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::http::Request;
use rack_tests::random::Random;
use rack_tests::receiver::{Receiver, Reply};
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::wait;
use serde_json::{Value, json};

const EVENTS: [&str; 1] = ["version.created"];

/// What somebody waits for until it is opened.
#[derive(Clone, Default)]
struct Gate(Arc<AtomicBool>);

impl Gate {
    fn open(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn wait(&self) {
        wait::until("a gate", wait::LONG, || {
            self.0.load(Ordering::SeqCst).then_some(())
        });
    }
}

#[test]
fn an_audit_log_that_is_held_spoils_no_delivery() {
    let registry = Registry::new(&json!({ "@open": [] }));
    let (may_fail, may_arrive) = (Gate::default(), Gate::default());
    let (to_fail, to_arrive) = (may_fail.clone(), may_arrive.clone());
    let hopeless = Receiver::start(move |_, _| {
        to_fail.wait();
        Reply::status(500)
    });
    let good = Receiver::start(move |_, _| {
        to_arrive.wait();
        Reply::status(200)
    });
    registry.write_webhooks(&[good.entry("s", &EVENTS), hopeless.entry("s", &EVENTS)]);
    registry.write_config("[webhook]\nallow_private = true\ntimeout = '5s'\nretry_after = []\n");
    let daemon = registry.rackd().start();
    publish(&daemon, "1.0.0");
    let log = File::options()
        .append(true)
        .open(registry.state().join("audit.jsonl"))
        .expect("a file");
    log.lock().expect("nobody keeps a lock for long");
    may_fail.open();
    // Giving it up has a line in the log.
    wait::until("a dead delivery", wait::LONG, || {
        (dead_ones(&daemon) == "1").then_some(())
    });
    may_arrive.open();
    let (arrived, dead) = (shelf(&registry, "delivered"), shelf(&registry, "dead"));
    wait::until("the other delivery", wait::LONG, || {
        (files(&arrived) + files(&dead) == 2).then_some(())
    });
    assert_eq!((files(&arrived), files(&dead)), (1, 1));
    log.unlock().expect("it is ours");
    assert!(daemon.stop().success());
    assert_eq!(audit(&registry, &["--action", "webhook.dead"]).len(), 1);
}

#[test]
fn what_cannot_be_given_up_is_not_forgotten() {
    let registry = Registry::new(&json!({ "@open": [] }));
    let (hopeless, good) = (
        Receiver::start(|_, _| Reply::status(500)),
        Receiver::willing(),
    );
    let entries = [hopeless.entry("s", &EVENTS), good.entry("s", &EVENTS)];
    registry.write_webhooks(&entries);
    let pauses = vec!["200ms"; 100];
    registry.write_config(&format!(
        "[webhook]\nallow_private = true\nretry_after = {pauses:?}\n"
    ));
    let daemon = registry.rackd().start();
    publish(&daemon, "1.0.0");
    hopeless.until(1);

    let dead = shelf(&registry, "dead");
    fs::remove_dir(&dead).expect("an empty folder");
    registry.write_webhooks(&[good.entry("s", &EVENTS)]);
    let fault = until_health(&daemon, "deliveries", |message| message.is_some());
    let fault = fault.expect("a message");
    assert!(fault.contains("webhooks/dead"), "{fault}");
    // It stays while others arrive.
    for number in 1..4 {
        publish(&daemon, &format!("1.0.{number}"));
        good.until(number + 1);
        assert_eq!(health(&daemon, "deliveries"), Some(fault.clone()));
    }
    assert_eq!(dead_ones(&daemon), "0");

    fs::create_dir(&dead).expect("a folder");
    until_health(&daemon, "deliveries", |message| message.is_none());
    assert_eq!(files(&dead), 1);
    assert_eq!(dead_ones(&daemon), "1");
    assert!(daemon.stop().success());
    assert_eq!(audit(&registry, &["--action", "webhook.dead"]).len(), 1);
}

#[test]
fn what_could_not_be_announced_is_announced_later() {
    let registry = Registry::new(&json!({ "@open": [] }));
    let receiver = Receiver::willing();
    registry.write_webhooks(&[receiver.entry("s", &EVENTS)]);
    registry.write_config("[webhook]\nallow_private = true\n");
    let daemon = registry.rackd().start();
    publish(&daemon, "1.0.0");
    receiver.until(1);
    let (outbox, away) = (shelf(&registry, "outbox"), registry.root().join("away"));
    fs::rename(&outbox, &away).expect("a folder");
    publish(&daemon, "1.1.0");
    let fault = until_health(&daemon, "build", |message| message.is_some());
    assert!(fault.is_some_and(|fault| fault.contains("webhooks/outbox")));
    fs::rename(&away, &outbox).expect("a folder");
    until_health(&daemon, "build", |message| message.is_none());
    assert_eq!(receiver.until(2)[1].json()["version"], "1.1.0");
}

fn publish(daemon: &Rackd, version: &str) {
    let mut random = Random::seeded(1);
    let release = Release::new("@open", "item", version);
    let answer = daemon.publish(&release, ADMIN_TOKEN, &mut random);
    assert_eq!(answer.status, 201, "{}", answer.json());
}

fn shelf(registry: &Registry, name: &str) -> PathBuf {
    registry.state().join("webhooks").join(name)
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

fn health(daemon: &Rackd, check: &str) -> Option<String> {
    let health: Value = Request::get("/health").send(daemon.url()).ok()?.json();
    let message = &health["checks"][check]["message"];
    message.as_str().map(str::to_owned)
}

fn until_health(
    daemon: &Rackd,
    check: &str,
    is_so: impl Fn(Option<&str>) -> bool,
) -> Option<String> {
    wait::until(&format!("what /health says of {check}"), wait::LONG, || {
        let message = health(daemon, check);
        is_so(message.as_deref()).then_some(message)
    })
}

/// How many attempts ended in giving up, by the figures.
fn dead_ones(daemon: &Rackd) -> String {
    let figures = Request::get("/metrics")
        .send(daemon.url())
        .expect("an answer");
    let text = String::from_utf8_lossy(&figures.body).into_owned();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("rack_webhook_attempts_total{outcome=\"dead\"} "));
    line.unwrap_or("0").to_owned()
}
