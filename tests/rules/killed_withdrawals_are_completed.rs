//! A withdrawal that was killed at any moment is completed by the next build or the next start of the daemon: nothing
//! of it can be read through an nginx that saw all of it before.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use rack_tests::http::{Connection, Request};
use rack_tests::random::Random;
use rack_tests::watched::{CODINGS, ITEMS, decide, everything, registry, shows};
use rack_tests::{proved, rounds, wait};

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

    let (mut kills, wanted) = (0, rounds(3, 50));
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
        while_read(&nginx.url(), || {
            for _ in 0..1 + random.below(3) {
                kills += usize::from(registry.kill_rackgen(&["build"], random.moment(usual)));
            }
            // Either of them completes it.
            match random.below(2) {
                0 => registry.build(),
                _ => drop(registry.rackd().start()),
            }
        });
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

/// The files are gone, the build is not done: what nginx still remembers of them has to be over when the next one is.
#[test]
fn a_withdrawal_killed_at_its_end_is_completed() {
    let mut random = Random::announced("a_withdrawal_killed_at_its_end_is_completed");
    let registry = registry();
    let nginx = registry.nginx().unhurried().start();
    let root = |place: &str| registry.public().join(place).join("registries/@moody");
    let roots = ["", ".variants/br", ".variants/gzip", ".variants/zstd"].map(root);
    for round in 0..rounds(2, 20) {
        decide(&registry, false);
        registry.build();
        assert!(roots.iter().all(|root| root.exists()), "{roots:?}");
        decide(&registry, true);
        while_read(&nginx.url(), || {
            let mut build = registry.start_rackgen(&["build"]);
            wait::until("the public tree to lose it", wait::LONG, || {
                roots.iter().all(|root| !root.exists()).then_some(())
            });
            // The moment is part of the experiment, so there is nothing else to wait for.
            thread::sleep(random.moment(Duration::from_millis(400)));
            build.kill().expect("a process of ours can be killed");
            build.wait().expect("a child can be waited for");
            registry.build();
        });
        let mut connection = Connection::new(&nginx.url());
        let left = everything().filter(|(url, coding)| {
            let request = Request::get(url).header("Accept-Encoding", coding);
            shows(&connection.ask(&request).expect("an answer"), url)
        });
        let left: Vec<_> = left.collect();
        assert!(left.is_empty(), "round {round}: {left:#?}");
    }
}

/// Has all of it read on and on meanwhile, so that nginx remembers as much of it as it ever may.
fn while_read(url: &str, run: impl FnOnce()) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut connection = Connection::new(url);
            for (url, coding) in everything().collect::<Vec<_>>().iter().cycle() {
                let request = Request::get(url).header("Accept-Encoding", coding);
                connection.ask(&request).expect("an answer");
                if is_over.load(SeqCst) {
                    break;
                }
            }
        });
        run();
        is_over.store(true, SeqCst);
    });
}
