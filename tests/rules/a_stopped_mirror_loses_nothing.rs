//! Whoever stops `scripts/mirror`, at whatever moment, takes nothing away: neither from the mirror, nor does anything
//! stay in the registry's tree.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use rack_tests::mirror::{self, text};
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::tree::tree;
use rack_tests::wait;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

/// In place of rsync: its last call, which shows the lists, gets their names from a pipe.
const RSYNC: &str = r#"#!/bin/bash
PATH=${PATH#*:} args=("$@")
for index in "${!args[@]}"; do
  case ${args[index]} in
    --delete-missing-args) shows=true ;;
    --files-from=*) list=${args[index]#*=} at=$index ;;
  esac
done
if [ -n "$shows" ] && grep -qx namespaces/index.json "$list"; then
  cp "$list" "$HERE/names"
  args[at]=--files-from=$HERE/pipe
  echo $$ >"$HERE/pid.new" && mv "$HERE/pid.new" "$HERE/pid"
fi
exec rsync "${args[@]}"
"#;

#[test]
fn a_stopped_mirror_loses_nothing() {
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.put(&Release::new("@open", "item", "1.0.0"));
    registry.build();
    let (public, mirror) = (registry.public(), registry.root().join("mirror"));
    mirror::push(&public, &mirror);
    let before: Vec<String> = tree(&mirror).into_keys().collect();
    registry.write_access(json!({ "@open": [], "@new": [] }).to_string());
    registry.put(&Release::new("@open", "item", "1.1.0"));
    registry.put(&Release::new("@new", "item", "1.0.0"));
    registry.build();

    let here = registry.root().join("here");
    fs::create_dir(&here).expect("a folder");
    fs::write(here.join("rsync"), RSYNC).expect("a file");
    fs::set_permissions(here.join("rsync"), Permissions::from_mode(0o755)).expect("a file of ours");
    rustix::fs::mkfifoat(rustix::fs::CWD, here.join("pipe"), 0o600.into()).expect("a pipe");
    let path = format!("{}:{}", text(&here), std::env::var("PATH").expect("a path"));
    let mut push = mirror::command(&["push", text(&mirror), "--tree", text(&public)]);
    push.env("PATH", path)
        .env("HERE", &here)
        .stdout(Stdio::null());
    let mut push = push.spawn().expect("the script runs");

    let pid = wait::until("rsync to begin", wait::LONG, || {
        fs::read_to_string(here.join("pid")).ok()
    });
    let mut pipe = OpenOptions::new()
        .write(true)
        .open(here.join("pipe"))
        .expect("a pipe");
    let folder = Path::new("/proc").join(pid.trim()).join("cwd");
    wait::until("rsync to enter its folder", wait::LONG, || {
        let is_there = fs::read_link(&folder)
            .expect("a process that runs")
            .ends_with("side");
        is_there.then_some(())
    });
    assert!(!public.join(".rack-mirroring").exists());
    kill_process(Pid::from_child(&push), Signal::TERM).expect("a process that runs");
    let names = fs::read(here.join("names")).expect("a file");
    pipe.write_all(&names).expect("a pipe that is read");
    drop(pipe);

    let status = push.wait().expect("a child can be waited for");
    assert_eq!(status.code(), Some(143), "{status}");
    wait::until("rsync to end", wait::LONG, || {
        (!folder.exists()).then_some(())
    });
    for path in before {
        assert!(mirror.join(&path).exists(), "{path} is gone");
    }
}
