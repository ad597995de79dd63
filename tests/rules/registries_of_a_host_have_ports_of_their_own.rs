//! `scripts/install` gives each registry of a host a port of its own, however the others' `rack.toml` is written.

use std::fs;
use std::process::Command;

use rack_tests::binaries;
use rack_tests::mirror::text;
use rack_tests::project_root;
use rack_tests::registry::Run;

#[test]
fn registries_of_a_host_have_ports_of_their_own() {
    let root = tempfile::tempdir().expect("a folder");
    for (number, listen) in [
        "listen = \"127.0.0.1:8080\"",
        "listen=\"127.0.0.1:8081\"",
        "  listen = '[::1]:8082'   # not \"127.0.0.1:8090\"",
        "listen\t=\t\"0.0.0.0:8083\"",
    ]
    .iter()
    .enumerate()
    {
        let folder = root.path().join(format!("etc/rack/r{number}"));
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("rack.toml"), format!("{listen}\n")).expect("a file");
    }
    install(&["--root", text(root.path()), "another"]).exits(0);
    let settings = root.path().join("etc/rack/another/rack.toml");
    let settings = fs::read_to_string(settings).expect("a file");
    assert!(
        settings.contains("\nlisten = \"127.0.0.1:8084\"\n"),
        "{settings}"
    );
}

#[test]
fn what_is_missing_is_named() {
    for option in ["--root", "--bin-dir"] {
        let run = install(&[option]).exits(2);
        assert!(run.names(&["install: ", option, "needs a folder"]), "{run}");
    }
}

fn install(args: &[&str]) -> Run {
    let programs = binaries::rackgen();
    let programs = programs.parent().expect("a folder");
    let mut command = Command::new(project_root().join("scripts/install"));
    command.arg("--bin-dir").arg(programs).args(args);
    Run::of(command)
}
