//! Clocks that are a day behind or ahead.

use rack_tests::registry::Registry;
use rack_tests::release::Release;

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
