//! `GET /whoami` tells a caller who it is, what it may do and until when, the same behind nginx.

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::http::{Request, Response};
use rack_tests::minted::Minted;
use rack_tests::nginx::with_daemon;
use rack_tests::registry::Registry;
use rack_tests::tree::sha256;
use serde_json::{Value, json};

#[test]
fn whoami_says_who_a_token_is() {
    let hashed = format!("sha256:{}", sha256(b"hashed"));
    let registry = Registry::new(&json!({
        "@open": [],
        "@team": [
            { "token": "reads", "mark": "CI" },
            { "token": "both", "mark": "here", "expiresAt": "2090-01-01T00:00:00Z" },
            { "token": "old", "expiresAt": "2020-01-01" },
            { "token": hashed, "mark": "kept as a hash" },
        ],
        "@other": [{ "token": "both", "publish": true }],
    }));
    registry.build();
    let minted = Minted::mint(&registry, &["publish:@team/features/*", "yank:@open"]);
    let (nginx, daemon) = with_daemon(&registry);
    let ask = |url: &str, token: &str| -> Response {
        let request = Request::get("/whoami").bearer(token);
        let answer = request.send(url).expect("an answer");
        assert_eq!(answer.header("Cache-Control"), Some("no-store"));
        answer
    };
    for url in [daemon.url(), &nginx.url()] {
        let told = |token: &str| {
            let answer = ask(url, token);
            assert_eq!(answer.status, 200, "{token}");
            answer.json()
        };
        assert_eq!(
            told(ADMIN_TOKEN),
            json!({ "kind": "admin", "name": "admin", "scopes": ["admin:*"], "expires": null })
        );
        assert_eq!(
            told("reads"),
            json!({ "kind": "access", "name": "CI", "scopes": ["read:@team"], "expires": null })
        );
        let both = told("both");
        assert_eq!(both["expires"], "2090-01-01T00:00:00Z");
        let scopes = [
            "read:@other",
            "publish:@other",
            "yank:@other",
            "tag:@other",
            "read:@team",
        ];
        assert_eq!(both["scopes"], json!(scopes));
        assert_eq!(told("hashed")["name"], "kept as a hash");
        let ours = told(&minted.text);
        assert_eq!(ours["kind"], "minted");
        assert_eq!(ours["id"], *minted.id);
        assert_eq!(ours["name"], "ci");
        assert_eq!(
            ours["scopes"],
            json!(["publish:@team/features/*", "yank:@open"])
        );
        assert!(ours["expires"].is_string(), "{ours}");

        let none = Request::get("/whoami").send(url).expect("an answer");
        assert_eq!((none.status, &*none.code()), (401, "UNAUTHORIZED"));
        for (token, code) in [
            ("old", "TOKEN_EXPIRED"),
            ("nobody", "INVALID_TOKEN"),
            // What stands in the file as a hash is no secret.
            (&hashed, "INVALID_TOKEN"),
            (&minted.text[1..], "INVALID_TOKEN"),
            // `{"alg":"none"}`
            (
                &format!("eyJhbGciOiJub25lIn0.{}.", part(&minted.text, 1)),
                "INVALID_TOKEN",
            ),
        ] {
            let answer = ask(url, token);
            assert_eq!((answer.status, &*answer.code()), (401, code), "{token}");
        }
        let post = Request::new("POST", "/whoami").bearer("reads").send(url);
        assert_eq!(post.expect("an answer").status, 405);
    }
    let health = Request::get("/health")
        .send(daemon.url())
        .expect("an answer");
    assert_eq!(health.json()["status"], Value::from("ok"));
}

/// A part of a token.
fn part(token: &str, number: usize) -> &str {
    token.split('.').nth(number).expect("a part")
}
