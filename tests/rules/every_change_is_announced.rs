//! Whoever listens is told of everything that changes, also of what `rackgen` and hands do beside the daemon, after it can
//! be read: which version, what is latest then, and which URLs a cache has to drop.

use std::collections::BTreeSet;
use std::fs;

use rack_tests::http::Request;
use rack_tests::random::Random;
use rack_tests::receiver::Receiver;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::{proved, rounds, wait};
use serde_json::{Value, json};

const EVENTS: [&str; 9] = [
    "uploaded",
    "version.created",
    "version.yanked",
    "version.unyanked",
    "version.deprecated",
    "version.undeprecated",
    "version.removed",
    "tag.updated",
    "build.completed",
];
const ITEM: &str = "@open/features/kept";

/// A receiver that is told of everything, and what of it was heard.
struct Listener {
    receiver: Receiver,
    heard: usize,
}

impl Listener {
    fn of(registry: &Registry) -> Self {
        let receiver = Receiver::willing();
        registry.write_webhooks(&[receiver.entry("a secret of the listener", &EVENTS)]);
        Self { receiver, heard: 0 }
    }

    /// The next bodies, once the last page of a build is among them: in the order of their numbers.
    fn next(&mut self) -> Vec<Value> {
        let bodies = wait::until("a build and what came of it", wait::LONG, || {
            let received = self.receiver.received();
            let mut bodies: Vec<Value> = received.iter().map(|it| it.json()).collect();
            bodies.sort_by_key(|body| body["sequence"].as_u64());
            let new = bodies.split_off(self.heard);
            // Numbers are given without a gap, so nothing is on its way before the last one.
            let numbers = (self.heard + 1..).zip(&new);
            let whole = numbers.clone().all(|(n, body)| body["sequence"] == n);
            let last = new.last()?;
            let ends = last["event"] == "build.completed" && last["page"] == last["pages"];
            (whole && ends).then_some(new)
        });
        self.heard += bodies.len();
        bodies
    }
}

fn names(bodies: &[Value]) -> Vec<&str> {
    let names = bodies.iter().map(|body| body["event"].as_str());
    names.map(|name| name.expect("an event")).collect()
}

fn paths<'a>(bodies: &'a [Value], what: &str) -> BTreeSet<&'a str> {
    let pages = bodies
        .iter()
        .filter(|body| body["event"] == "build.completed");
    let paths = pages.flat_map(|page| page[what].as_array().expect("a list"));
    paths.map(|path| path.as_str().expect("a path")).collect()
}

#[test]
fn every_change_is_announced() {
    let registry = Registry::new(&json!({ "@open": [] }));
    let mut listener = Listener::of(&registry);
    let daemon = registry.rackd().start();
    // The schemas are there from the start.
    assert_eq!(names(&listener.next()), ["build.completed"]);
    let release = |version| Release::new("@open", "kept", version).file("src/index.ts", version);
    let run = |args: &[&str]| registry.rackgen(args).exits(0);
    let of_2 = format!("{ITEM}@2.0.0");

    registry.put(&release("1.0.0"));
    run(&["build"]);
    let told = listener.next();
    assert_eq!(names(&told), ["version.created", "build.completed"]);
    let created = &told[0];
    assert_eq!(created["path"], format!("{ITEM}/1.0.0"));
    assert_eq!(
        created["latest"],
        json!({ "before": null, "after": "1.0.0" })
    );
    let urls = created["urls"].as_array().expect("a list");
    assert!(urls.contains(&json!(format!(
        "/registries/{ITEM}/1.0.0/files/src/index.ts"
    ))));
    let written = paths(&told, "written");
    for url in urls.iter().map(|url| url.as_str().expect("a path")) {
        assert!(written.contains(url), "{url} in {written:?}");
        let answer = Request::get(url).send(daemon.url()).expect("an answer");
        assert_eq!(answer.status, 200, "{url}");
    }

    registry.put(&release("2.0.0"));
    run(&["build"]);
    let told = listener.next();
    assert_eq!(
        told[0]["latest"],
        json!({ "before": "1.0.0", "after": "2.0.0" })
    );
    let replaced: Vec<String> = ["", "/versions"]
        .map(|end| format!("/registries/{ITEM}{end}"))
        .to_vec();
    assert_eq!(
        paths(&told, "replaced"),
        replaced.iter().map(String::as_str).collect()
    );

    let said = |told: &[Value], event: &str, key: &str, value: Value| {
        assert_eq!(names(told), [event, "build.completed"]);
        assert_eq!(told[0][key], value, "{}", told[0]);
    };
    run(&["yank", &of_2, "--reason", "it leaks"]);
    let told = listener.next();
    said(&told, "version.yanked", "reason", json!("it leaks"));
    assert_eq!(
        told[0]["latest"],
        json!({ "before": "2.0.0", "after": "1.0.0" })
    );
    run(&["unyank", &of_2]);
    said(
        &listener.next(),
        "version.unyanked",
        "version",
        json!("2.0.0"),
    );
    run(&["deprecate", &of_2, "--reason", "use 3"]);
    said(
        &listener.next(),
        "version.deprecated",
        "message",
        json!("use 3"),
    );
    run(&["undeprecate", &of_2]);
    said(
        &listener.next(),
        "version.undeprecated",
        "version",
        json!("2.0.0"),
    );
    run(&["tag", &of_2, "next"]);
    said(&listener.next(), "tag.updated", "version", json!("2.0.0"));
    run(&["untag", ITEM, "next"]);
    let told = listener.next();
    said(&told, "tag.updated", "tag", json!("next"));
    assert_eq!(
        (&told[0]["version"], &told[0]["path"]),
        (&Value::Null, &json!(ITEM))
    );
    run(&["remove", &of_2, "--reason", "a court says so"]);
    let told = listener.next();
    said(&told, "version.removed", "reason", json!("a court says so"));
    assert!(paths(&told, "removed").contains(&*format!("/registries/{ITEM}/2.0.0")));

    // Gated, it is gone for caches, and no version is removed.
    registry.write_access(json!({ "@open": [{ "token": "token-of-the-gate-5a1c" }] }).to_string());
    let told = listener.next();
    assert_eq!(names(&told), ["build.completed"]);
    assert!(paths(&told, "withdrawn").contains(&*format!("/registries/{ITEM}/1.0.0")));
    assert!(paths(&told, "written").is_empty() && paths(&told, "removed").is_empty());
}

#[test]
fn what_no_document_shows_is_announced() {
    let registry = Registry::open_and_gated();
    registry.put_file(&format!("{ITEM}/1.0.0/registry.json"), "{");
    let listener = Listener::of(&registry);
    let daemon = registry.rackd().start();
    for verb in ["yank", "unyank"] {
        let release = format!("{ITEM}@1.0.0");
        registry.rackgen(&[verb, &release]).exits(0);
    }
    let received = listener.receiver.until(2);
    daemon.stop();
    let mut bodies: Vec<Value> = received.iter().map(|it| it.json()).collect();
    bodies.sort_by_key(|body| body["sequence"].as_u64());
    // And no build, since no URL has changed.
    assert_eq!(names(&bodies), ["version.yanked", "version.unyanked"]);
}

#[test]
fn only_a_torn_announcement_is_forgotten() {
    let registry = Registry::open_and_gated();
    let folder = registry.state().join("webhooks/staged");
    fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("00000000000000000001.json");
    for torn in ["", "{\"format\": 1, \"ann", "{\"form\0\0"] {
        fs::write(&path, torn).expect("a file");
        registry.build();
        assert!(!path.exists(), "{torn:?}");
    }
    for other in ["{\"format\": 2}\n", "[]\n"] {
        fs::write(&path, other).expect("a file");
        let build = registry.rackgen(&["build"]).exits(2);
        assert!(
            build.names(&["staged/00000000000000000001.json"]),
            "{build}"
        );
        assert!(path.exists(), "{other:?}");
    }
}

#[test]
fn many_urls_come_in_pages() {
    let registry = Registry::new(&json!({ "@open": [] }));
    let mut listener = Listener::of(&registry);
    let _daemon = registry.rackd().start();
    listener.next();
    let releases: Vec<Release> = Release::many("@open", 90).collect();
    releases.iter().for_each(|release| registry.put(release));
    registry.build();

    let told = listener.next();
    let created = told
        .iter()
        .filter(|body| body["event"] == "version.created");
    assert_eq!(created.count(), releases.len());
    let pages: Vec<&Value> = told.iter().filter(|body| body["page"].is_u64()).collect();
    let numbers: Vec<u64> = pages
        .iter()
        .filter_map(|page| page["page"].as_u64())
        .collect();
    assert_eq!(numbers, (1..=pages.len() as u64).collect::<Vec<_>>());
    for page in &pages {
        let lists = ["written", "replaced", "removed", "withdrawn"].map(|what| &page[what]);
        let count: usize = lists
            .map(|list| list.as_array().expect("a list").len())
            .iter()
            .sum();
        assert!(
            count <= 1000 && (count == 1000 || page["page"] == page["pages"]),
            "{count}"
        );
        assert_eq!(page["pages"], pages.len());
    }
    let written = paths(&told, "written");
    assert!(written.len() > 1000, "{}", written.len());
    for release in &releases {
        assert!(written.contains(&*release.url()), "{}", release.url());
    }
}

/// A `rackgen` that is killed between the event in the item's log and its end has changed something, and the next start
/// of the daemon announces it.
#[test]
fn a_killed_rackgen_announces_what_it_did() {
    let mut random = Random::announced("a_killed_rackgen_announces_what_it_did");
    let registry = Registry::new(&json!({ "@open": [] }));
    let listener = Listener::of(&registry);
    let release = Release::new("@open", "kept", "1.0.0");
    registry.put(&release);
    registry.rackd().start().stop();
    let (mut kills, wanted, mut calls) = (0, rounds(6, 100), 0);
    let start = std::time::Instant::now();
    registry
        .rackgen(&["unyank", &format!("{ITEM}@1.0.0")])
        .exits(0);
    let whole = start.elapsed();
    while kills < wanted {
        calls += 1;
        let verb = if calls % 2 == 0 { "unyank" } else { "yank" };
        let args = [verb, &format!("{ITEM}@1.0.0")];
        let after = whole / 2 + random.moment(whole);
        kills += usize::from(registry.kill_rackgen(&args, after));
    }
    let daemon = registry.rackd().start();
    let log = fs::read_to_string(registry.source().join(ITEM).join("releases.jsonl"));
    let done = log.unwrap_or_default().lines().count();
    let told = wait::until("what was done", wait::LONG, || {
        let received = listener.receiver.received();
        let yanks = received.iter().filter(|delivery| {
            let event = delivery.json()["event"].clone();
            event == "version.yanked" || event == "version.unyanked"
        });
        let ids: BTreeSet<String> = yanks.map(|delivery| delivery.id().to_owned()).collect();
        (ids.len() >= done).then_some(ids.len())
    });
    assert_eq!(told, done, "nothing is told that did not happen");
    daemon.stop();
    proved(
        "a killed rackgen announces what it did",
        format!("{kills} kills in {calls} yanks and unyanks, {done} done, as many told"),
    );
}
