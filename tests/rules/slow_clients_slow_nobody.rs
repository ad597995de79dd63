//! Clients that send their uploads byte by byte keep nobody waiting, and are sent away when their time is over.

use std::thread;
use std::time::{Duration, Instant};

use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::http::{Exchange, Request};
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::{proved, rounds};
use serde_json::json;

/// Bytes that a slow upload promises.
const LENGTH: usize = 100_000;

/// Longer than the daemon is patient with an upload that does not come on.
const DEADLINE: Duration = Duration::from_secs(20);

#[test]
fn slow_clients_slow_nobody() {
    let mut random = Random::announced("slow_clients_slow_nobody");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let daemon = registry.rackd().unhurried().start();
    let idle = middle(&daemon, "idle", &mut random);

    let clients = rounds(100, 500);
    let start = Instant::now();
    let mut slow: Vec<Exchange> = (0..clients).map(|_| begin(&daemon)).collect();
    let busy = middle(&daemon, "busy", &mut random);
    let sent_away = |count: usize| {
        let metrics = Request::get("/metrics").send(daemon.url());
        let metrics = String::from_utf8(metrics.expect("an answer").body).expect("text");
        let line = "{outcome=\"refused\",reason=\"REQUEST_TIMEOUT\"} ";
        let is_so = match count {
            0 => !metrics.contains(line),
            _ => metrics.contains(&format!("{line}{count}\n")),
        };
        assert!(is_so, "not {count} in {metrics}");
    };
    // All those publishes were answered beside them, and not when they had gone.
    sent_away(0);
    // A byte a second each, for as long as they are let.
    let mut second = 0;
    while !slow.is_empty() {
        assert!(start.elapsed() < DEADLINE, "{} are still let", slow.len());
        second += 1;
        let next = start + Duration::from_secs(second);
        thread::sleep(next.saturating_duration_since(Instant::now()));
        slow.retain_mut(|exchange| exchange.send(b"x").is_ok());
    }
    sent_away(clients);
    proved(
        "slow clients slow nobody",
        format!(
            "{clients} uploads of a byte a second; a publish took {busy:?}, alone {idle:?}, ratio {:.2}",
            busy.as_secs_f64() / idle.as_secs_f64()
        ),
    );
    assert_eq!(daemon.stop().code(), Some(0));
}

fn begin(daemon: &Rackd) -> Exchange {
    let upload = Upload::new(Archive::of(vec![0; LENGTH])).request();
    let mut exchange = upload
        .bearer(ADMIN_TOKEN)
        .open(daemon.url())
        .expect("a connection");
    exchange
        .send(b"------a-line")
        .expect("the beginning of a body");
    exchange
}

/// How long a publish takes in the middle.
fn middle(daemon: &Rackd, item: &str, random: &mut Random) -> Duration {
    let mut took: Vec<Duration> = (0..15)
        .map(|patch| {
            let release = Release::new("@open", item, &format!("1.0.{patch}"));
            let start = Instant::now();
            let answer = daemon.publish(&release, ADMIN_TOKEN, random);
            assert_eq!(answer.status, 201, "{}", answer.json());
            start.elapsed()
        })
        .collect();
    took.sort();
    took[took.len() / 2]
}
