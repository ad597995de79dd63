//! `rackgen watch` builds what changes in the source tree and in the access file, and says what, how much and how long;
//! what is broken is reported, and what was served of it stays until it is mended.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rack_tests::lock::HeldLock;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::running::Running;
use rack_tests::tree::{assert_same, contents};
use serde_json::{Value, json};

/// What may come before a build: `what is said: how many resources, how many bytes, how long`.
fn says(line: &str, what: &str) -> bool {
    let rest = line.strip_prefix(what).unwrap_or_default();
    let words = [": ", " resources written (", " removed, in ", " s"];
    rest.starts_with(words[0]) && words.iter().all(|word| rest.contains(word))
}

#[test]
fn watch_builds_what_changed() {
    let registry =
        Registry::new(&json!({ "@open": [], "@team": [{ "token": "secret-of-the-team-0b6e" }] }));
    let first =
        Release::new("@open", "first", "1.0.0").file("src/index.ts", "export const first = 1\n");
    registry.put(&first);
    registry.put(&Release::new("@team", "secret", "1.0.0"));
    let mut watch = Running::start(&registry, &["watch"]);
    let public = registry.public();
    let is_served = |path: &str| {
        public
            .join("registries")
            .join(path)
            .join("index.json")
            .exists()
    };
    watch.until("the first build", |watch| {
        says(&watch.printed(), "everything")
    });

    registry.put(&Release::new("@open", "first", "1.1.0"));
    watch.until("a new version", |_| {
        latest(&public, "@open/features/first") == "1.1.0"
    });
    watch.until("its line", |watch| {
        watch
            .printed()
            .lines()
            .any(|line| says(line, "@open/features/first"))
    });

    registry.put_file(
        &format!("{}/src/index.ts", first.address()),
        "export const first = 2\n",
    );
    let file = format!("registries/{}/files/src/index.ts", first.address());
    watch.until("an edit", |_| {
        fs::read_to_string(public.join(&file)).is_ok_and(|text| text.contains("= 2"))
    });

    registry.put(&Release::new("@open", "second", "1.0.0").with("path", "features/first/second"));
    watch.until("an item in an item", |_| {
        is_served("@open/features/first/second/1.0.0")
    });

    // The events are about the folders that were made, too.
    registry.put(&Release::new("@open", "deep", "1.0.0").with("path", "features/a/b/c/deep"));
    watch.until("an item in folders that are new", |_| {
        is_served("@open/features/a/b/c/deep/1.0.0")
    });
    assert_eq!(watch.complained(), "");

    registry
        .rackgen(&["yank", "@open/features/first@1.1.0", "--reason", "it leaks"])
        .exits(0);
    watch.until("a yank by somebody else", |_| {
        latest(&public, "@open/features/first") == "1.0.0"
    });

    // An event that came with `git pull`, say.
    let log = "@open/features/first/releases.jsonl";
    let events = fs::read_to_string(registry.source().join(log)).expect("a log");
    let event = json!({ "event": "unyank", "version": "1.1.0", "time": "2026-11-28T00:00:00Z", "by": "a colleague" });
    registry.put_file(log, format!("{events}{event}\n"));
    watch.until("an event", |_| {
        latest(&public, "@open/features/first") == "1.1.0"
    });

    let manifest = format!("{}/registry.json", first.address());
    let good = fs::read(registry.source().join(&manifest)).expect("a manifest");
    registry.put_file(&manifest, "{ \"name\": oops }");
    watch.until("a complaint", |watch| {
        watch.complained().contains(&format!("{manifest}:1:"))
    });
    assert!(is_served(&first.address()), "what was served of it stays");
    registry.put_file(
        &manifest,
        String::from_utf8_lossy(&good).replace("\"priority\": 5", "\"priority\": 7"),
    );
    watch.until("a mended manifest", |_| {
        document(&public, &first.address())["priority"] == 7
    });

    let aside = registry.root().join("aside");
    Release::many("@open", 3).for_each(|release| release.put(&aside));
    fs::rename(
        aside.join("@open/features"),
        registry.source().join("@open/more"),
    )
    .expect("a folder of ours");
    watch.until("a folder that was moved in", |_| {
        is_served("@open/more/item-2/1.1.0")
    });
    fs::remove_dir_all(registry.source().join("@open/more/item-2")).expect("a folder of ours");
    watch.until("a folder that is gone", |_| {
        !public.join("registries/@open/more/item-2").exists()
    });

    assert!(!is_served("@team/features/secret/1.0.0"));
    registry.write_access(json!({ "@open": [], "@team": [] }).to_string());
    watch.until("a namespace that was opened", |_| {
        is_served("@team/features/secret/1.0.0")
    });
    let team = registry.source().join("@team");
    fs::rename(&team, registry.root().join("team")).expect("a folder of ours");
    symlink(registry.root().join("team"), &team).expect("a link");
    watch.until("a namespace that became a link", |watch| {
        let list = fs::read_to_string(public.join("namespaces/index.json")).expect("a list");
        watch.complained().contains("symbolic link") && !list.contains("@team")
    });
    assert!(!is_served("@team/features/secret/1.0.0"));
    fs::remove_file(&team).expect("a link of ours");
    fs::rename(registry.root().join("team"), &team).expect("a folder of ours");
    watch.until("a folder in its place", |_| {
        is_served("@team/features/secret/1.0.0")
    });
    registry.write_access("{ \"@open\": ");
    watch.until("a complaint", |watch| {
        watch.complained().contains("access.json")
    });
    assert!(
        is_served("@team/features/secret/1.0.0"),
        "what is served stays"
    );
    registry.write_access(json!({ "@open": [] }).to_string());
    watch.until("a namespace that was closed", |_| {
        !public.join("registries/@team").exists()
    });

    drop(watch);
    let full = registry.copy();
    full.build();
    assert_same("in the end", &contents(&full.public()), &contents(&public));
}

#[test]
fn a_watch_tries_again() {
    let registry = Registry::new(&json!({ "@open": [] }));
    let first = Release::new("@open", "first", "1.0.0");
    registry.put(&first);
    let lock = HeldLock::take(&registry.source());
    let mut watch = Running::start(&registry, &["watch"]);
    let complaints = |watch: &Running| watch.complained().matches("is locked").count();
    watch.until("a complaint", |watch| complaints(watch) == 1);
    // Nothing else happens from here on.
    drop(lock);
    watch.until("another try", |watch| says(&watch.printed(), "everything"));
    assert_eq!(complaints(&watch), 1);
    let public = registry.public();
    assert_eq!(latest(&public, "@open/features/first"), "1.0.0");
}

#[test]
fn a_watch_names_the_faults_of_the_access_file() {
    let registry = Registry::new(&json!({ "@open": [] }));
    let mut watch = Running::start(&registry, &["watch", "--format", "json"]);
    let reports = |watch: &Running| watch.printed().lines().count();
    watch.until("the first build", |watch| reports(watch) == 1);
    let until = json!([{ "token": "secret-of-the-team-0b6e", "expiresAt": "soon" }]);
    registry.write_access(json!({ "@open": [], "@team": until }).to_string());
    watch.until("a build", |watch| reports(watch) > 1);
    // One is written down, and not again with every build.
    let before = reports(&watch);
    registry.write_access(json!({ "@more": [], "@open": [], "@team": until }).to_string());
    watch.until("another build", |watch| reports(watch) > before);
    let told = watch.complained();
    assert_eq!(told.matches("`@team` is not declared").count(), 1, "{told}");
    for line in watch.printed().lines() {
        serde_json::from_str::<Value>(line).expect("one document a line");
    }
}

fn document(public: &Path, address: &str) -> Value {
    let path = public.join("registries").join(address).join("index.json");
    fs::read(path).map_or(Value::Null, |bytes| {
        serde_json::from_slice(&bytes).expect("JSON")
    })
}

fn latest(public: &Path, item: &str) -> String {
    document(public, item)["version"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}
