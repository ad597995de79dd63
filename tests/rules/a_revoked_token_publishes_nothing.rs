//! A decision is in force as soon as the access file says it, also for those who wait for a lock.

use std::thread;
use std::time::Duration;

use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::http::{Request, Response};
use rack_tests::lock::HeldLock;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::traces::traces;
use rack_tests::wait;
use serde_json::{Value, json};

#[test]
fn a_revoked_token_publishes_nothing() {
    let mut random = Random::announced("a_revoked_token_publishes_nothing");
    let tokens = |names: &[&str]| {
        let token = |name: &&str| json!({ "token": name, "publish": true });
        json!({ "@team": names.iter().map(token).collect::<Vec<_>>() })
    };
    let registry = Registry::new(&tokens(&["stays", "goes"]));
    let daemon = with_one_item(&registry, "@team");

    let answer = publish_behind_a_lock(&registry, &daemon, "@team", "goes", &mut random, || {
        assert_eq!(read(&daemon, "@team", Some("goes")), 200);
        decide(
            &registry,
            &daemon,
            &tokens(&["stays"]),
            "@team",
            Some("goes"),
        );
        assert_eq!(read(&daemon, "@team", Some("stays")), 200);
    });
    assert_eq!(
        (answer.status, &answer.code()[..]),
        (401, "INVALID_TOKEN"),
        "{}",
        answer.json()
    );
    daemon.stop();
    for folder in [registry.source(), registry.public(), registry.private()] {
        let stored = traces(&folder, &["features/late", "\"late\""]);
        assert!(stored.is_empty(), "{stored:#?}");
    }
}

#[test]
fn a_gate_closes_at_once() {
    let mut random = Random::announced("a_gate_closes_at_once");
    let registry = Registry::new(&json!({ "@moody": [] }));
    let daemon = with_one_item(&registry, "@moody");
    let gated = json!({ "@moody": [{ "token": "secret-of-the-moody-71c3" }] });

    let answer = publish_behind_a_lock(
        &registry,
        &daemon,
        "@moody",
        ADMIN_TOKEN,
        &mut random,
        || {
            assert_eq!(read(&daemon, "@moody", None), 200);
            decide(&registry, &daemon, &gated, "@moody", None);
            // Its files have not moved yet.
            assert!(!traces(&registry.public(), &["@moody"]).is_empty());
            assert_eq!(
                read(&daemon, "@moody", Some("secret-of-the-moody-71c3")),
                200
            );
        },
    );
    assert_eq!(answer.status, 201, "{}", answer.json());
    // What is withdrawn leaves the public tree before it appears in the other.
    wait::until("the trees to follow", wait::LONG, || {
        let withdrawn = traces(&registry.public(), &["@moody"]).is_empty();
        let is_back = read(&daemon, "@moody", Some("secret-of-the-moody-71c3")) == 200;
        (withdrawn && is_back).then_some(())
    });
}

#[test]
fn a_revocation_waits_for_no_build() {
    let tokens = |names: &[&str]| {
        let token = |name: &&str| json!({ "token": name });
        json!({ "@team": names.iter().map(token).collect::<Vec<_>>() })
    };
    let registry = Registry::new(&tokens(&["stays", "goes"]));
    let daemon = with_one_item(&registry, "@team");
    // A build that stands still, for as long as it waits for a lock: ten seconds.
    let lock = HeldLock::take(&registry.source());
    registry.write_access(tokens(&["stays", "goes", "comes"]).to_string());
    lock.until_awaited_by(daemon.id());
    registry.write_access(tokens(&["stays"]).to_string());
    wait::until("the revocation", Duration::from_secs(5), || {
        (read(&daemon, "@team", Some("goes")) == 401).then_some(())
    });
    assert_eq!(read(&daemon, "@team", Some("stays")), 200);
}

fn with_one_item(registry: &Registry, namespace: &str) -> Rackd {
    registry.put(&Release::new(namespace, "item", "1.0.0"));
    registry.rackd().unhurried().start()
}

/// Uploads a version that has to wait for the lock of the source until `meanwhile` is over.
fn publish_behind_a_lock(
    registry: &Registry,
    daemon: &Rackd,
    namespace: &str,
    token: &str,
    random: &mut Random,
    meanwhile: impl FnOnce(),
) -> Response {
    let lock = HeldLock::take(&registry.source());
    let release = Release::new(namespace, "late", "1.0.0");
    thread::scope(|scope| {
        let upload = scope.spawn(|| daemon.publish(&release, token, random));
        lock.until_awaited_by(daemon.id());
        meanwhile();
        drop(lock);
        upload.join().expect("a client")
    })
}

/// Changes the access file, and waits until it refuses the caller.
fn decide(
    registry: &Registry,
    daemon: &Rackd,
    access: &Value,
    namespace: &str,
    token: Option<&str>,
) {
    registry.write_access(access.to_string());
    wait::until("the decision to be in force", wait::LONG, || {
        (read(daemon, namespace, token) == 401).then_some(())
    });
}

/// The status of a read with this token, or with none.
fn read(daemon: &Rackd, namespace: &str, token: Option<&str>) -> u16 {
    let url = Release::new(namespace, "item", "1.0.0").url();
    let request = token.into_iter().fold(Request::get(&url), Request::bearer);
    request.send(daemon.url()).expect("an answer").status
}
