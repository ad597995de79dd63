//! A build that was cut short anywhere, and then a change of one item: the lists still have all that there is.

use std::fs;
use std::process::Command;

use rack_tests::binaries;
use rack_tests::registry::{Registry, Run};
use rack_tests::release::Release;
use rack_tests::rounds;
use serde_json::json;

#[test]
fn an_unfinished_build_takes_nothing_from_the_lists() {
    let registry = Registry::new(&json!({ "@a": [], "@b": [], "@c": [] }));
    let releases = ["@a", "@b", "@c"].map(|namespace| Release::new(namespace, "item", "1.0.0"));
    releases.iter().for_each(|release| registry.put(release));
    registry.build();
    let log = registry.root().join("strace");
    for (round, rename) in (1..).step_by(rounds(7, 1)).enumerate() {
        let mut strace = Command::new("strace");
        registry.lend(&mut strace);
        strace
            .args(["-f", "-qq", "-o"])
            .arg(&log)
            .args(["-e", &format!("inject=rename:error=EIO:when={rename}")])
            .arg(binaries::rackgen())
            .args(["build", "--full"]);
        let run = Run::of(strace);
        let calls = fs::read_to_string(&log).expect("what strace saw");
        if !calls.contains("(INJECTED)") {
            assert!(rename > 20, "there was nothing to cut short: {calls}");
            return;
        }
        let run = run.exits(2);
        let change = ["yank", "unyank"][round % 2];
        registry
            .rackgen(&[change, "@b/features/item@1.0.0"])
            .exits(0);
        registry.is_undisturbed(&format!("after rename {rename} of {run}"));
    }
}
