//! Clocks that are a day behind or ahead, or set back.

use std::fs;
use std::os::unix::fs::MetadataExt;

use rack_tests::registry::Registry;
use rack_tests::release::Release;
use serde_json::json;

use super::{Day, access};

#[test]
fn a_clock_a_day_off() {
    let mut day = Day::begin(Registry::new(&access()), 8);
    if day.registry.rackgen_at("-1d", &["--version"]).is_none() {
        println!("SKIPPED: a clock that is a day off: there is no `faketime`");
        return;
    }
    // Back and forth, with the right time in between, and a document that keeps its size all the while.
    for (round, clock) in ["+1d", "+0", "-1d", "+1d"].into_iter().enumerate() {
        let what = format!("round {round}, the clock at {clock}");
        day.change();
        let same_size = Release::new("@open", "item-7", "1.0.0").with("priority", round);
        day.registry.put(&same_size);
        let run = day
            .registry
            .rackgen_at(clock, &["build"])
            .expect("it ran before")
            .exits(0);
        day.is_right(&what, &run);
        let run = day
            .registry
            .rackgen_at(clock, &["build"])
            .expect("it ran before")
            .exits(0);
        assert!(run.stdout.contains("0 resources written"), "{what}: {run}");
    }
    day.recovers("the clock is right again");
}

/// What was forgotten when its URL was gone must not be told anew by a clock that was set back.
#[test]
fn no_etag_comes_twice_when_a_clock_is_set_back() {
    let registry = Registry::new(&json!({ "@open": [] }));
    let [first, second] = ["1.0.0", "1.1.0"].map(|version| Release::new("@open", "item", version));
    let latest = registry
        .public()
        .join("registries/@open/features/item/index.json");
    let etag = || {
        let metadata = fs::metadata(&latest).expect("latest is there");
        (metadata.mtime(), metadata.len())
    };
    let mut etags = Vec::new();
    for (second_of_a_day, release) in [("05", Some(&first)), ("09", None), ("05", Some(&second))] {
        fs::remove_dir_all(registry.source().join("@open")).ok();
        release.iter().for_each(|release| registry.put(release));
        let clock = format!("@2030-01-01 00:00:{second_of_a_day}");
        let Some(run) = registry.rackgen_at(&clock, &["build"]) else {
            println!("SKIPPED: a clock that is set back: there is no `faketime`");
            return;
        };
        run.exits(0);
        etags.extend(release.map(|_| etag()));
    }
    let [before, after] = etags[..] else {
        panic!("two builds had something to show: {etags:?}");
    };
    assert_eq!(
        before.1, after.1,
        "both are of one size, or this shows nothing"
    );
    assert!(before.0 < after.0, "{before:?} was told before {after:?}");
}
