//! What happened has its line in the audit log, also where the daemon was killed before it could write it: each publish
//! exactly one, each yank at least one.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use rack_tests::audit::audit;
use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::http::Request;
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::wait;
use rack_tests::{proved, rounds};
use serde_json::{Value, json};

const CLIENTS: usize = 4;
/// Long enough for some to get through.
const LIFE: Duration = Duration::from_millis(500);

#[test]
fn a_kill_loses_no_audit_line() {
    let mut random = Random::announced("a_kill_loses_no_audit_line");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let kills = rounds(4, 200);
    let answered = Mutex::new(0);
    for round in 0..kills {
        let mut daemon = registry.rackd().unhurried().start();
        let url = daemon.url().to_owned();
        // It has opened all that it needs then, so that a kill comes between publishes and not before them.
        let first = Release::new("@open", "first", &format!("1.{round}.0"));
        let answer = daemon.publish(&first, ADMIN_TOKEN, &mut random);
        assert_eq!(answer.status, 201, "{}", answer.json());
        thread::scope(|scope| {
            for client in 0..CLIENTS {
                let (url, answered, random) = (&url, &answered, random.fork());
                scope.spawn(move || {
                    let done = publish_until_killed(url, &format!("{round}.{client}"), random);
                    *answered.lock().expect("no client panics") += done;
                });
            }
            // The moment is part of the experiment, so there is nothing else to wait for.
            thread::sleep(random.moment(LIFE));
            daemon.kill();
        });
    }
    stop(registry.rackd().start());

    let events = events(&registry);
    let lines = audit(&registry, &["--outcome", "ok"]);
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for line in &lines {
        *counts.entry(change(&line["action"], line)).or_default() += 1;
    }
    for event in &events {
        let count = counts.get(event).copied().unwrap_or_default();
        let is_told = match event.0 == "publish" {
            true => count == 1,
            false => count >= 1,
        };
        assert!(is_told, "{event:?} has {count} lines");
    }
    // No publish is told that was none.
    let told = lines.iter().filter(|line| line["action"] == "publish");
    let published = events.iter().filter(|event| event.0 == "publish").count();
    assert_eq!(told.count(), published);
    let answered = answered.into_inner().expect("no client panics");
    assert!(published >= answered, "{published} of {answered}");
    proved(
        "a kill loses no audit line",
        format!("{kills} kills, {} changes", events.len()),
    );
}

/// Killed between the publish and its line: there is the intent, and no line. Killed after it: there are both.
#[test]
fn the_next_start_writes_the_line_that_is_missing() {
    let mut random = Random::announced("the_next_start_writes_the_line_that_is_missing");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    for is_cut in [true, false] {
        // The barrier after which an intent goes comes a second later: on a busy machine the kill may come after it.
        wait::until("a kill while the intent is there", wait::LONG, || {
            killed_with_its_intent(&registry, &mut random).then_some(())
        });
        let before = audit(&registry, &[]);
        let log = registry.state().join("audit.jsonl");
        if is_cut {
            let text = fs::read_to_string(&log).expect("a log");
            let start = text[..text.len() - 1].rfind('\n').map_or(0, |end| end + 1);
            fs::write(&log, &text[..start + 20]).expect("a file");
            assert_eq!(audit(&registry, &[]).len(), before.len() - 1);
        }
        stop(registry.rackd().start());
        assert_eq!(audit(&registry, &[]), before, "cut: {is_cut}");
    }
}

/// Publishes, and kills the daemon; whether the intent was there still.
fn killed_with_its_intent(registry: &Registry, random: &mut Random) -> bool {
    let mut daemon = registry.rackd().start();
    let number = random.below(1 << 30);
    let release = Release::new("@open", "item", &format!("1.{number}.0"));
    let answer = daemon.publish(&release, ADMIN_TOKEN, random);
    daemon.kill();
    assert_eq!(answer.status, 201, "{}", answer.json());
    let mut intents = registry
        .state()
        .join("intents")
        .read_dir()
        .expect("a folder");
    intents.next().is_some()
}

/// Publishes versions and yanks each; how many uploads were answered with 201.
fn publish_until_killed(url: &str, prefix: &str, mut random: Random) -> usize {
    for number in 0.. {
        let name = format!("item-{}", prefix.replace('.', "-"));
        let release = Release::new("@open", &name, &format!("1.0.{number}"));
        let upload = Upload::new(Archive::pack(&release, &mut random)).request();
        let yank = Request::new("PUT", &format!("{}/yank", release.url())).json(&json!({}));
        for (request, status) in [(upload, 201), (yank, 200)] {
            match request.bearer(ADMIN_TOKEN).send(url) {
                Ok(answer) => assert_eq!(answer.status, status, "{}", answer.json()),
                Err(_) => return number,
            }
        }
    }
    0
}

fn stop(daemon: Rackd) {
    assert!(daemon.stop().success());
}

/// What the source tree says has happened.
fn events(registry: &Registry) -> Vec<(String, String, String)> {
    let features = registry.source().join("@open/features");
    // None got through, if the machine has much else to do.
    let items = features.read_dir().into_iter().flatten();
    let mut events = Vec::new();
    for item in items {
        let item = item.expect("an item").path();
        let log = fs::read_to_string(item.join("releases.jsonl")).unwrap_or_default();
        let name = item.file_name().expect("a name").to_string_lossy();
        let item = json!(format!("@open/features/{name}"));
        let whole = log
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        events.extend(whole.map(|line| {
            let mut event: Value = serde_json::from_str(line).expect("an event");
            event["item"] = item.clone();
            change(&event["event"], &event)
        }));
    }
    events
}

fn change(action: &Value, of: &Value) -> (String, String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(action), text(&of["item"]), text(&of["version"]))
}
