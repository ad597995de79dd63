//! An endpoint that never answers delays no other: each of those has its delivery within a second of the commit.

use std::thread;
use std::time::{Duration, Instant};

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::random::Random;
use rack_tests::receiver::{Receiver, Reply};
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::{proved, rounds};
use serde_json::json;

#[test]
fn webhooks_wait_for_nobody() {
    let mut random = Random::announced("webhooks_wait_for_nobody");
    let count = rounds(40, 1000);
    // Beside other tests the disk is busy with other things.
    let within = Duration::from_secs(rounds(10, 1) as u64);
    let registry = Registry::new(&json!({ "@open": [] }));
    let silent = Receiver::start(|_, _| Reply::Silence);
    let others = [
        Receiver::willing(),
        Receiver::willing(),
        Receiver::willing(),
    ];
    let mut entries = vec![silent.entry("s", &["version.created"])];
    entries.extend(
        others
            .iter()
            .map(|other| other.entry("s", &["version.created"])),
    );
    registry.write_webhooks(&entries);
    registry.write_config("[webhook]\nallow_private = true\n");
    let daemon = registry.rackd().unhurried().start();

    // Two clients, so that commits meet deliveries.
    let published: Vec<(String, Instant)> = thread::scope(|scope| {
        let clients: Vec<_> = (0..2)
            .map(|client| {
                let (daemon, mut random) = (&daemon, random.fork());
                scope.spawn(move || {
                    let publish = |number: usize| {
                        let release = Release::new(
                            "@open",
                            &format!("item-{client}"),
                            &format!("1.{number}.0"),
                        );
                        let answer = daemon.publish(&release, ADMIN_TOKEN, &mut random);
                        assert_eq!(answer.status, 201, "{}", answer.json());
                        (release.address(), Instant::now())
                    };
                    (0..count / 2).map(publish).collect::<Vec<_>>()
                })
            })
            .collect();
        clients
            .into_iter()
            .flat_map(|client| client.join().expect("a client"))
            .collect()
    });

    let mut slowest = Duration::ZERO;
    for other in &others {
        let received = other.until(count);
        for (address, answered) in &published {
            let of_this = received
                .iter()
                .find(|delivery| delivery.json()["path"] == **address);
            let delivery = of_this.unwrap_or_else(|| panic!("{address} did not come"));
            slowest = slowest.max(delivery.at.saturating_duration_since(*answered));
        }
    }
    assert!(slowest <= within, "{slowest:?}");
    assert!(!silent.received().is_empty());
    proved(
        "one silent endpoint delays no other",
        format!(
            "{count} publishes, {} deliveries, the slowest {} ms after its 201",
            3 * count,
            slowest.as_millis()
        ),
    );
}
