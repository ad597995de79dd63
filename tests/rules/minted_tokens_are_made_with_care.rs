//! `rackgen token` mints nothing without an end, beyond the maximum, or for everybody's eyes; and takes secrets from
//! standard input only.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use rack_tests::binaries;
use rack_tests::minted::Minted;
use rack_tests::registry::Registry;
use rack_tests::tree::sha256;
use serde_json::json;

#[test]
fn minted_tokens_are_made_with_care() {
    let registry = Registry::new(&json!({ "@team": [{ "token": "secret-of-the-team-0b6e" }] }));
    registry.build();
    let create = |more: &[&str]| {
        let args = [&["token", "create", "--name", "ci"], more].concat();
        registry.rackgen(&args)
    };
    for (more, words) in [
        (&["--scope", "read:*"][..], &["--expires"][..]),
        (&["--expires", "1d"], &["--scope"]),
        (&["--scope", "read:*", "--expires", "0d"], &["0d"]),
        (&["--scope", "read:*", "--expires", "never"], &["never"]),
        (
            &["--scope", "read:*", "--expires", "2y"],
            &["max_token_age", "366d"],
        ),
        (
            &["--scope", "read:@team/a", "--expires", "1d"],
            &["read:@team"],
        ),
        (
            &["--scope", "publish:@team/*", "--expires", "1d"],
            &["`@team`"],
        ),
    ] {
        let run = create(more).exits(2);
        assert!(words.iter().all(|word| run.stderr.contains(word)), "{run}");
    }
    assert!(!registry.state().join("tokens").exists());

    let config = registry.root().join("rack.toml");
    fs::write(&config, "max_token_age = \"7d\"\n").expect("a file");
    create(&["--scope", "read:*", "--expires", "8d"]).exits(2);
    let run = create(&["--scope", "read:*", "--expires", "7d"]).exits(0);
    // The token alone, for a file or a variable.
    assert_eq!(run.stdout.trim().split('.').count(), 3, "{run}");
    assert_eq!(run.stdout.lines().count(), 1, "{run}");

    Minted::mint(&registry, &["publish:@team/features/*", "yank:@team"]);
    for name in ["keys.json", "ledger.json"] {
        let path = registry.state().join("tokens").join(name);
        let mode = path.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let run = registry.rackgen(&["token", "list"]).exits(0);
    assert_eq!(run.stdout.lines().count(), 2, "{run}");
    let run = registry.rackgen(&["token", "revoke", "0000000000000000"]);
    assert!(run.exits(2).names(&["0000000000000000", "token list"]));
}

#[test]
fn a_token_becomes_its_hash_without_a_flag() {
    let hash = |input: &str| {
        let mut process = Command::new(binaries::rackgen())
            .args(["token", "hash"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("rackgen runs");
        let mut stdin = process.stdin.take().expect("a pipe");
        stdin.write_all(input.as_bytes()).expect("a pipe");
        drop(stdin);
        let output = process.wait_with_output().expect("rackgen runs");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let expected = format!("sha256:{}\n", sha256(b"secret"));
    assert_eq!(hash("secret\n"), (Some(0), expected.clone()));
    assert_eq!(hash(" \n"), (Some(2), String::new()));
    // Nobody could send it.
    assert_eq!(hash("a\nb\n"), (Some(2), String::new()));
    // A hash of a hash would let nobody in.
    assert_eq!(hash(&expected), (Some(2), String::new()));
}
