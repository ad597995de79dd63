//! No token is ever written down, whatever is logged and whatever went wrong: not in the logs, not in the state,
//! not in a tree. The access file, where operators keep them, is the only place.

use std::fs;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::http::Request;
use rack_tests::minted::Minted;
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::tree::tree;
use serde_json::json;

const READ: &str = "secret-of-a-reader-51f0";
const PUBLISH: &str = "secret-of-a-publisher-93aa";
const EXPIRED: &str = "secret-of-the-past-7be2";
const UNREADABLE: &str = "secret-with-a-bad-date-0c44";
const UNKNOWN: &str = "secret-that-nobody-knows-e6d1";

#[test]
fn credentials_stay_out_of_logs() {
    let mut random = Random::announced("credentials_stay_out_of_logs");
    let registry = Registry::new(&json!({
        "@open": [],
        "@team": [
            { "token": READ },
            { "token": PUBLISH, "publish": true },
            { "token": EXPIRED, "expiresAt": "2020-01-01T00:00:00Z" },
        ],
        "@late": [{ "token": UNREADABLE, "expiresAt": "next week" }],
    }));
    let build = registry.rackgen(&["build"]);
    for token in [READ, PUBLISH, EXPIRED, UNREADABLE] {
        assert!(!build.to_string().contains(token), "{build}");
    }
    let daemon = registry
        .rackd()
        .flag("--log-level", "trace")
        .flag("--log", "json")
        .start();

    let minted = Minted::mint(&registry, &["publish:@team", "tag:@team"]).text;
    let forged = minted.replace('.', ".e30.").replacen(".e30.", ".", 1);
    let tokens = [
        ADMIN_TOKEN,
        READ,
        PUBLISH,
        EXPIRED,
        UNREADABLE,
        UNKNOWN,
        &minted,
        &forged,
    ];
    for (number, token) in tokens.into_iter().enumerate() {
        let name = format!("item-{number}");
        let release = Release::new("@team", &name, "1.0.0");
        let upload = Upload::new(Archive::pack(&release, &mut random)).request();
        for request in [
            Request::get("/registries/@team/features/item-0"),
            Request::get("/namespaces"),
            Request::get("/whoami"),
            upload,
            Request::new("PUT", "/registries/@team/features/item-0/tags/beta")
                .json(&json!({ "version": "1.0.0" })),
            Request::new("DELETE", "/registries/@team/features/item-0/tags/beta"),
            Request::new("PUT", "/registries/@team/features/item-0/1.0.0/yank").json(&json!({})),
        ] {
            for request in [
                request.clone().bearer(token),
                request.clone().header("X-Registry-Token", token),
                request.header("Authorization", &format!("Basic {token}")),
            ] {
                request.send(daemon.url()).expect("an answer");
            }
        }
    }
    let logged = daemon.logged() + &daemon.printed();
    assert!(
        logged.contains("/registries/@team"),
        "the log says what was asked for:\n{logged}"
    );
    assert!(daemon.stop().success());

    for path in tree(registry.root())
        .into_keys()
        .filter(|path| path != "access.json")
    {
        let bytes = fs::read(registry.root().join(&path)).expect("a file's bytes");
        let text = String::from_utf8_lossy(&bytes);
        let written = tokens.into_iter().find(|token| text.contains(token));
        assert_eq!(written, None, "in {path}");
    }
}
