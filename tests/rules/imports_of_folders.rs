//! A storage folder is imported as it would be built: sound versions with their history, nothing behind a link, and
//! nothing in place of what is there.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::origin::{Answer, Origin};
use rack_tests::project_root;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::tree::{assert_same, contents, tree};
use serde_json::{Value, json};

#[test]
fn a_folder_of_ours_is_imported_with_its_history() {
    let mut random = Random::announced("a_folder_of_ours_is_imported_with_its_history");
    let access = json!({ "@open": [] });
    let origin = Registry::new(&access);
    let daemon = origin.rackd().start();
    for version in ["1.0.0", "1.1.0"] {
        let release = Release::new("@open", "item", version).file("a.txt", version);
        let answer = daemon.publish(&release, ADMIN_TOKEN, &mut random);
        assert_eq!(answer.status, 201, "{}", answer.json());
    }
    daemon.stop();
    let log = origin.source().join("@open/features/item/releases.jsonl");
    let yank = r#"{"event":"yank","version":"1.0.0","reason":"leaks","time":"2026-01-01T00:00:00Z","by":"ann"}"#;
    let lines = fs::read_to_string(&log).expect("a log");
    fs::write(&log, format!("{lines}{yank}\n")).expect("a file");
    origin.build();

    let ours = Registry::new(&access);
    let from = origin.source().display().to_string();
    ours.rackgen(&["import", "--from", &from]).exits(0);
    let source = contents(&ours.source());
    assert_same("the source", &contents(&origin.source()), &source);
    ours.build();
    let released = |registry: &Registry| {
        let mut tree = tree(&registry.public());
        tree.retain(|path, _| path.contains(".0/"));
        tree
    };
    // With the times, which ETags are made of.
    assert_same("its versions", &released(&origin), &released(&ours));

    ours.rackgen(&["import", "--from", &from]).exits(0);
    assert_same(
        "the source, imported again",
        &source,
        &contents(&ours.source()),
    );
}

#[test]
fn what_is_there_stays_and_links_are_not_followed() {
    let access = json!({ "@open": [] });
    let origin = Registry::new(&access);
    let item =
        |name: &str, version: &str| Release::new("@open", name, version).file("a.txt", "theirs\n");
    for release in [
        item("new", "1.0.0"),
        item("changed", "1.0.0"),
        item("twin", "1.0.0+b"),
        item("linked", "1.0.0"),
        item("removed", "1.0.0"),
    ] {
        origin.put(&release);
    }
    origin.put_file("secret.txt", "not to be taken\n");
    let file = origin.source().join("@open/features/linked/1.0.0/a.txt");
    fs::remove_file(&file).expect("a file of ours");
    symlink(origin.source().join("secret.txt"), &file).expect("a link");
    symlink(origin.source().join("@open"), origin.source().join("@link")).expect("a link");
    origin.put(&item("broken", "1.0.0").with("priority", -1));

    let ours = Registry::new(&access);
    ours.put(&Release::new("@open", "changed", "1.0.0").file("a.txt", "ours\n"));
    ours.put(&Release::new("@open", "twin", "1.0.0"));
    // Gone for good, and somebody put it back.
    ours.put(&item("removed", "1.0.0"));
    ours.build();
    let remove = [
        "remove",
        "@open/features/removed@1.0.0",
        "--reason",
        "it leaks",
    ];
    ours.rackgen(&remove).exits(0);
    ours.put(&item("removed", "1.0.0"));
    let before = contents(&ours.source());
    let from = origin.source().display().to_string();
    let run = ours.rackgen(&["import", "--from", &from]).exits(1);
    for words in [
        &["@open/features/changed/1.0.0: ", "other content"][..],
        &["@open/features/twin/1.0.0+b", "build metadata"],
        &["@open/features/removed/1.0.0: ", "removed for good"],
        &[
            "@open/features/linked/1.0.0/registry.json",
            "`a.txt`",
            "not there",
        ],
        &["@link", "symbolic link"],
        &["@open/features/broken/1.0.0/registry.json:", "priority"],
    ] {
        assert!(run.names(words), "{words:?}: {run}");
    }
    let mut expected = before;
    let new = contents(&origin.source().join("@open/features/new"));
    expected.extend(
        new.into_iter()
            .map(|(path, hash)| (format!("@open/features/new/{path}"), hash)),
    );
    let mut after = contents(&ours.source());
    let log = after.remove("@open/features/new/releases.jsonl");
    assert!(log.is_some(), "{after:?}");
    assert_same("the source", &expected, &after);
}

#[test]
fn what_was_removed_for_good_there_never_comes_to_be_here() {
    let mut random = Random::announced("what_was_removed_for_good_there_never_comes_to_be_here");
    let access = json!({ "@open": [] });
    let (origin, ours, copy) = (
        Registry::new(&access),
        Registry::new(&access),
        Registry::new(&access),
    );
    let release = Release::new("@open", "item", "1.0.0").file("a.txt", "leaks\n");
    origin.put(&release);
    origin.build();
    let from = origin.source().display().to_string();
    let import = ["import", "--from", &from];
    copy.rackgen(&import).exits(0);
    let remove = ["remove", "@open/features/item@1.0.0", "--reason", "leaks"];
    origin.rackgen(&remove).exits(0);

    ours.rackgen(&import).exits(0);
    let log = ours.source().join("@open/features/item/releases.jsonl");
    let removal = fs::read_to_string(&log).expect("a log");
    assert!(removal.contains("\"remove\""), "{removal}");
    ours.rackgen(&import).exits(0);
    assert_eq!(removal, fs::read_to_string(&log).expect("a log"));
    ours.build();
    let daemon = ours.rackd().start();
    let other = Release::new("@open", "item", "1.0.0").file("a.txt", "other\n");
    let answer = daemon.publish(&other, ADMIN_TOKEN, &mut random);
    assert_eq!(answer.status, 409, "{}", answer.json());

    // A copy from before has it still, and whoever made it is told.
    let run = copy.rackgen(&import).exits(2);
    let words = ["@open/features/item/1.0.0: ", "removed", "`rackgen remove`"];
    assert!(run.names(&words), "{run}");

    // Over there, somebody put it back.
    origin.put(&release);
    let run = Registry::new(&access).rackgen(&import);
    assert!(
        run.names(&["@open/features/item/1.0.0: ", "still"]),
        "{run}"
    );
}

#[test]
fn nothing_comes_into_what_stands_in_place_of_the_source() {
    let access = json!({ "@open": [] });
    let (origin, ours) = (Registry::new(&access), Registry::new(&access));
    origin.put(&Release::new("@open", "item", "1.0.0"));
    ours.build();
    let away = ours.root().join("away");
    fs::rename(ours.source(), &away).expect("a folder of ours");
    fs::create_dir(ours.source()).expect("a folder");
    let from = origin.source().display().to_string();
    let import = ["import", "--from", &from];
    let run = ours.rackgen(&import).exits(2);
    assert!(
        run.names(&["source", "`.rack-id`", "is it mounted"]),
        "{run}"
    );
    let left = fs::read_dir(ours.source()).expect("a folder");
    assert_eq!(left.count(), 0, "{run}");

    fs::remove_dir(ours.source()).expect("an empty folder");
    fs::rename(&away, ours.source()).expect("a folder of ours");
    ours.rackgen(&import).exits(0);
}

#[test]
fn a_source_that_goes_while_an_import_runs_ends_it() {
    let access = json!({ "@open": [] });
    let ours = Registry::new(&access);
    ours.build();
    let marker = ours.source().join(".rack-id");
    let origin = Origin::start(move |target, _| match target {
        "/registries/@open/features/item/versions" => {
            fs::remove_file(&marker).expect("a marker");
            Answer::json(&json!({ "versions": ["1.0.0"] }))
        }
        "/registries/@open/features/item/1.0.0" => {
            Answer::ok(Release::new("@open", "item", "1.0.0").manifest())
        }
        _ => Answer::json(&json!({ "registries": ["features/item"] })),
    });
    let url = origin.url();
    let run = ours.rackgen(&["import", "--from", &url, "--namespace", "@open"]);
    let run = run.exits(2);
    assert!(run.names(&["`.rack-id` is gone", "is it mounted"]), "{run}");
    assert!(!ours.source().join("@open").exists(), "{run}");
}

#[test]
fn what_is_damaged_here_is_not_there_already() {
    let access = json!({ "@open": [] });
    let (origin, ours) = (Registry::new(&access), Registry::new(&access));
    origin.put(&Release::new("@open", "item", "1.0.0").file("a.txt", "a\n"));
    origin.build();
    let daemon = origin.rackd().unhurried().start();
    let folder = origin.source().display().to_string();
    ours.rackgen(&["import", "--from", &folder]).exits(0);
    let file = ours.source().join("@open/features/item/1.0.0/a.txt");
    fs::write(&file, "damaged\n").expect("a file");
    for from in [&folder, daemon.url()] {
        let run = ours.rackgen(&["import", "--from", from]).exits(2);
        let words = ["@open/features/item/1.0.0", "other content", "left alone"];
        assert!(run.names(&words), "{run}");
        let left = fs::read_to_string(&file).expect("a file");
        assert_eq!(left, "damaged\n", "{run}");
    }
}

#[test]
fn no_time_to_come_is_taken() {
    let access = json!({ "@open": [] });
    let (origin, ours) = (Registry::new(&access), Registry::new(&access));
    for item in ["logged", "bare"] {
        origin.put(&Release::new("@open", item, "1.0.0"));
    }
    let to_come = SystemTime::now() + Duration::from_secs(365 * 24 * 60 * 60 * 100);
    let manifest = origin
        .source()
        .join("@open/features/bare/1.0.0/registry.json");
    let manifest = File::options().write(true).open(manifest).expect("a file");
    manifest.set_modified(to_come).expect("a time");
    let yank = r#"{"event":"yank","version":"1.0.0","reason":"x","time":"2400-01-01T00:00:00Z","by":"ann"}"#;
    let log = origin.source().join("@open/features/logged/releases.jsonl");
    fs::write(&log, format!("{yank}\n")).expect("a file");
    let from = origin.source().display().to_string();
    let mut logs = Vec::new();
    // Twice: what is known is not said again.
    for _ in 0..2 {
        ours.rackgen(&["import", "--from", &from]).exits(0);
        let read = |item| {
            let log = format!("@open/features/{item}/releases.jsonl");
            fs::read_to_string(ours.source().join(log)).expect("a log")
        };
        logs.push(["logged", "bare"].map(read).concat());
    }
    assert_eq!(logs[0], logs[1]);
    let events: Vec<Value> = logs[0]
        .lines()
        .map(|event| serde_json::from_str(event).expect("an event"))
        .collect();
    assert_eq!(events.len(), 3, "{events:?}");
    for event in events {
        let time = event["time"].as_str().expect("a time");
        assert!(time < "2100", "{event}");
    }
}

#[test]
fn what_is_past_the_limits_is_left_out() {
    let access = json!({ "@open": [] });
    let (origin, ours) = (Registry::new(&access), Registry::new(&access));
    let item = |name: &str, len: usize| {
        Release::new("@open", name, "1.0.0").file("a.txt", vec![b'a'; len])
    };
    origin.put(&item("small", 1024));
    origin.put(&item("large", 1025));
    origin.put(&item("wordy", 1).with("description", "a".repeat(5000)));
    let limits = "[limits]\nmax_file = \"1KiB\"\nmax_manifest = \"4KiB\"\n";
    fs::write(ours.root().join("rack.toml"), limits).expect("a file");
    let from = origin.source().display().to_string();
    let run = ours.rackgen(&["import", "--from", &from]).exits(1);
    for words in [
        ["@open/features/large/1.0.0", "`a.txt`", "max_file"],
        [
            "@open/features/wordy/1.0.0/registry.json",
            "",
            "max_manifest",
        ],
    ] {
        assert!(run.names(&words), "{words:?}: {run}");
    }
    let taken = fs::read_dir(ours.source().join("@open/features")).expect("a folder");
    assert_eq!(taken.count(), 1, "{run}");
}

#[test]
fn a_link_in_place_of_the_staging_folder_leads_nowhere() {
    let access = json!({ "@open": [] });
    let (origin, ours) = (Registry::new(&access), Registry::new(&access));
    origin.put(&Release::new("@open", "item", "1.0.0"));
    let outside = ours.root().join("outside");
    fs::create_dir(&outside).expect("a folder");
    symlink(&outside, ours.source().join(".staging")).expect("a link");
    let from = origin.source().display().to_string();
    let run = ours.rackgen(&["import", "--from", &from]).exits(2);
    assert!(run.names(&[".staging", "symbolic link"]), "{run}");
    let left = fs::read_dir(&outside).expect("a folder");
    assert_eq!(left.count(), 0, "{run}");
}

#[test]
fn a_registry_is_not_imported_into_itself() {
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.put(&Release::new("@open", "item", "1.0.0"));
    for from in ["source", "source/@open", "."] {
        let run = registry.rackgen(&["import", "--from", from]).exits(2);
        assert!(run.names(&[from, "one lies in the other"]), "{run}");
    }
    let empty = registry.root().join("empty");
    fs::create_dir(&empty).expect("a folder");
    let run = registry.rackgen(&["import", "--from", "empty"]).exits(2);
    assert!(run.names(&["empty", "no namespace and no preset"]), "{run}");
}

#[test]
fn the_sample_is_imported_and_served_the_same() {
    // It comes beside the checkout, because it is not ours to copy.
    let sample = project_root().join("../shared/sample");
    if !sample.is_dir() {
        println!("SKIPPED: there is no {}", sample.display());
        return;
    }
    let access = json!({ "@rack": [] });
    let (copied, imported) = (Registry::new(&access), Registry::new(&access));
    rack_tests::tree::copy(&sample, &copied.source());
    copied.build();
    let from = sample.display().to_string();
    let before = tree(Path::new(&sample));
    imported.rackgen(&["import", "--from", &from]).exits(0);
    assert_same("the sample", &before, &tree(&sample));
    imported.build();
    assert_same(
        "public",
        &contents(&copied.public()),
        &contents(&imported.public()),
    );
}
