//! `rackgen publish` as a job that is run again: `--skip-existing` makes the same content a success and nothing else,
//! `--wait` ends when the version can be read, and what a server finds is shown as `rackgen check` shows it.

use std::fs;

use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::line::{Fault, Line};
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::registry::{Registry, Run};
use rack_tests::release::Release;
use serde_json::{Value, json};

const NOT_YET: &str = "HTTP/1.1 404 None\r\nConnection: close\r\nContent-Length: 49\r\n\r\n\
    {\"code\":\"NOT_FOUND\",\"message\":\"there is nothing\"}";
const FORBIDDEN: &str =
    "HTTP/1.1 403 No\r\nConnection: close\r\nContent-Length: 16\r\n\r\n{\"code\":\"A_WORD\"";

fn registry() -> (Registry, Rackd) {
    let mut registry = Registry::new(&json!({ "@open": [] }));
    registry.set("RACK_TOKEN", ADMIN_TOKEN);
    let daemon = registry.rackd().unhurried().start();
    (registry, daemon)
}

#[test]
fn an_identical_republish_is_a_success_where_that_is_meant() {
    let (registry, daemon) = registry();
    let release = Release::new("@open", "item", "1.0.0+b.1").file("a.txt", "a");
    release.put_at(registry.root(), "item");
    let live = format!("{}{}", daemon.url(), release.url());
    let publish = |args: &[&str]| {
        registry.rackgen(&[&["publish", "item", "--url", daemon.url()], args].concat())
    };
    let json = |run: Run| serde_json::from_str::<Value>(&run.stdout).expect("JSON");

    let checked = json(publish(&["--dry-run", "--format", "json"]).exits(0));
    let created = json(publish(&["--skip-existing", "--wait", "--format", "json"]).exits(0));
    let digest = &created["digest"];
    assert_eq!(
        created,
        json!({ "url": live, "digest": digest, "outcome": "created" })
    );
    assert_eq!(
        checked,
        json!({ "url": live, "digest": digest, "outcome": "checked" })
    );
    let identical = json(publish(&["--skip-existing", "--format", "json"]).exits(0));
    assert_eq!(
        identical,
        json!({ "url": live, "digest": digest, "outcome": "identical" })
    );
    let again = publish(&["--skip-existing"]).exits(0);
    assert_eq!(
        again.stdout,
        format!("was there already, with the same content: {live}\n")
    );
    assert_eq!(again.stderr, "");
    let refused = publish(&[]).exits(2);
    assert!(
        refused.names(&["409 VERSION_EXISTS", "with the same content"]),
        "{refused}"
    );

    release.file("b.txt", "b").put_at(registry.root(), "item");
    let refused = publish(&["--skip-existing"]).exits(2);
    assert!(
        refused.names(&["409 VERSION_EXISTS", "with other content"]),
        "{refused}"
    );
}

#[test]
fn a_publish_that_waits_ends_when_the_version_can_be_read() {
    let (registry, daemon) = registry();
    Release::new("@open", "item", "1.0.0").put_at(registry.root(), "item");
    let publish = ["publish", "item", "--wait", "--skip-existing"];
    let faults = [Fault::None, Fault::Answer(NOT_YET), Fault::Reset];
    let line = Line::to(daemon.address(), faults);
    let waited = registry
        .rackgen(&[&publish[..], &["--url", &line.url()]].concat())
        .exits(0);
    let url = format!("{}/registries/@open/features/item/1.0.0", line.url());
    assert!(
        waited.names(&[&url, "waiting until it can be read: 404 NOT_FOUND"]),
        "{waited}"
    );
    assert_eq!(line.requests().len(), 3, "{waited}");

    let line = Line::to(daemon.address(), [Fault::None, Fault::Answer(FORBIDDEN)]);
    let refused = registry
        .rackgen(&[&publish[..], &["--url", &line.url()]].concat())
        .exits(2);
    assert!(
        refused.names(&["rackgen: ", "/item/1.0.0: 403"]),
        "{refused}"
    );
}

#[test]
fn what_a_server_finds_is_shown_as_a_check_shows_it() {
    let (registry, daemon) = registry();
    let mut random = Random::announced("what_a_server_finds_is_shown_as_a_check_shows_it");
    let faulty = Release::new("@open", "item", "1.0.0")
        .with("priority", -1)
        .with("tags", json!([""]));
    let spare = Release::new("@open", "item", "1.0.0").undeclared("b.txt", "b");
    for (release, last) in [
        (
            faulty,
            "400 SCHEMA_VALIDATION_FAILED: `registry.json` is not valid, in 2 places",
        ),
        (spare, "400 UNDECLARED_FILE: "),
    ] {
        let archive = registry.root().join("item.tgz");
        fs::write(&archive, Archive::pack(&release, &mut random).bytes).expect("a file");
        let publish = ["publish", "item.tgz", "--url", daemon.url()];
        let published = registry.rackgen(&publish).exits(2);
        let checked = registry.rackgen(&["check", "item.tgz"]).exits(1);
        // The lines with what is wrong and where; what to do is known only to who has the file.
        let places = |run: &Run| {
            let lines = run
                .stderr
                .lines()
                .filter(|line| line.contains("error[") || line.contains("-->"));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(!places(&checked).is_empty(), "{checked}");
        assert_eq!(places(&checked), places(&published), "{checked}{published}");
        assert!(
            published.names(&["rackgen: ", "/registries: ", last]),
            "{published}"
        );
        let published = registry
            .rackgen(&[&publish[..], &["--format", "json"]].concat())
            .exits(2);
        let document: Value = serde_json::from_str(&published.stdout).expect("JSON");
        assert!(document["request_id"].is_string(), "{published}");
    }
}
