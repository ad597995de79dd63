//! Once a namespace is gated or undeclared, a build that ends leaves nothing of it in the public tree: whatever
//! builds were cut short before, how many of them, and whatever was lost meanwhile.

use std::fs;
use std::time::{Duration, Instant};

use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::traces::traces;
use rack_tests::{proved, rounds};
use serde_json::json;

const CANARY: &str = "canary-7f1e0c52";

/// What the access file says of the namespace whose bytes are watched.
#[derive(Debug, Clone, Copy)]
enum Moody {
    Open,
    Gated,
    Undeclared,
}

#[test]
fn gated_bytes_never_stay_public() {
    let mut random = Random::announced("gated_bytes_never_stay_public");
    let registry = registry(5);
    let usual = time_of_a_switch(&registry);

    let (mut kills, mut ended, wanted) = (0, 0, rounds(6, 100));
    for round in 1..=wanted {
        decide(&registry, any(&MOODS, &mut random));
        lose_something(&registry, &mut random);
        kills += usize::from(registry.kill_rackgen(&["build"], random.moment(usual)));
        // Several cut short in a row are what this is about.
        if random.below(3) == 0 || round == wanted {
            let decision = any(&MOODS[1..], &mut random);
            decide(&registry, decision);
            lose_something(&registry, &mut random);
            assert_withdrawn(&registry, &format!("round {round}, {decision:?}"));
            ended += 1;
        }
    }
    proved(
        "nothing gated stays in the public tree",
        format!("{kills} kills; after {ended} builds that ended no trace"),
    );
}

#[test]
fn a_large_namespace_is_withdrawn_unasked() {
    let registry = registry(40);
    decide(&registry, Moody::Undeclared);
    assert_withdrawn(&registry, "a large namespace");
}

/// Nobody knows any more what was built, but for what lies there.
#[test]
fn a_lost_record_leaves_nothing() {
    for decision in [Moody::Gated, Moody::Undeclared] {
        let registry = registry(3);
        decide(&registry, decision);
        fs::remove_file(registry.state().join("record.db")).expect("a record");
        fs::remove_dir_all(registry.source().join("@open/features/item-0"))
            .expect("a folder of ours");
        assert_withdrawn(&registry, &format!("a lost record, {decision:?}"));
        let left = traces(&registry.public(), &["item-0"]);
        assert!(left.is_empty(), "{left:#?}");
    }
}

const MOODS: [Moody; 3] = [Moody::Open, Moody::Gated, Moody::Undeclared];

fn any(moods: &[Moody], random: &mut Random) -> Moody {
    moods[random.below(moods.len() as u64) as usize]
}

/// A registry that was built while everything was open.
fn registry(items: usize) -> Registry {
    let registry = Registry::new(&json!(null));
    Release::many("@open", 4).for_each(|release| registry.put(&release));
    for release in Release::many("@moody", items) {
        let text = format!("// {CANARY}\n").repeat(40);
        registry.put(&release.file("src/canary.ts", text));
    }
    decide(&registry, Moody::Open);
    registry.build();
    let shown = traces(&registry.public(), &[CANARY]);
    assert!(!shown.is_empty(), "the canaries are not there to be found");
    registry
}

fn decide(registry: &Registry, moody: Moody) {
    let mut access = json!({ "@open": [] });
    match moody {
        Moody::Open => access["@moody"] = json!([]),
        Moody::Gated => access["@moody"] = json!([{ "token": "secret-of-the-moody-71c3" }]),
        Moody::Undeclared => {}
    }
    registry.write_access(access.to_string());
}

fn time_of_a_switch(registry: &Registry) -> Duration {
    decide(registry, Moody::Gated);
    let start = Instant::now();
    registry.build();
    start.elapsed()
}

/// Now and then the record is lost, and now and then the private tree with it.
fn lose_something(registry: &Registry, random: &mut Random) {
    let chance = random.below(6);
    if chance < 2 {
        fs::remove_file(registry.state().join("record.db")).ok();
    }
    if chance == 0 {
        fs::remove_dir_all(registry.private()).ok();
    }
}

/// One build, of which nobody asks more than that it ends.
fn assert_withdrawn(registry: &Registry, when: &str) {
    let build = registry.rackgen(&["build"]);
    assert!(matches!(build.status, Some(0 | 1)), "{when}: {build}");
    // The name too: neither a path nor the list of namespaces tells of it.
    let left = traces(&registry.public(), &[CANARY, "@moody"]);
    assert!(left.is_empty(), "{when}: {left:#?}\n{build}");
}
