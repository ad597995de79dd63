//! What is taken for a body, and what is not: 64 KiB of JSON at most, with the keys that there are.

use rack_tests::http::Request;
use serde_json::json;

use super::{ask, listed, published};
use crate::expect::Expect;
use crate::suite::Suite;

const MOST: usize = 64 << 10;

/// Runs the cases.
pub(super) fn run(suite: &mut Suite) {
    let item = published(suite, "@drop", &["1.0.0"]);
    let yank = format!("{}/yank", item.url());
    let deprecation = format!("{}/deprecation", item.url());
    let tag = format!("{}/tags/beta", item.item_url());
    wrong(suite, &yank, &deprecation, &tag);
    listed(
        suite,
        "after all that was refused",
        &item,
        json!({ "versions": ["1.0.0"], "tags": {}, "yanked": {}, "deprecated": {} }),
    );
    right(suite, &yank);
    long(suite, &yank);
    let long_delete = Request::new("DELETE", &yank).body(vec![b' '; MOST + 1]);
    let long_delete = long_delete.bearer(&suite.target().admin);
    let expect = Expect::error(413, "PAYLOAD_TOO_LARGE");
    suite.ask(
        "bodies: a DELETE with 64 KiB and a byte",
        &long_delete,
        &expect,
    );
    ask(
        suite,
        "a DELETE has no body",
        &yank,
        None,
        &Expect::status(200),
    );
}

fn put(suite: &mut Suite, target: &str, body: &[u8], expect: &Expect) {
    let shown = String::from_utf8_lossy(&body[..body.len().min(40)]);
    let name = format!("bodies: {shown:?} ({} bytes) to {target}", body.len());
    let request = Request::new("PUT", target).body(body.to_vec());
    let request = request.bearer(&suite.target().admin);
    suite.ask(&name, &request, expect);
}

fn wrong(suite: &mut Suite, yank: &str, deprecation: &str, tag: &str) {
    let yanks: &[&[u8]] = &[
        b"no JSON",
        b"reason=x",
        b"null",
        b"7",
        b"\"x\"",
        b"[]",
        b" [\"x\"]",
        b"{",
        b"{\"reason\":\"x\"} x",
        b"{\"reason\":null}",
        b"{\"reason\":7}",
        b"{\"reason\":\"x\",\"reason\":\"y\"}",
        b"{\"reason\":\"x\",\"colour\":\"blue\"}",
        b"{\"message\":\"x\"}",
        b"{\"reason\":\"\xff\"}",
        b"{\"reason\":\"a\nb\"}",
    ];
    let deprecations: &[&[u8]] = &[
        b"",
        b"{}",
        b"[\"x\"]",
        b"{\"message\":null}",
        b"{\"message\":\" \"}",
        b"{\"reason\":\"x\"}",
    ];
    let tags: &[&[u8]] = &[
        b"",
        b"{}",
        b"[\"1.0.0\"]",
        b"\"1.0.0\"",
        b"{\"version\":\"1.0\"}",
        b"{\"version\":\"latest\"}",
        b"{\"version\":1}",
        b"{\"version\":\"1.0.0\",\"tag\":\"beta\"}",
    ];
    for (target, key, bodies) in [
        (yank, "reason", yanks),
        (deprecation, "message", deprecations),
        (tag, "version", tags),
    ] {
        let expect = Expect::error(400, "BAD_REQUEST").message_has(&[key]);
        for body in bodies {
            put(suite, target, body, &expect);
        }
    }
}

/// Whatever it is called: `curl -d` calls it a form.
fn right(suite: &mut Suite, yank: &str) {
    let none = Expect::status(200).json_has(json!({ "yanked": { "reason": "" } }));
    for body in ["", " \r\n", "{}", "{\"reason\":\"\"}"] {
        put(suite, yank, body.as_bytes(), &none);
    }
    for (reason, media_type) in [
        ("plain", "text/plain"),
        ("form", "application/x-www-form-urlencoded"),
        ("no type", "nonsense"),
    ] {
        let request = Request::new("PUT", yank)
            .header("Content-Type", media_type)
            .body(json!({ "reason": reason }).to_string().into_bytes())
            .bearer(&suite.target().admin);
        let expect = Expect::status(200).json_has(json!({ "yanked": { "reason": reason } }));
        suite.ask(
            &format!("bodies: JSON that is called {media_type}"),
            &request,
            &expect,
        );
    }
}

fn long(suite: &mut Suite, yank: &str) {
    let frame = json!({ "reason": "" }).to_string().len();
    for (bytes, fits) in [
        (MOST, true),
        (MOST + 1, false),
        (65 << 10, false),
        (5 << 20, false),
    ] {
        let reason = "y".repeat(bytes - frame);
        let body = json!({ "reason": reason }).to_string();
        let expect = match fits {
            true => Expect::status(200).json_has(json!({ "yanked": { "reason": reason } })),
            false => Expect::error(413, "PAYLOAD_TOO_LARGE"),
        };
        put(suite, yank, body.as_bytes(), &expect);
    }
}
