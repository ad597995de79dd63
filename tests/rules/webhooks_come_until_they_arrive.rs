//! A receiver may fail in any way: a delivery comes again, with the same id, until it arrives or is given up; and no
//! receiver holds up the daemon.

use std::time::{Duration, Instant};

use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::random::Random;
use rack_tests::receiver::{Received, Receiver, Reply};
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::wait;
use serde_json::{Value, json};

/// A registry that has told a receiver of one event.
struct Told {
    registry: Registry,
    daemon: Rackd,
    receiver: Receiver,
}

impl Told {
    fn by(name: &str, reply: impl Fn(&Received, usize) -> Reply + Send + Sync + 'static) -> Self {
        let mut random = Random::announced(name);
        let registry = Registry::new(&json!({ "@open": [] }));
        let receiver = Receiver::start(reply);
        registry.write_webhooks(&[receiver.entry("s", &["version.created"])]);
        let daemon = registry.rackd().start();
        let release = Release::new("@open", "item", "1.0.0");
        let answer = daemon.publish(&release, ADMIN_TOKEN, &mut random);
        assert_eq!(answer.status, 201, "{}", answer.json());
        Self {
            registry,
            daemon,
            receiver,
        }
    }

    /// The delivery, as soon as nothing more is to be done for it.
    fn over(&self) -> Value {
        wait::until("the end of the delivery", wait::LONG, || {
            let run = self
                .registry
                .rackgen(&["webhooks", "deliveries", "--format", "json"]);
            let document: Value = serde_json::from_str(&run.exits(0).stdout).expect("JSON");
            let delivery = document["deliveries"][0].clone();
            let is_over = ["delivered", "dead"].contains(&delivery["standing"].as_str()?);
            is_over.then_some(delivery)
        })
    }

    /// After one attempt that failed like this, another one arrived.
    fn arrives_the_second_time(&self, fault: &str) {
        let delivery = self.over();
        assert_eq!(delivery["standing"], "delivered", "{delivery}");
        let attempts = delivery["attempts"].as_array().expect("a list");
        assert_eq!(attempts.len(), 2, "{delivery}");
        let first = attempts[0]["fault"].as_str().expect("a fault");
        assert!(first.contains(fault), "{first}");
        let received = self.receiver.received();
        assert_eq!(received.len(), 2);
        assert_eq!(received[0].id(), received[1].id());
        assert_eq!(received[0].body, received[1].body);
    }
}

fn first_time(reply: Reply) -> impl Fn(&Received, usize) -> Reply {
    move |_, before| match before {
        0 => reply.clone(),
        _ => Reply::status(200),
    }
}

#[test]
fn after_a_failure() {
    let told = Told::by("after_a_failure", first_time(Reply::status(500)));
    told.arrives_the_second_time("it answered 500");
}

#[test]
fn after_silence() {
    let told = Told::by("after_silence", first_time(Reply::Silence));
    told.arrives_the_second_time("no answer within 500ms");
}

#[test]
fn after_a_redirect() {
    let redirect = Reply::with(302, "Location: http://127.0.0.1:1/\r\n");
    let told = Told::by("after_a_redirect", first_time(redirect));
    told.arrives_the_second_time("redirects are not followed");
}

#[test]
fn after_a_lost_connection() {
    let told = Told::by("after_a_lost_connection", first_time(Reply::Reset));
    told.arrives_the_second_time("");
}

#[test]
fn after_as_long_as_it_asks_to_wait() {
    let busy = Reply::with(429, "Retry-After: 1\r\n");
    let told = Told::by("after_as_long_as_it_asks_to_wait", first_time(busy));
    told.arrives_the_second_time("it answered 429");
    let received = told.receiver.received();
    let waited = received[1].at.duration_since(received[0].at);
    assert!(waited >= Duration::from_millis(990), "{waited:?}");
}

#[test]
fn an_answer_without_an_end_is_an_answer() {
    let start = Instant::now();
    let told = Told::by("an_answer_without_an_end_is_an_answer", |_, _| {
        Reply::Endless
    });
    let delivery = told.over();
    assert_eq!(delivery["standing"], "delivered", "{delivery}");
    assert_eq!(delivery["attempts"][0]["status"], 200, "{delivery}");
    assert!(told.daemon.peak_memory() < 200 << 20);
    assert!(told.daemon.stop().success());
    assert!(start.elapsed() < wait::LONG);
}

#[test]
fn until_the_last_pause_is_over() {
    let told = Told::by("until_the_last_pause_is_over", |_, _| Reply::status(503));
    let delivery = told.over();
    assert_eq!(delivery["standing"], "dead", "{delivery}");
    assert_eq!(told.receiver.received().len(), 3);
    assert_eq!(delivery["next"], Value::Null);
    wait::until("the figures", wait::LONG, || {
        let metrics = rack_tests::http::Request::get("/metrics").send(told.daemon.url());
        let text = String::from_utf8(metrics.ok()?.body).ok()?;
        [
            "rack_webhook_attempts_total{outcome=\"failed\"} 2",
            "rack_webhook_attempts_total{outcome=\"dead\"} 1",
            "rack_webhook_dead 1",
            "rack_webhook_pending 0",
            "rack_webhook_oldest_pending_seconds 0",
        ]
        .iter()
        .all(|line| text.contains(line))
        .then_some(())
    });
}
