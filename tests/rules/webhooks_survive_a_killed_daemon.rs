//! A daemon that is killed at any moment loses no delivery: for every 201 each event that somebody asked for arrives, every
//! attempt with the same id.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::thread;
use std::time::Duration;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::receiver::{Received, Receiver, Reply};
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::{proved, rounds, wait};
use serde_json::{Value, json};

const EVENTS: [&str; 3] = ["uploaded", "version.created", "build.completed"];
/// Longer than an upload and its deliveries take, so that some get through.
const LIFE: Duration = Duration::from_millis(500);

#[test]
fn webhooks_survive_a_killed_daemon() {
    let mut random = Random::announced("webhooks_survive_a_killed_daemon");
    let kills = rounds(5, 300);
    let registry = Registry::new(&json!({ "@open": [] }));
    // One takes its time, and one fails now and then, so that kills meet deliveries of every kind.
    let slow = Receiver::start(|_, _| {
        thread::sleep(Duration::from_millis(5));
        Reply::status(200)
    });
    let moody =
        Receiver::start(|_, before| Reply::status(if is_refused(before) { 500 } else { 200 }));
    registry.write_webhooks(&[slow.entry("s", &EVENTS), moody.entry("s", &EVENTS)]);
    let pauses =
        "retry_after = ['20ms', '50ms', '100ms', '200ms', '500ms', '1s', '1s', '1s', '1s', '1s']";
    registry.write_config(&format!("[webhook]\nallow_private = true\n{pauses}\n"));

    let mut daemon = registry.rackd().unhurried().start();
    let url = Arc::new(RwLock::new(daemon.url().to_owned()));
    let ends = AtomicBool::new(false);
    let uploaded: Vec<Release> = thread::scope(|scope| {
        let clients: Vec<_> = (0..2)
            .map(|client| {
                let (url, ends, random) = (url.clone(), &ends, random.fork());
                scope.spawn(move || upload(client, &url, ends, random))
            })
            .collect();
        for _ in 0..kills {
            // The moment is part of the experiment, so there is nothing else to wait for.
            thread::sleep(random.moment(LIFE));
            daemon.kill();
            daemon = registry.rackd().unhurried().start();
            *url.write().expect("no writer panics") = daemon.url().to_owned();
        }
        ends.store(true, Ordering::SeqCst);
        clients
            .into_iter()
            .flat_map(|client| client.join().expect("a client"))
            .collect()
    });

    wait::until("the last delivery", wait::LONG, || {
        let run = registry
            .rackgen(&["webhooks", "list", "--format", "json"])
            .exits(0);
        let document: Value = serde_json::from_str(&run.stdout).expect("JSON");
        let is_done = |endpoint: &Value| endpoint["pending"] == 0 && endpoint["dead"] == 0;
        document["endpoints"]
            .as_array()
            .expect("a list")
            .iter()
            .all(is_done)
            .then_some(())
    });
    let (by_slow, by_moody) = (slow.received(), moody.received());
    for received in [&by_slow, &by_moody] {
        assert_complete(&uploaded, received);
    }
    let deliveries = ids(&by_slow).len() + ids(&by_moody).len();
    let refused = (0..by_moody.len())
        .filter(|before| is_refused(*before))
        .count();
    let duplicates = by_slow.len() + by_moody.len() - refused - deliveries;
    proved(
        "webhooks survive a killed daemon",
        format!(
            "{kills} kills, {} uploads, {deliveries} deliveries to two endpoints, all arrived; {duplicates} came again that \
             had been taken, {refused} attempts were refused",
            uploaded.len(),
        ),
    );
}

/// Whether the moody one refuses what came after so many.
fn is_refused(before: usize) -> bool {
    before % 3 == 1
}

fn ids(received: &[Received]) -> BTreeSet<&str> {
    received.iter().map(Received::id).collect()
}

/// Each upload has each event, by one id, with one body.
fn assert_complete(uploaded: &[Release], received: &[Received]) {
    let mut bodies = BTreeMap::new();
    let mut of_versions = BTreeMap::<(String, String), BTreeSet<&str>>::new();
    let mut built = BTreeSet::new();
    for delivery in received {
        let first = bodies.entry(delivery.id()).or_insert(&delivery.body);
        assert_eq!(*first, &delivery.body, "{} has two bodies", delivery.id());
        let body = delivery.json();
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        if text("event") == "build.completed" {
            let lists = ["written", "replaced"]
                .into_iter()
                .filter_map(|key| body[key].as_array());
            built.extend(
                lists
                    .flatten()
                    .filter_map(|path| path.as_str().map(str::to_owned)),
            );
        } else {
            of_versions
                .entry((text("event"), text("path")))
                .or_default()
                .insert(delivery.id());
        }
    }
    for release in uploaded {
        for event in ["uploaded", "version.created"] {
            let ids = of_versions.get(&(event.to_owned(), release.address()));
            assert_eq!(
                ids.map(BTreeSet::len),
                Some(1),
                "{event} of {}",
                release.address()
            );
        }
        assert!(
            built.contains(&release.url()),
            "no build wrote {}",
            release.url()
        );
    }
}

fn upload(
    client: usize,
    url: &RwLock<String>,
    ends: &AtomicBool,
    mut random: Random,
) -> Vec<Release> {
    let mut uploaded = Vec::new();
    while !ends.load(Ordering::SeqCst) {
        let version = format!("1.{}.0", uploaded.len());
        let release = Release::new("@open", &format!("item-{client}"), &version);
        wait::until(&release.address(), 2 * wait::LONG, || {
            let url = url.read().expect("no writer panics").clone();
            let upload = Upload::new(Archive::pack(&release, &mut random));
            // A daemon that is dead, or dies meanwhile, gives no answer at all.
            let answer = upload.request().bearer(ADMIN_TOKEN).send(&url).ok()?;
            let is_there = answer.status == 201 || answer.json()["identical"] == json!(true);
            is_there.then_some(())
        });
        uploaded.push(release);
        thread::sleep(Duration::from_millis(20));
    }
    uploaded
}
