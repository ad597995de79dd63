//! `/tokens`: whoever is admin of a namespace lists, mints and revokes the tokens that reach no further, behind nginx
//! too, at once, and with a line in the audit log.

use std::collections::BTreeSet;

use rack_tests::audit::audit;
use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::http::{Request, Response};
use rack_tests::minted::Minted;
use rack_tests::nginx::with_daemon;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::secrets;
use serde_json::{Value, json};

const LACKS: (u16, &str) = (403, "INSUFFICIENT_PERMISSIONS");

fn registry() -> Registry {
    let registry = Registry::new(&json!({
        "@team": [
            { "token": "publishes-for-the-team", "publish": true },
            { "token": "was-of-the-team", "expiresAt": "2020-01-01" },
        ],
        "@other": [{ "token": "reads-the-other" }],
    }));
    registry.build();
    registry
}

fn order(scopes: &[&str]) -> Value {
    json!({ "name": "made", "scopes": scopes, "expires": "1h" })
}

fn ask(url: &str, token: &str, request: Request) -> Response {
    let answer = request.bearer(token).send(url).expect("an answer");
    assert_ne!(answer.header("Cache-Control"), None);
    answer
}

fn mint(url: &str, token: &str, order: &Value) -> Response {
    let answer = ask(url, token, Request::new("POST", "/tokens").json(order));
    if answer.status == 201 {
        secrets::hand_out(text(&answer.json(), "token"));
    }
    answer
}

fn revoke(url: &str, token: &str, id: &str) -> Response {
    ask(url, token, Request::new("DELETE", &format!("/tokens/{id}")))
}

fn listed(url: &str, token: &str) -> Vec<Value> {
    let answer = ask(url, token, Request::get("/tokens"));
    assert_eq!(answer.status, 200);
    answer.json()["tokens"].as_array().expect("a list").clone()
}

fn text<'a>(document: &'a Value, key: &str) -> &'a str {
    document[key].as_str().expect("a text")
}

fn outcome(answer: &Response) -> (u16, String) {
    match answer.status {
        ok @ 200..300 => (ok, String::new()),
        status => (status, answer.code()),
    }
}

fn assert_outcome(answer: &Response, (status, code): (u16, &str), what: &str) {
    assert_eq!(outcome(answer), (status, code.to_owned()), "{what}");
}

#[test]
fn admins_of_a_namespace_mint_its_tokens() {
    let registry = registry();
    let of = |scopes: &[&str]| Minted::mint(&registry, scopes);
    let (everywhere, team, both) = (
        of(&["admin:*"]),
        of(&["admin:@team", "read:*"]),
        of(&["admin:@team", "admin:@other"]),
    );
    let (other, publisher) = (of(&["admin:@other"]), of(&["publish:@team", "read:*"]));
    let (nginx, daemon) = with_daemon(&registry);
    let admins = [
        // By what they may mint, of the places below.
        (ADMIN_TOKEN, "team other *"),
        (&*everywhere.text, "team other *"),
        (&team.text, "team"),
        (&both.text, "team other"),
        (&other.text, "other"),
    ];
    let orders: [(&[&str], &str); 7] = [
        (&["admin:@team"], "team"),
        (
            &["publish:@team/features/*", "tag:@team/features/auth"],
            "team",
        ),
        (&["read:@other"], "other"),
        (&["publish:@team", "read:@other"], "team other"),
        (&["read:*"], "*"),
        (&["admin:*"], "*"),
        (&["publish:@team", "yank:*"], "*"),
    ];
    // All of it, and behind nginx enough to see that it passes.
    for (url, orders) in [(daemon.url(), &orders[..]), (&nginx.url(), &orders[..2])] {
        let mut made = Vec::new();
        for (admin, reach) in admins {
            let reach: BTreeSet<_> = reach.split(' ').collect();
            for &(scopes, places) in orders {
                let answer = mint(url, admin, &order(scopes));
                let what = format!("{reach:?} mints {scopes:?}");
                if !places.split(' ').all(|place| reach.contains(place)) {
                    assert_outcome(&answer, LACKS, &what);
                    continue;
                }
                assert_outcome(&answer, (201, ""), &what);
                assert_eq!(answer.header("Cache-Control"), Some("no-store"));
                let created = answer.json();
                assert_eq!(created["scopes"], json!(scopes));
                let holder = Request::get("/whoami");
                let told = ask(url, text(&created, "token"), holder).json();
                for key in ["id", "name", "scopes"] {
                    assert_eq!(told[key], created[key]);
                }
                made.push((text(&created, "id").to_owned(), places));
            }
        }

        // Each sees what it could have minted, whoever did, and revokes that; of others it is told nothing.
        for (admin, reach) in admins {
            let rows = listed(url, admin);
            let seen: BTreeSet<_> = rows.iter().map(|row| text(row, "id")).collect();
            for (id, places) in &made {
                let reach: BTreeSet<_> = reach.split(' ').collect();
                let is_within = places.split(' ').all(|place| reach.contains(place));
                assert_eq!(seen.contains(&**id), is_within, "{reach:?}: {places}");
                if !is_within {
                    assert_outcome(&revoke(url, admin, id), (404, "NOT_FOUND"), places);
                }
            }
            assert_eq!(seen.contains(&*team.id), reach.contains('*'));
        }
        let by_rackgen = registry
            .rackgen(&["token", "list", "--format", "json"])
            .exits(0);
        let by_rackgen: Value = serde_json::from_str(&by_rackgen.stdout).expect("JSON");
        let known = |row: &Value| {
            let mut row = row.clone();
            // It is written a little later.
            row["last_used"].take();
            row
        };
        let rows = by_rackgen["tokens"].as_array().expect("a list").iter();
        let seen = listed(url, ADMIN_TOKEN);
        assert!(rows.map(known).eq(seen.iter().map(known)));
        for (id, _) in made.iter().take(2) {
            for _ in 0..2 {
                let answer = revoke(url, ADMIN_TOKEN, id);
                assert_outcome(&answer, (200, ""), id);
                assert_eq!(answer.json()["standing"], "revoked");
            }
        }

        for (token, expected) in [
            ("publishes-for-the-team", LACKS),
            ("reads-the-other", LACKS),
            (&publisher.text, LACKS),
            ("was-of-the-team", (401, "TOKEN_EXPIRED")),
            ("nobody-that-is-known", (401, "INVALID_TOKEN")),
        ] {
            for request in [
                Request::get("/tokens"),
                Request::new("POST", "/tokens").json(&order(&["read:@team"])),
                Request::new("DELETE", &format!("/tokens/{}", other.id)),
            ] {
                let what = format!("{token}: {request:?}");
                assert_outcome(&ask(url, token, request), expected, &what);
            }
        }
        for method in ["GET", "POST"] {
            let answer = Request::new(method, "/tokens").send(url);
            let answer = answer.expect("an answer");
            assert_outcome(&answer, (401, "UNAUTHORIZED"), method);
        }
    }
}

/// The figures and the audit log go by names.
#[test]
fn a_name_that_opens_more_is_for_an_admin_of_everything() {
    let registry = registry();
    registry.write_config("[metrics]\naddresses = []\ntokens = [\"prometheus\"]\n");
    let daemon = registry.rackd().start();
    let of = |scope| Minted::mint(&registry, &[scope]).text;
    let (everywhere, team) = (of("admin:*"), of("admin:@team"));
    for (name, is_kept) in [
        ("admin", true),
        (" admin ", true),
        ("Admin", true),
        ("prometheus", true),
        ("administrator", false),
        ("ci", false),
    ] {
        for (admin, is_everywhere) in [(&*everywhere, true), (ADMIN_TOKEN, true), (&team, false)] {
            let mut order = order(&["read:@team"]);
            order["name"] = json!(name);
            let answer = mint(daemon.url(), admin, &order);
            let expected = match is_everywhere || !is_kept {
                true => (201, ""),
                false => LACKS,
            };
            assert_outcome(&answer, expected, name);
            if answer.status == 201 {
                let figures = Request::get("/metrics");
                let answer = ask(daemon.url(), text(&answer.json(), "token"), figures);
                let sees = answer.status == 200;
                assert_eq!(sees, name == "prometheus", "{name}");
            }
        }
    }
}

#[test]
fn bad_orders_are_told_what_is_wrong() {
    let registry = registry();
    registry.write_config("max_token_age = \"7d\"\n");
    let team = Minted::mint(&registry, &["admin:@team"]);
    let (nginx, daemon) = with_daemon(&registry);
    let before = listed(daemon.url(), ADMIN_TOKEN);
    let good = order(&["read:@team"]);
    let with = |key: &str, value: Value| {
        let mut order = good.clone();
        order[key] = value;
        order
    };
    let bad = (400, "BAD_REQUEST");
    for url in [daemon.url(), &nginx.url()] {
        for (order, expected) in [
            (with("name", json!("")), bad),
            (with("name", json!("two\nlines")), bad),
            (with("name", json!("admin\u{200b}")), bad),
            (with("name", json!("\u{202e}nimda")), bad),
            (with("scopes", json!([])), bad),
            (with("scopes", json!(vec!["read:@team"; 33])), bad),
            (with("scopes", json!(["read:@team/features/*"])), bad),
            (with("expires", json!("never")), bad),
            (with("expires", json!("-1h")), bad),
            (with("expires", json!(3600)), bad),
            (with("more", json!(1)), bad),
            (json!({}), bad),
            (json!(["made", ["read:@team"], "1h"]), bad),
            // The maximum is everybody's, and a token of a token ends with it.
            (with("expires", json!("8d")), bad),
            (with("expires", json!("2d")), LACKS),
        ] {
            let answer = mint(url, &team.text, &order);
            assert_outcome(&answer, expected, &order.to_string());
        }
        let request = Request::new("POST", "/tokens").body(b"no JSON".to_vec());
        assert_outcome(&ask(url, &team.text, request), bad, "no JSON");
        let unknown = revoke(url, &team.text, "0123456789abcdef");
        assert_outcome(&unknown, (404, "NOT_FOUND"), "an unknown id");
        let no_id = revoke(url, &team.text, "none");
        assert_outcome(&no_id, (405, "METHOD_NOT_ALLOWED"), "no id");
    }
    assert_eq!(listed(daemon.url(), ADMIN_TOKEN).len(), before.len());
}

#[test]
fn a_minted_token_publishes_at_once_and_revoked_it_does_not() {
    let mut random = Random::announced("a_minted_token_publishes_at_once_and_revoked_it_does_not");
    let registry = registry();
    let daemon = registry.rackd().start();
    let team = Minted::mint(&registry, &["admin:@team"]);
    let created = mint(
        daemon.url(),
        &team.text,
        &order(&["publish:@team/features/*"]),
    );
    let created = created.json();
    let (id, token) = (text(&created, "id"), text(&created, "token"));
    let mut publish = |version: &str| {
        let release = Release::new("@team", "auth", version);
        outcome(&daemon.publish(&release, token, &mut random))
    };
    assert_eq!(publish("1.0.0").0, 201);
    // What it minted stays when the parent goes.
    team.revoke(&registry);
    let answer = mint(daemon.url(), &team.text, &order(&["read:@team"]));
    assert_outcome(&answer, (401, "INVALID_TOKEN"), "a revoked parent");
    assert_eq!(publish("1.1.0").0, 201);
    assert_eq!(revoke(daemon.url(), ADMIN_TOKEN, id).status, 200);
    assert_eq!(publish("1.2.0"), (401, "INVALID_TOKEN".to_owned()));

    // So whoever looks for what a token minted finds it.
    let made = audit(&registry, &["--by", &team.id, "--action", "token.create"]);
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(
        (&made[0]["token"], &made[0]["outcome"]),
        (&json!(id), &json!("ok"))
    );
    let revoked = audit(&registry, &["--by", "admin", "--action", "token.revoke"]);
    assert_eq!(
        (&revoked[0]["token"], &revoked[0]["outcome"]),
        (&json!(id), &json!("ok"))
    );

    drop(daemon);
    let read_only = registry.rackd().switch("--read-only").start();
    let answer = mint(read_only.url(), ADMIN_TOKEN, &order(&["read:@team"]));
    assert_outcome(&answer, (503, "UNAVAILABLE"), "a read-only registry");
}
