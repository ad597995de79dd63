//! A state folder that comes back from a backup does not know what was revoked since: `rackgen doctor` says so, and new
//! keys end every token of before.

use std::fs;
use std::time::{Duration, SystemTime};

use rack_tests::http::Request;
use rack_tests::minted::Minted;
use rack_tests::registry::Registry;
use rack_tests::tree;
use serde_json::json;

#[test]
fn a_restored_state_brings_no_token_back() {
    let registry = Registry::new(&json!({ "@team": [{ "token": "secret-of-the-team-0b6e" }] }));
    registry.build();
    let token = Minted::mint(&registry, &["admin:*"]);
    let (tokens, backup) = (
        registry.state().join("tokens"),
        registry.root().join("backup"),
    );
    tree::copy(&tokens, &backup);
    token.revoke(&registry);
    let after = Minted::mint(&registry, &["read:*"]);
    let run = registry.rackgen(&["doctor"]).exits(0);
    assert!(!run.stdout.contains("restored"), "{run}");

    // Long after, where no key was changed in between: a copy that keeps times brings back that one file.
    let ledger = tokens.join("ledger.json");
    let of_now = registry.root().join("ledger.json");
    fs::rename(&ledger, &of_now).expect("a file");
    fs::copy(backup.join("ledger.json"), &ledger).expect("a file");
    let file = fs::File::options().append(true).open(&ledger);
    file.and_then(|file| file.set_modified(SystemTime::now() - Duration::from_secs(3600)))
        .expect("a time");
    let run = registry.rackgen(&["doctor"]).exits(0);
    assert!(
        run.stdout.contains("ledger.json: it was put there"),
        "{run}"
    );
    fs::rename(&of_now, &ledger).expect("a file");

    // And where keys were.
    fs::remove_dir_all(&tokens).expect("a folder");
    tree::copy(&backup, &tokens);
    let keys = tokens.join("keys.json");
    let text = fs::read_to_string(&keys).expect("keys");
    let (before, rest) = text.split_once("\"created\": \"").expect("a time");
    fs::write(&keys, format!("{before}\"created\": \"2020{}", &rest[4..])).expect("keys");

    let daemon = registry.rackd().unhurried().start();
    let status = |token: &Minted| {
        let request = Request::get("/whoami").bearer(&token.text);
        request.send(daemon.url()).expect("an answer").status
    };
    // This is the danger, and what doctor warns of.
    assert_eq!(status(&token), 200);
    assert_eq!(status(&after), 401);
    let run = registry.rackgen(&["doctor"]).exits(0);
    let warned = run.stdout.lines().any(|line| {
        line.starts_with("warning")
            && line.contains("keys.json")
            && line.contains("rackgen token rotate --revoke-all")
    });
    assert!(warned, "{run}");

    registry
        .rackgen(&["token", "rotate", "--revoke-all"])
        .exits(0);
    assert_eq!(status(&token), 401);
    let new = Minted::mint(&registry, &["read:*"]);
    assert_eq!(status(&new), 200);
    let run = registry.rackgen(&["doctor"]).exits(0);
    assert!(!run.stdout.contains("restored"), "{run}");
    assert!(run.stdout.contains("--revoke-all"), "{run}");
}
