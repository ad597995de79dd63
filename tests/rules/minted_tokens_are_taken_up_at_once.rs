//! A token is good with the request after it was minted, and not any more with the one after it was revoked; a daemon
//! that cannot read the files goes on with what it knows, and says so.

use std::fs;
use std::thread;

use rack_tests::daemon::Rackd;
use rack_tests::http::Request;
use rack_tests::lock::HeldLock;
use rack_tests::minted::Minted;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::wait;
use serde_json::{Value, json};

fn whoami(daemon: &Rackd, token: &str) -> (u16, String) {
    let answer = Request::get("/whoami").bearer(token).send(daemon.url());
    let answer = answer.expect("an answer");
    match answer.status {
        200 => (200, String::new()),
        status => (status, answer.code()),
    }
}

fn refused(code: &str) -> (u16, String) {
    (401, code.to_owned())
}

fn good() -> (u16, String) {
    (200, String::new())
}

#[test]
fn minted_tokens_are_taken_up_at_once() {
    let mut random = Random::announced("minted_tokens_are_taken_up_at_once");
    let registry = Registry::new(&json!({ "@team": [{ "token": "secret-of-the-team-0b6e" }] }));
    let daemon = registry.rackd().unhurried().start();
    let (first, second) = (
        Minted::mint(&registry, &["publish:@team"]),
        Minted::mint(&registry, &["publish:@team"]),
    );
    assert_eq!(whoami(&daemon, &first.text), good());
    first.revoke(&registry);
    assert_eq!(whoami(&daemon, &first.text), refused("INVALID_TOKEN"));
    assert_eq!(whoami(&daemon, &second.text), good());

    // Also for who sent everything and waits for its turn.
    let lock = HeldLock::take(&registry.source());
    let release = Release::new("@team", "late", "1.0.0");
    let answer = thread::scope(|scope| {
        let upload = scope.spawn(|| daemon.publish(&release, &second.text, &mut random));
        lock.until_awaited_by(daemon.id());
        second.revoke(&registry);
        drop(lock);
        upload.join().expect("a client")
    });
    assert_eq!((answer.status, &*answer.code()), (401, "INVALID_TOKEN"));

    // A new key, twice: the first time the one before stays good.
    let third = Minted::mint(&registry, &["publish:@team"]);
    registry.rackgen(&["token", "rotate"]).exits(0);
    let fourth = Minted::mint(&registry, &["publish:@team"]);
    assert_eq!(whoami(&daemon, &third.text), good());
    registry.rackgen(&["token", "rotate"]).exits(0);
    assert_eq!(whoami(&daemon, &third.text), refused("INVALID_TOKEN"));
    assert_eq!(whoami(&daemon, &fourth.text), good());
}

#[test]
fn broken_files_leave_those_of_before_in_force() {
    let registry = Registry::new(&json!({ "@team": [{ "token": "secret-of-the-team-0b6e" }] }));
    let daemon = registry.rackd().unhurried().start();
    let (stays, revoked) = (
        Minted::mint(&registry, &["read:@team"]),
        Minted::mint(&registry, &["read:@team"]),
    );
    revoked.revoke(&registry);
    assert_eq!(whoami(&daemon, &stays.text), good());
    for name in ["keys.json", "ledger.json"] {
        let path = registry.state().join("tokens").join(name);
        let whole = fs::read(&path).expect("a file");
        for broken in ["", "{", r#"{"format": 99}"#, "[]"] {
            fs::write(&path, broken).expect("a file");
            assert_eq!(whoami(&daemon, &stays.text), good(), "{name} {broken}");
            assert_eq!(whoami(&daemon, &revoked.text), refused("INVALID_TOKEN"));
            assert_health(&daemon, "degraded", Some(name));
        }
        fs::write(&path, whole).expect("a file");
        assert_health(&daemon, "ok", None);
        assert_eq!(whoami(&daemon, &stays.text), good());
    }
    // What is gone is no broken file: nobody has a token then.
    fs::remove_file(registry.state().join("tokens/ledger.json")).expect("a file");
    assert_eq!(whoami(&daemon, &stays.text), refused("INVALID_TOKEN"));

    fs::write(registry.state().join("tokens/keys.json"), "{").expect("a file");
    drop(daemon);
    let run = registry.rackd().refuse().exits(2);
    assert!(run.names(&["keys.json"]), "{run}");
}

#[track_caller]
fn assert_health(daemon: &Rackd, status: &str, names: Option<&str>) {
    let get = |path| Request::get(path).send(daemon.url()).expect("an answer");
    let health = get("/health");
    assert_eq!(health.status, 200);
    let health = health.json();
    assert_eq!(health["status"], status, "{health}");
    let message = health["checks"]["tokens"]["message"].as_str();
    match names {
        None => assert_eq!(message, None),
        Some(name) => assert!(message.expect("a message").contains(name), "{health}"),
    }
    let metrics = String::from_utf8(get("/metrics").body).expect("text");
    let figure = match names {
        None => "rack_degraded{check=\"tokens\"} 0",
        Some(_) => "rack_degraded{check=\"tokens\"} 1",
    };
    assert!(metrics.contains(figure), "{metrics}");
}

#[test]
fn a_broken_access_file_is_shown_as_a_figure() {
    let registry = Registry::new(&json!({ "@team": [{ "token": "secret-of-the-team-0b6e" }] }));
    let daemon = registry.rackd().unhurried().start();
    registry.write_access("[]");
    wait::until("the figure of a broken access file", wait::LONG, || {
        let metrics = Request::get("/metrics").send(daemon.url()).ok()?;
        let text = String::from_utf8(metrics.body).ok()?;
        text.contains("rack_degraded{check=\"access\"} 1")
            .then_some(())
    });
    assert_eq!(whoami(&daemon, "secret-of-the-team-0b6e"), good());
}

#[test]
fn the_list_says_when_a_token_was_last_used() {
    let registry = Registry::new(&json!({ "@team": [{ "token": "secret-of-the-team-0b6e" }] }));
    let daemon = registry.rackd().unhurried().start();
    let (used, unused) = (
        Minted::mint(&registry, &["read:@team"]),
        Minted::mint(&registry, &["publish:@team/features/*"]),
    );
    let listed = |id: &str| {
        let run = registry.rackgen(&["token", "list", "--format", "json"]);
        let list: Value = serde_json::from_str(&run.exits(0).stdout).expect("JSON");
        let tokens = list["tokens"].as_array().expect("a list").clone();
        let token = tokens.into_iter().find(|token| token["id"] == id);
        token.expect("the token")
    };
    assert_eq!(listed(&used.id)["last_used"], Value::Null);
    assert_eq!(whoami(&daemon, &used.text), good());
    wait::until("the use to be written", wait::LONG, || {
        listed(&used.id)["last_used"].is_string().then_some(())
    });
    let unused = listed(&unused.id);
    assert_eq!(unused["last_used"], Value::Null);
    assert_eq!(unused["scopes"], json!(["publish:@team/features/*"]));
    assert_eq!(unused["standing"], "live");
}
