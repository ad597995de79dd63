//! A switch that `rack.toml` turned on is turned off by its variable, and by its flag: flags win over the environment, the
//! environment over the file.

use rack_tests::binaries;
use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::random::Random;
use rack_tests::registry::{Registry, Run};
use rack_tests::release::Release;
use serde_json::json;

#[test]
fn what_the_file_opens_the_environment_gates() {
    let registry = Registry::new(&json!({ "@team": [{ "token": "secret-of-the-team-0b6e" }] }));
    registry.put(&Release::new("@team", "secret", "1.0.0"));
    registry.write_config("open = true\n");
    let build = |flags: &[&str], variable: Option<&str>| {
        let variable = variable.map(|value| ("RACK_OPEN".to_owned(), value.to_owned()));
        let mut command = registry.bare_command(&binaries::rackgen(), variable.as_slice());
        command.arg("build").args(flags);
        Run::of(command)
    };
    build(&[], Some("false")).exits(0);
    assert!(registry.private().join("registries/@team").exists());
    assert!(!registry.public().join("registries/@team").exists());
    build(&["--open=false"], Some("true")).exits(0);
    assert!(!registry.public().join("registries/@team").exists());
    let run = build(&[], Some("")).exits(2);
    assert!(run.names(&["RACK_OPEN is set, and empty"]), "{run}");
    // As it stands it is refused: the access file says something else.
    build(&[], None).exits(2);
    build(&["--open"], Some("false")).exits(2);
}

#[test]
fn a_registry_that_the_file_closes_to_writes_the_environment_opens() {
    let mut random = Random::announced("what_the_file_switched_on_goes_off");
    let registry = Registry::new(&json!({ "@open": [] })).setting("RACK_READ_ONLY", "false");
    registry.write_config("read_only = true\n");
    let release = Release::new("@open", "auth", "1.0.0");
    let closed = registry.rackd().switch("--read-only").start();
    let answer = closed.publish(&release, ADMIN_TOKEN, &mut random);
    assert_eq!(answer.status, 503);
    drop(closed);
    let open = registry.rackd().start();
    assert_eq!(open.publish(&release, ADMIN_TOKEN, &mut random).status, 201);
}
