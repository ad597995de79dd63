//! The daemon and commands write the audit log at once, and it is rotated meanwhile: no line is torn or lost, whoever
//! follows it reads each once, and no more files stay than were asked for.

use std::fs;
use std::process::Stdio;
use std::thread;

use rack_tests::audit::{audit, parse};
use rack_tests::binaries;
use rack_tests::http::{Connection, Request};
use rack_tests::registry::{Registry, Run};
use rack_tests::release::Release;
use rack_tests::wait;
use serde_json::json;

const REQUESTS: usize = 150;
const COMMANDS: usize = 6;

#[test]
fn writers_of_the_audit_log_take_turns() {
    let registry = Registry::new(&json!({ "@open": [] }));
    let config = registry.root().join("rack.toml");
    fs::write(&config, "[audit]\nmax_size = \"4KiB\"\nkeep = 1000\n").expect("a file");
    registry.put(&Release::new("@open", "item", "1.0.0"));
    registry.build();
    let followed = registry.root().join("followed");
    let out = fs::File::create(&followed).expect("a file");
    let mut follower = registry
        .command(&binaries::rackgen())
        .args(["audit", "--follow", "--format", "json"])
        .stdout(out)
        .stderr(Stdio::null())
        .spawn()
        .expect("rackgen runs");
    let daemon = registry.rackd().unhurried().start();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut connection = Connection::new(daemon.url());
                let request = Request::new("DELETE", "/registries/@open/features/item/tags/a");
                for _ in 0..REQUESTS {
                    let answer = connection.ask(&request).expect("an answer");
                    assert_eq!(answer.status, 401);
                }
            });
        }
        for number in 0..COMMANDS {
            let tag = format!("tag-{number}");
            registry
                .rackgen(&["tag", "@open/features/item@1.0.0", &tag])
                .exits(0);
        }
    });
    let all = 2 * REQUESTS + COMMANDS;
    let lines = audit(&registry, &[]);
    assert_eq!(lines.len(), all);
    let files = files(&registry);
    assert!(files > 10, "{files} files");
    let read = || fs::read_to_string(&followed).expect("what it printed");
    wait::until("the follower to read all", wait::LONG, || {
        let whole = read().matches('\n').count();
        assert!(whole <= all, "{whole} lines of {all}");
        (whole == all).then_some(())
    });
    follower.kill().expect("a process of ours can be killed");
    follower.wait().expect("a child can be waited for");
    assert_eq!(parse(&read()), lines);

    fs::write(&config, "[audit]\nmax_size = \"1B\"\nkeep = 3\n").expect("a file");
    registry
        .rackgen(&["untag", "@open/features/item", "tag-0"])
        .exits(0);
    assert_eq!(self::files(&registry), 4);
    // A word that is none is named.
    fs::write(&config, "[audit]\nmax_sice = \"1B\"\n").expect("a file");
    let run: Run = registry.rackgen(&["audit"]).exits(2);
    assert!(run.names(&["max_sice", "max_size"]), "{run}");
}

fn files(registry: &Registry) -> usize {
    let entries = registry.state().read_dir().expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let is_audit = |name: &std::ffi::OsString| name.to_string_lossy().starts_with("audit");
    names.filter(is_audit).count()
}
