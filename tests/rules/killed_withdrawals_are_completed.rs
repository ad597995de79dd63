//! A withdrawal that was killed at any moment is completed by the next build or the next start of the daemon: nothing
//! of it can be read through an nginx that saw all of it before.

use std::time::Instant;

use rack_tests::http::{Connection, Request};
use rack_tests::random::Random;
use rack_tests::watched::{CODINGS, ITEMS, decide, everything, registry, shows};
use rack_tests::{proved, rounds};

#[test]
fn killed_withdrawals_are_completed() {
    let mut random = Random::announced("killed_withdrawals_are_completed");
    let registry = registry();
    let nginx = registry.nginx().unhurried().start();
    let mut connection = Connection::new(&nginx.url());
    let mut shown = |url: &str, coding| {
        let request = Request::get(url).header("Accept-Encoding", coding);
        shows(&connection.ask(&request).expect("an answer"), url)
    };
    let start = Instant::now();
    decide(&registry, true);
    registry.build();
    let usual = start.elapsed();

    let (mut kills, wanted) = (0, rounds(5, 50));
    for round in 0..wanted {
        decide(&registry, false);
        registry.build();
        // All of it, so that whatever nginx may remember it has seen.
        let seen = everything()
            .filter(|(url, coding)| shown(url, coding))
            .count();
        assert!(
            seen > ITEMS * CODINGS.len(),
            "round {round}: the canaries are not there to be found"
        );
        decide(&registry, true);
        for _ in 0..1 + random.below(3) {
            kills += usize::from(registry.kill_rackgen(&["build"], random.moment(usual)));
        }
        // Either of them completes it.
        match random.below(2) {
            0 => registry.build(),
            _ => drop(registry.rackd().start()),
        }
        for (url, coding) in everything() {
            assert!(!shown(&url, coding), "round {round}: {url}, {coding}");
        }
    }
    proved(
        "killed withdrawals are completed",
        format!(
            "{kills} kills in {wanted} withdrawals, no byte through nginx after the next start"
        ),
    );
}
