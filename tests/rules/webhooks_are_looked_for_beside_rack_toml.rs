//! The endpoints of a registry that `rackgen init` made stand beside its `rack.toml`, from whatever folder somebody asks;
//! and where there is no such file it is said where one was looked for.

use std::fs;

use rack_tests::binaries;
use rack_tests::registry::{Registry, Run};
use serde_json::{Value, json};

#[test]
fn webhooks_are_looked_for_beside_rack_toml() {
    let home = Registry::new(&Value::Null);
    let rackgen = |args: &[&str]| {
        let mut command = home.bare_command(&binaries::rackgen(), &[]);
        command.args(args);
        Run::of(command)
    };
    rackgen(&["init", "made"]).exits(0);
    let file = home.root().join("made/webhooks.json");
    let missing = format!("there is no {}", file.display());
    let config = ["--config", "made/rack.toml"];

    let list = || rackgen(&[&["webhooks", "list"][..], &config].concat()).exits(0);
    let run = list();
    assert!(run.names(&["note:", &missing]), "{run}");
    assert!(run.stdout.is_empty(), "{run}");
    let url = "https://ci.example.com/hook";
    let run = rackgen(&[&["webhooks", "test", url][..], &config].concat()).exits(2);
    assert!(run.names(&[&missing]), "{run}");

    let entry = json!({ "url": url, "secret": "s3cret-of-the-hook", "events": ["uploaded"] });
    fs::write(&file, json!({ "webhooks": [entry] }).to_string()).expect("a file");
    let run = list();
    assert!(run.stdout.contains(url) && run.stderr.is_empty(), "{run}");
}
