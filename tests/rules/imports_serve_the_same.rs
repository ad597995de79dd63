//! What is imported from a registry is served as it was there: the same bytes at every URL, gated where it was
//! gated. What is there already is not loaded again.

use std::fs;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::origin::{Answer, Origin};
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::tree::{assert_same, contents, sha256};
use serde_json::{Value, json};

const TOKEN: &str = "team-reads-7c11";

#[test]
fn imports_serve_the_same() {
    let mut random = Random::announced("imports_serve_the_same");
    let access = json!({ "@open": [], "@more": [], "@team": [{ "token": TOKEN }] });
    let origin = Registry::new(&access);
    let preset =
        json!({ "name": "start", "version": "1.0.0", "registries": ["@open/features/item-0"] });
    origin.put_file("presets/start/preset.json", preset.to_string());
    let daemon = origin.rackd().unhurried().start();
    let nested = Release::new("@open", "item-0", "2.0.0-rc.1+build.5")
        .with("path", "features/item-0/item-0");
    let gated = Release::new("@team", "secret", "1.0.0").file("src/secret.ts", "export {}\n");
    let releases = Release::many("@open", 4).chain(Release::many("@more", 2));
    let releases: Vec<Release> = releases.chain([nested, gated]).collect();
    for release in &releases {
        let answer = daemon.publish(release, ADMIN_TOKEN, &mut random);
        assert_eq!(answer.status, 201, "{}", answer.json());
    }

    let ours = Registry::new(&access).setting("RACK_TOKEN", TOKEN);
    let args = [
        "import",
        "--from",
        daemon.url(),
        "--preset",
        "start",
        "--format",
        "json",
    ];
    let dry = ours.rackgen(&[&args[..], &["--dry-run"]].concat()).exits(0);
    let dry: Value = serde_json::from_str(&dry.stdout).expect("one document");
    assert_eq!(
        dry["take"].as_array().map(Vec::len),
        Some(releases.len()),
        "{dry}"
    );
    assert!(
        contents(&ours.source()).is_empty(),
        "a dry run takes nothing"
    );

    let first = counts(&ours.rackgen(&args).exits(0).stdout);
    assert_eq!(first, (releases.len() as u64, 0));
    ours.build();
    for (what, theirs, ours) in [
        ("public", origin.public(), ours.public()),
        ("private", origin.private(), ours.private()),
    ] {
        assert_same(what, &contents(&theirs), &contents(&ours));
    }

    let before = contents(&ours.source());
    let again = counts(&ours.rackgen(&args).exits(0).stdout);
    assert_eq!(again, (0, releases.len() as u64));
    assert_same(
        "the source, imported again",
        &before,
        &contents(&ours.source()),
    );

    let stranger = Registry::new(&access);
    let run = stranger.rackgen(&["import", "--from", daemon.url(), "--namespace", "@team"]);
    let run = run.exits(2);
    assert!(
        run.names(&["/namespaces/@team/registries", "401", "UNAUTHORIZED"]),
        "{run}"
    );
}

/// An origin that has an item of one version, and says this of its versions.
fn of_one_version(manifest: Vec<u8>, versions: Value) -> Origin {
    Origin::start(move |target, _| match target {
        "/registries/@open/features/item/versions" => Answer::json(&versions),
        "/registries/@open/features/item/1.0.0" => Answer::ok(&manifest),
        _ => Answer::json(&json!({ "registries": ["features/item"] })),
    })
}

#[test]
fn what_the_origin_tells_of_a_version_is_kept() {
    let release = Release::new("@open", "item", "1.0.0");
    let manifest = release.manifest();
    let archive = "ab".repeat(32);
    let document = json!({
        "versions": [],
        "digests": { "1.0.0": { "manifest": sha256(&manifest), "archive": archive } },
        "time": { "1.0.0": "2026-01-02T03:04:05Z" },
        "yanked": { "1.0.0": { "reason": "leaks", "time": "2026-02-03T04:05:06Z" } },
        "deprecated": { "1.0.0": "use another" },
        "tags": { "beta": "1.0.0", "elsewhere": "9.9.9" },
    });
    let origin = of_one_version(manifest, document);
    let registry = Registry::new(&json!({ "@open": [] }));
    let url = origin.url();
    let args = ["import", "--from", &url, "--namespace", "@open"];
    // Twice: what is known is not said again.
    registry.rackgen(&args).exits(0);
    registry.rackgen(&args).exits(0);
    let log = registry.source().join("@open/features/item/releases.jsonl");
    let log = fs::read_to_string(log).expect("a log");
    let events = log.lines().map(serde_json::from_str);
    let events: Vec<Value> = events.map(|event| event.expect("an event")).collect();
    let [publish, yank, deprecation, tag] = &events[..] else {
        panic!("four events: {log}");
    };
    assert_eq!(publish["time"], "2026-01-02T03:04:05Z");
    assert_eq!(publish["by"], "import");
    assert_eq!(publish["archive"], archive);
    assert_eq!(yank["event"], "yank");
    assert_eq!(yank["reason"], "leaks");
    assert_eq!(yank["time"], "2026-02-03T04:05:06Z");
    assert_eq!(deprecation["event"], "deprecate");
    assert_eq!(deprecation["message"], "use another");
    assert_eq!(tag["event"], "tag");
    assert_eq!(tag["tag"], "beta");
    let asked = origin.targets().into_iter();
    let loads = asked.filter(|target| target.ends_with("/1.0.0")).count();
    assert_eq!(loads, 1, "its digest says that it is there");
}

#[test]
fn an_origin_that_changes_its_mind_is_followed_and_a_hand_is_not_overruled() {
    let first = json!({
        "versions": ["1.1.0"],
        "yanked": { "1.0.0": { "reason": "leaks", "time": "2026-02-03T04:05:06Z" } },
        "deprecated": { "1.0.0": "old", "1.1.0": "old" },
        "tags": { "beta": "1.1.0", "next": "1.1.0", "ours": "1.1.0" },
    });
    let second = json!({
        "versions": ["1.1.0", "1.0.0"],
        "yanked": {},
        "deprecated": { "1.0.0": "older" },
        "tags": { "beta": "1.0.0", "ours": "1.1.0" },
    });
    let silent = json!({ "versions": ["1.1.0", "1.0.0"], "tags": null });
    let origin = Origin::start(move |target, before| match target {
        "/registries/@open/features/item/versions" => {
            Answer::json([&first, &second, &second, &silent][before])
        }
        "/registries/@open/features/item/1.0.0" => {
            Answer::ok(Release::new("@open", "item", "1.0.0").manifest())
        }
        "/registries/@open/features/item/1.1.0" => {
            Answer::ok(Release::new("@open", "item", "1.1.0").manifest())
        }
        _ => Answer::json(&json!({ "registries": ["features/item"] })),
    });
    let registry = Registry::new(&json!({ "@open": [] }));
    let url = origin.url();
    let args = ["import", "--from", &url, "--namespace", "@open"];
    let log = registry.source().join("@open/features/item/releases.jsonl");
    let read = || fs::read_to_string(&log).expect("a log");
    registry.rackgen(&args).exits(0);
    registry.build();
    let by_hand = ["untag", "@open/features/item", "ours"];
    registry.rackgen(&by_hand).exits(0);
    let before = read();

    registry.rackgen(&args).exits(0);
    let after = read();
    let new = after.strip_prefix(&before).expect("nothing is rewritten");
    let mut new: Vec<Value> = new
        .lines()
        .map(|event| serde_json::from_str(event).expect("an event"))
        .collect();
    for event in &mut new {
        let event = event.as_object_mut().expect("an object");
        assert_eq!(event.remove("by"), Some(json!("import")));
        event.remove("time");
    }
    let expected = [
        json!({ "event": "deprecate", "version": "1.0.0", "message": "older" }),
        json!({ "event": "tag", "tag": "beta", "version": "1.0.0" }),
        json!({ "event": "unyank", "version": "1.0.0" }),
        json!({ "event": "undeprecate", "version": "1.1.0" }),
        json!({ "event": "untag", "tag": "next" }),
    ];
    assert_eq!(new, expected);

    for _ in 0..2 {
        registry.rackgen(&args).exits(0);
        assert_eq!(after, read(), "known, or not spoken of");
    }
}

#[test]
fn what_an_origin_says_in_other_words_takes_no_version_away() {
    let release = Release::new("@open", "item", "1.0.0");
    let manifest = release.manifest();
    let document = json!({
        "versions": ["1.0.0"],
        "digests": [],
        "time": { "created": "2026-01-02T03:04:05Z", "1.0.0": "2026-01-02T03:04:05Z" },
        "yanked": { "1.0.0": false },
        "deprecated": { "1.0.0": true },
        "tags": null,
        "latest": { "is": "nobody's business" },
    });
    let origin = of_one_version(manifest, document);
    let registry = Registry::new(&json!({ "@open": [] }));
    let url = origin.url();
    let run = registry.rackgen(&["import", "--from", &url, "--namespace", "@open"]);
    let run = run.exits(0);
    for words in [
        ["item/versions: ", "`digests` is no object"],
        ["item/versions: ", "1 entries of its `time`"],
        ["item/versions: ", "1 entries of its `yanked`"],
        ["item/versions: ", "1 entries of its `deprecated`"],
    ] {
        assert!(run.names(&words), "{words:?}: {run}");
    }
    assert!(!run.names(&["`tags`"]), "{run}");
    let log = registry.source().join("@open/features/item/releases.jsonl");
    let log = fs::read_to_string(log).expect("a log");
    let event: Value = serde_json::from_str(&log).expect("one event");
    assert_eq!(event["time"], "2026-01-02T03:04:05Z");
}

/// Versions that were taken, and that were there.
fn counts(printed: &str) -> (u64, u64) {
    let report: Value = serde_json::from_str(printed).expect("one document");
    let count = |key: &str| report["versions"][key].as_u64().expect("a number");
    (count("taken"), count("there"))
}
