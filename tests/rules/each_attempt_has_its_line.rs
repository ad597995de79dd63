//! Whoever tries to change something has a line in the audit log, whatever came of it: when, who, from where, what, and
//! the id of the request. So has whoever was not let in to read. No secret is in it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rack_tests::audit::audit;
use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::http::{Request, Response};
use rack_tests::minted::Minted;
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::wait;
use serde_json::{Value, json};

const READ: &str = "secret-of-a-reader-8a01";
const PUBLISH: &str = "secret-of-a-publisher-17d9";
const UNKNOWN: &str = "secret-that-nobody-knows-c3f2";
const ITEM: &str = "@team/features/item";

fn registry() -> Registry {
    Registry::new(&json!({
        "@open": [],
        "@team": [{ "token": READ, "mark": "readers" }, { "token": PUBLISH, "publish": true, "mark": "CI" }],
    }))
    .setting("USER", "ada")
}

#[test]
fn each_attempt_has_its_line() {
    let mut random = Random::announced("each_attempt_has_its_line");
    let registry = registry();
    registry.build();
    let daemon = registry.rackd().unhurried().start();
    let minted = Minted::mint(&registry, &["publish:@team/features/other"]);
    let mut upload = |release: &Release, query: &str| {
        let mut request = Upload::new(Archive::pack(release, &mut random)).request();
        request.target += query;
        request
    };
    let release = Release::new("@team", "item", "1.0.0");
    let publish = upload(&release, "");
    let dry = upload(&Release::new("@team", "item", "3.0.0"), "?dry_run=true");
    let nowhere = upload(&Release::new("@none", "item", "1.0.0"), "");
    let broken = upload(&release.clone().with("priority", -1), "");
    let no_archive = Upload::new(Archive::of(b"no archive".to_vec())).request();
    let at = |method, what: &str| Request::new(method, &format!("/registries/{ITEM}/{what}"));
    let put = |what, body: Value| at("PUT", what).json(&body);
    let yank = put("1.0.0/yank", json!({ "reason": "leaks" }));
    let tag = put("tags/beta", json!({ "version": "1.0.0" }));
    let gone = put("9.0.0/yank", json!({}));
    let (unyank, untag) = (at("DELETE", "1.0.0/yank"), at("DELETE", "tags/beta"));

    let on = |version| json!({ "item": ITEM, "version": version });
    let item = json!({ "item": ITEM });
    let beta = json!({ "item": ITEM, "tag": "beta" });
    let nothing = json!({});
    let (ci, readers) = (Some("CI"), Some("readers"));
    for (request, token, action, outcome, by, holds) in [
        (&publish, None, "publish", "UNAUTHORIZED", None, &nothing),
        (
            &publish,
            Some(UNKNOWN),
            "publish",
            "INVALID_TOKEN",
            None,
            &nothing,
        ),
        (
            &publish,
            Some(READ),
            "publish",
            "INSUFFICIENT_PERMISSIONS",
            readers,
            &nothing,
        ),
        (
            &publish,
            Some(&*minted.text),
            "publish",
            "INSUFFICIENT_PERMISSIONS",
            Some("ci"),
            &on("1.0.0"),
        ),
        (
            &no_archive,
            Some(PUBLISH),
            "publish",
            "INVALID_ARCHIVE",
            ci,
            &nothing,
        ),
        (
            &broken,
            Some(PUBLISH),
            "publish",
            "SCHEMA_VALIDATION_FAILED",
            ci,
            &on("1.0.0"),
        ),
        (
            &nowhere,
            Some(PUBLISH),
            "publish",
            "NAMESPACE_NOT_ALLOWED",
            ci,
            &json!({ "version": "1.0.0" }),
        ),
        (&dry, Some(PUBLISH), "check", "ok", ci, &on("3.0.0")),
        (&publish, Some(PUBLISH), "publish", "ok", ci, &on("1.0.0")),
        (
            &publish,
            Some(ADMIN_TOKEN),
            "publish",
            "VERSION_EXISTS",
            Some("admin"),
            &on("1.0.0"),
        ),
        (
            &yank,
            Some(READ),
            "yank",
            "INSUFFICIENT_PERMISSIONS",
            readers,
            &on("1.0.0"),
        ),
        (&yank, None, "yank", "UNAUTHORIZED", None, &on("1.0.0")),
        (&gone, Some(PUBLISH), "yank", "NOT_FOUND", ci, &on("9.0.0")),
        (
            &yank,
            Some(PUBLISH),
            "yank",
            "ok",
            ci,
            &json!({ "item": ITEM, "version": "1.0.0", "reason": "leaks" }),
        ),
        (&tag, Some(PUBLISH), "tag", "BAD_REQUEST", ci, &on("1.0.0")),
        (&unyank, Some(PUBLISH), "unyank", "ok", ci, &on("1.0.0")),
        (
            &tag,
            Some(PUBLISH),
            "tag",
            "ok",
            ci,
            &json!({ "item": ITEM, "version": "1.0.0", "tag": "beta" }),
        ),
        (&untag, Some(UNKNOWN), "untag", "INVALID_TOKEN", None, &beta),
        (
            &untag,
            Some(ADMIN_TOKEN),
            "untag",
            "ok",
            Some("admin"),
            &beta,
        ),
        (
            &Request::get(&release.url()),
            None,
            "read",
            "UNAUTHORIZED",
            None,
            &item,
        ),
        (
            &Request::get(&release.item_url()),
            Some(UNKNOWN),
            "read",
            "INVALID_TOKEN",
            None,
            &item,
        ),
    ] {
        let answer = send(&daemon, request, token);
        let line = line_of(&registry, &answer);
        let told = match answer.status {
            200 | 201 => "ok".to_owned(),
            _ => answer.code(),
        };
        assert_eq!(
            (line["action"].as_str(), &*told),
            (Some(action), outcome),
            "{line}"
        );
        assert_eq!(line["outcome"], outcome, "{line}");
        assert_eq!(line["by"]["name"].as_str(), by, "{line}");
        assert_eq!(line["client"], "127.0.0.1", "{line}");
        for (key, value) in holds.as_object().expect("an object") {
            assert_eq!(line[key], *value, "{key} of {line}");
        }
        let is_told = ["VERSION_EXISTS", "ok"].contains(&outcome) && action == "publish";
        assert!(!is_told || line["digest"].is_string(), "{line}");
    }
    // What may be read has no line, nor has what is not there for anybody.
    for (request, token) in [
        (Request::get(&release.url()), Some(READ)),
        (Request::get("/registries/@open/features/none"), None),
        (Request::get("/registries/@none/features/none"), None),
    ] {
        let answer = send(&daemon, &request, token);
        let id = answer.header("X-Request-Id").expect("an id");
        assert_eq!(audit(&registry, &["--request-id", id]), [] as [Value; 0]);
    }
    minted.revoke(&registry);
    let line = line_of(&registry, &send(&daemon, &publish, Some(&minted.text)));
    assert_eq!(
        (&line["outcome"], &line["by"]),
        (&json!("INVALID_TOKEN"), &Value::Null)
    );

    // Whose token it is can be told, also where two are called the same; what it is can not.
    let ids = audit(&registry, &["--by", &minted.id]);
    assert!(
        ids.iter().all(|line| line["by"]["name"] == "ci") && !ids.is_empty(),
        "{ids:?}"
    );
    assert!(daemon.stop().success());
    let path = registry.state().join("audit.jsonl");
    let text = fs::read_to_string(&path).expect("a log");
    for secret in [READ, PUBLISH, UNKNOWN, ADMIN_TOKEN, &minted.text] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let mode = path.metadata().expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn so_has_each_attempt_on_the_tree() {
    let registry = registry();
    registry.put(&Release::new("@team", "item", "1.0.0"));
    registry.put(&Release::new("@team", "item", "2.0.0"));
    registry.build();
    let one = &format!("{ITEM}@1.0.0")[..];
    let minted = Minted::mint(&registry, &["read:@team"]);
    for (args, exit, action, outcome) in [
        (&["yank", one, "--reason", "old"][..], 0, "yank", "ok"),
        (&["tag", one, "beta"], 2, "tag", "BAD_REQUEST"),
        (
            &["yank", "@team/features/item@9.0.0"],
            2,
            "yank",
            "NOT_FOUND",
        ),
        (&["deprecate", one, "--reason", "old"], 0, "deprecate", "ok"),
        (&["remove", one, "--reason", "law"], 0, "remove", "ok"),
        (&["token", "rotate"], 0, "token.rotate", "ok"),
        (&["token", "revoke", &minted.id], 0, "token.revoke", "ok"),
        (
            &["token", "revoke", "0000000000000000"],
            2,
            "token.revoke",
            "BAD_REQUEST",
        ),
    ] {
        registry.rackgen(args).exits(exit);
        let line = &audit(&registry, &["-n", "1"])[0];
        assert_eq!(
            (&line["action"], &line["outcome"]),
            (&json!(action), &json!(outcome)),
            "{line}"
        );
        assert_eq!(line["by"], json!({ "name": "ada" }), "{line}");
    }
    let created = &audit(&registry, &["--action", "token.create"])[0];
    assert_eq!(created["token"], minted.id, "{created}");
    assert!(!created.to_string().contains(&minted.text), "{created}");

    // What a hand did to a published version, and somebody accepts.
    let mut random = Random::announced("so_has_each_attempt_on_the_tree");
    let daemon = registry.rackd().start();
    let three = Release::new("@team", "item", "3.0.0").file("src/a.ts", "a\n");
    assert_eq!(daemon.publish(&three, ADMIN_TOKEN, &mut random).status, 201);
    registry.write_access(json!({ "@team": [{ "token": READ }] }).to_string());
    let reloaded = || audit(&registry, &["--action", "reload", "--outcome", "ok"]).pop();
    wait::until("the line of a reload", wait::LONG, reloaded);
    registry.write_access("{");
    let refused = || audit(&registry, &["--action", "reload", "--outcome", "refused"]).pop();
    wait::until("the line of a refused reload", wait::LONG, refused);
    assert!(daemon.stop().success());
    registry.write_access(json!({ "@team": [{ "token": READ }] }).to_string());
    registry.put_file(&format!("{ITEM}/3.0.0/src/a.ts"), "b\n");
    registry.rackgen(&["build"]).exits(1);
    registry.rackgen(&["build", "--accept-changes"]).exits(0);
    let line = &audit(&registry, &["-n", "1"])[0];
    assert_eq!(
        (&line["action"], &line["version"]),
        (&json!("accept"), &json!("3.0.0")),
        "{line}"
    );
}

/// The flags pick what they say, people read it in columns, and no line makes a terminal do anything.
#[test]
fn the_audit_log_is_filtered() {
    let registry = registry();
    registry.put(&Release::new("@team", "item", "1.0.0"));
    registry.put(&Release::new("@open", "item", "1.0.0"));
    registry.build();
    let one = &format!("{ITEM}@1.0.0")[..];
    registry
        .rackgen(&["yank", one, "--reason", "\u{1b}[31m"])
        .exits(0);
    registry.rackgen(&["unyank", one]).exits(0);
    registry
        .rackgen(&["tag", "@open/features/item@1.0.0", "beta"])
        .exits(0);
    registry
        .rackgen(&["untag", "@open/features/none", "beta"])
        .exits(2);
    for (flags, count) in [
        (&[][..], 4),
        (&["--item", "@team"], 2),
        (&["--item", "@open/features/*", "--outcome", "ok"], 1),
        (&["--action", "yank", "--action", "tag"], 2),
        (&["--outcome", "refused"], 1),
        (&["--outcome", "not_found"], 1),
        (&["--outcome", "VERSION_EXISTS"], 0),
        (&["--by", "ada", "-n", "3"], 3),
        (&["--by", "bob"], 0),
        (&["--since", "1h", "--until", "2999-01-01"], 4),
        (&["--until", "1h"], 0),
        (&["--client", "127.0.0.1"], 0),
    ] {
        assert_eq!(audit(&registry, flags).len(), count, "{flags:?}");
    }
    let text = registry.rackgen(&["audit"]).exits(0).stdout;
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(
        !text.contains('\u{1b}') && text.contains("[31m"),
        "{text:?}"
    );
    registry.rackgen(&["audit", "--since", "someday"]).exits(2);
    registry.rackgen(&["audit", "--action", "dance"]).exits(2);
    // A slip of the hand is not told as if nothing had happened.
    let slip = registry
        .rackgen(&["audit", "--outcome", "NOT_FUOND"])
        .exits(2);
    assert!(slip.names(&["--outcome", "`NOT_FOUND`"]), "{slip}");
}

fn send(daemon: &Rackd, request: &Request, token: Option<&str>) -> Response {
    let request = request.clone();
    let request = match token {
        Some(token) => request.bearer(token),
        None => request,
    };
    request.send(daemon.url()).expect("an answer")
}

/// The one line of an answer.
fn line_of(registry: &Registry, answer: &Response) -> Value {
    let id = answer.header("X-Request-Id").expect("an id");
    // Nobody who reads waits for it.
    let mut lines = wait::until("a line", wait::LONG, || {
        let lines = audit(registry, &["--request-id", id]);
        (!lines.is_empty()).then_some(lines)
    });
    assert_eq!(
        lines.len(),
        1,
        "{} {}: {lines:#?}",
        answer.status,
        answer.json()
    );
    lines.remove(0)
}
