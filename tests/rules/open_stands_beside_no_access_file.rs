//! `open` makes every namespace public. Beside an access file, also one that lies where it is looked for and that nobody
//! names, one of the two is a mistake, and nothing is published before somebody says which.

use std::path::Path;

use rack_tests::binaries;
use rack_tests::registry::{Registry, Run};
use rack_tests::release::Release;
use serde_json::json;

#[test]
fn open_stands_beside_no_access_file() {
    let registry = Registry::new(&json!({ "@team": [{ "token": "secret-of-the-team-0b6e" }] }));
    registry.put(&Release::new("@team", "secret", "1.0.0"));
    // Nothing names a folder or a file: all are at their default places.
    let run = |program: &Path, args: &[&str], variables: &[(String, String)]| {
        let mut command = registry.bare_command(program, variables);
        command.args(args);
        Run::of(command)
    };
    let (rackgen, rackd) = (binaries::rackgen(), binaries::rackd());
    let refused = |run: Run| {
        let run = run.exits(2);
        assert!(run.names(&["open", "access.json"]), "{run}");
        assert!(!registry.public().exists(), "{run}");
    };
    refused(run(&rackgen, &["build", "--open"], &[]));
    refused(run(&rackd, &["--open", "--check"], &[]));
    let variable = ("RACK_OPEN".to_owned(), "true".to_owned());
    refused(run(&rackgen, &["build"], &[variable]));
    registry.write_config("open = true\n");
    refused(run(&rackgen, &["build"], &[]));

    std::fs::remove_file(registry.access()).expect("a file");
    run(&rackgen, &["build"], &[]).exits(0);
    assert!(registry.public().join("registries/@team").exists());
}
