//! `scripts/quickstart` works where its caller stands, ends when it is told to, and uses no registry but its own.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use rack_tests::binaries;
use rack_tests::project_root;
use rack_tests::registry::Run;
use rack_tests::wait;
use rustix::process::{Pid, Signal, kill_process};

#[test]
fn the_quick_start_ends_when_it_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let mut tour = quickstart(folder.path());
    let log_file = File::create(&log).expect("a file");
    tour.stdin(Stdio::null()).stdout(log_file);
    let mut tour = tour.spawn().expect("the script runs");
    let said = || fs::read_to_string(&log).expect("a file");
    wait::until("the end of the tour", wait::LONG, || {
        assert!(tour.try_wait().expect("a child").is_none(), "{}", said());
        said().contains("Ctrl-C ends it.").then_some(())
    });
    assert!(folder.path().join("tour/rack.toml").exists());

    kill_process(Pid::from_child(&tour), Signal::TERM).expect("a process that runs");
    let status = wait::until("the script to end", wait::LONG, || {
        tour.try_wait().expect("a child can be waited for")
    });
    assert!(status.success(), "{status}");
    assert!(
        said().contains("Stopped; the registry is in tour"),
        "{}",
        said()
    );
}

#[test]
fn the_quick_start_uses_no_registry_but_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut init = Command::new(binaries::rackgen());
    init.args(["init", "tour"]).current_dir(folder.path());
    Run::of(init).exits(0);
    let run = Run::of(quickstart(folder.path())).exits(2);
    assert!(
        run.names(&["quickstart: tour", "has no admin-token"]),
        "{run}"
    );
}

/// The script, to be run in this folder, with its registry and the programs by paths from there.
fn quickstart(folder: &Path) -> Command {
    let programs = binaries::rackgen();
    let programs = programs.parent().expect("a folder");
    symlink(programs, folder.join("programs")).expect("a link");
    let mut command = Command::new(project_root().join("scripts/quickstart"));
    command.args(["--dir", "tour", "--listen", "127.0.0.1:0"]);
    command.env("RACK_BIN_DIR", "programs").current_dir(folder);
    command
}
