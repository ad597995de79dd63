//! A minted token does what its scopes say, there and nowhere else, behind nginx too.

use rack_tests::http::{Request, Response};
use rack_tests::minted::Minted;
use rack_tests::multipart::Upload;
use rack_tests::nginx::with_daemon;
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use serde_json::json;

fn registry() -> Registry {
    let registry = Registry::new(&json!({
        "@open": [],
        "@team": [{ "token": "secret-of-the-team-0b6e" }],
        "@other": [{ "token": "other", "publish": true }],
    }));
    registry.put(&Release::new("@team", "auth", "1.0.0"));
    registry.put(&Release::new("@other", "item", "1.0.0"));
    registry.build();
    registry
}

fn outcome(answer: &Response) -> (u16, String) {
    match answer.status {
        ok @ 200..300 => (ok, String::new()),
        status => (status, answer.code()),
    }
}

#[test]
fn minted_tokens_reach_as_far_as_their_scopes() {
    let mut random = Random::announced("minted_tokens_reach_as_far_as_their_scopes");
    let registry = registry();
    let (nginx, daemon) = with_daemon(&registry);
    let token = |scopes: &[&str]| Minted::mint(&registry, scopes).text;
    let features = token(&["publish:@team/features/*"]);
    let open = token(&["publish:@open"]);
    let yank = token(&["yank:@team", "read:@team"]);
    let admin = token(&["admin:@team"]);
    let mut version = 0;
    for (token, release, expected) in [
        (&features, Release::new("@team", "auth", ""), (201, "")),
        (
            &features,
            Release::new("@team", "lint", "").with("path", "quality/lint"),
            (403, "INSUFFICIENT_PERMISSIONS"),
        ),
        // Before its other faults are told.
        (
            &features,
            Release::new("@team", "lint", "")
                .with("path", "quality/lint")
                .with("priority", "none"),
            (403, "INSUFFICIENT_PERMISSIONS"),
        ),
        (
            &features,
            Release::new("@open", "auth", ""),
            (403, "INSUFFICIENT_PERMISSIONS"),
        ),
        (
            &features,
            Release::new("@none", "auth", ""),
            (403, "NAMESPACE_NOT_ALLOWED"),
        ),
        // Where tokens of the access file cannot.
        (&open, Release::new("@open", "auth", ""), (201, "")),
        (
            &open,
            Release::new("@team", "auth", ""),
            (403, "INSUFFICIENT_PERMISSIONS"),
        ),
        (
            &yank,
            Release::new("@team", "auth", ""),
            (403, "INSUFFICIENT_PERMISSIONS"),
        ),
        (
            &admin,
            Release::new("@team", "lint", "").with("path", "quality/lint"),
            (201, ""),
        ),
        (
            &admin,
            Release::new("@other", "item", ""),
            (403, "INSUFFICIENT_PERMISSIONS"),
        ),
    ] {
        for url in [daemon.url(), &nginx.url()] {
            version += 1;
            let release = release.clone().with("version", format!("2.{version}.0"));
            let upload = Upload::new(Archive::pack(&release, &mut random)).request();
            let answer = upload.bearer(token).send(url).expect("an answer");
            let (status, code) = outcome(&answer);
            assert_eq!((status, &*code), expected, "{}", release.address());
            if status == 201 {
                let read = Request::get(&release.url()).bearer(token).send(url);
                assert_eq!(read.expect("an answer").status, 200);
            }
        }
    }

    let put = |target: &str, body| Request::new("PUT", target).json(&body);
    let get = Request::get;
    let item = "/registries/@team/features/auth";
    for (request, token, expected) in [
        // Who publishes somewhere in a namespace reads all of it, and nothing gated elsewhere.
        (get(&format!("{item}/1.0.0")), &features, (200, "")),
        (
            get("/registries/@other/features/item/1.0.0"),
            &features,
            (403, "INSUFFICIENT_PERMISSIONS"),
        ),
        (
            get(&format!("{item}/1.0.0")),
            &open,
            (403, "INSUFFICIENT_PERMISSIONS"),
        ),
        (
            put(&format!("{item}/1.0.0/yank"), json!({})),
            &features,
            (403, "INSUFFICIENT_PERMISSIONS"),
        ),
        (
            put(&format!("{item}/1.0.0/yank"), json!({})),
            &yank,
            (200, ""),
        ),
        (
            put(&format!("{item}/tags/beta"), json!({ "version": "2.1.0" })),
            &yank,
            (403, "INSUFFICIENT_PERMISSIONS"),
        ),
        (
            put(&format!("{item}/tags/beta"), json!({ "version": "2.1.0" })),
            &admin,
            (200, ""),
        ),
    ] {
        for url in [daemon.url(), &nginx.url()] {
            let answer = request.clone().bearer(token).send(url).expect("an answer");
            let (status, code) = outcome(&answer);
            assert_eq!((status, &*code), expected, "{request:?}");
        }
    }
    let listed = get("/namespaces").bearer(&features).send(&nginx.url());
    let listed = listed.expect("an answer").json();
    assert_eq!(listed["namespaces"], json!(["@open", "@team"]));
}

#[test]
fn who_can_publish_nowhere_is_refused_before_the_body_is_read() {
    let registry = registry();
    let daemon = registry.rackd().start();
    let yank = Minted::mint(&registry, &["yank:*", "read:*"]).text;
    let features = Minted::mint(&registry, &["publish:@team/features/*"]).text;
    for (token, status, code) in [
        (&*yank, 403, "INSUFFICIENT_PERMISSIONS"),
        ("secret-of-the-team-0b6e", 403, "INSUFFICIENT_PERMISSIONS"),
        // Whoever could publish something is told what is wrong with it.
        ("other", 400, "MISSING_FILE"),
        (&features, 400, "MISSING_FILE"),
    ] {
        let answer = Request::new("POST", "/registries")
            .bearer(token)
            .body(b"this is no form".to_vec())
            .send(daemon.url())
            .expect("an answer");
        assert_eq!((answer.status, &*answer.code()), (status, code));
    }
}
