//! Tags: set, moved, read and taken away; and what they keep from happening.

use rack_tests::http::Request;
use rack_tests::release::Release;
use serde_json::{Value, json};

use super::{ask, latest, listed, published};
use crate::expect::Expect;
use crate::seed::{TEAM_PUBLISH, TEAM_READ};
use crate::suite::Suite;

/// Runs the cases.
pub(super) fn run(suite: &mut Suite) {
    let item = published(suite, "@drop", &["1.0.0", "1.1.0+b.1", "2.0.0-rc.1"]);
    moves(suite, &item);
    keeps(suite, &item);
    goes(suite, &item);
    gated(suite);
}

fn tag(item: &Release, tag: &str) -> String {
    format!("{}/tags/{tag}", item.item_url())
}

/// A 200 with these tags, and no other.
fn tags(item: &Release, tags: &Value) -> Expect {
    let expect = Expect::status(200).header("Cache-Control", "no-store");
    expect.json(json!({ "path": item.item(), "tags": tags }))
}

/// Once more for a call that is repeated, and for a version that has a tag already.
fn moves(suite: &mut Suite, item: &Release) {
    let mut seen = String::new();
    for (name, version, all) in [
        ("beta", "2.0.0-rc.1", json!({ "beta": "2.0.0-rc.1" })),
        ("beta", "2.0.0-rc.1", json!({ "beta": "2.0.0-rc.1" })),
        ("beta", "1.0.0", json!({ "beta": "1.0.0" })),
        (
            "next-7",
            "1.0.0",
            json!({ "beta": "1.0.0", "next-7": "1.0.0" }),
        ),
        (
            "beta",
            "1.1.0+b.1",
            json!({ "beta": "1.1.0+b.1", "next-7": "1.0.0" }),
        ),
    ] {
        let when = format!("{name} is {version}");
        let body = json!({ "version": version });
        ask(
            suite,
            &when,
            &tag(item, name),
            Some(&body),
            &tags(item, &all),
        );
        listed(
            suite,
            &when,
            item,
            json!({ "tags": all, "latest": "1.1.0+b.1" }),
        );
        // What a client holds of the version before is not what the tag names now.
        let request = Request::get(&tag(item, name)).header("If-None-Match", &seen);
        let expect = Expect::status(200)
            .header("Cache-Control", "public, max-age=60")
            .json_has(body);
        if name == "beta" && !seen.is_empty() && version != "2.0.0-rc.1" {
            suite.ask(&format!("tags: {when}, and was another"), &request, &expect);
        }
        let request = Request::get(&tag(item, name));
        if let Some(answer) = suite.ask(&format!("tags: {when}"), &request, &expect)
            && name == "beta"
        {
            seen = answer.header("ETag").unwrap_or_default().to_owned();
        }
    }
    latest(suite, "does not follow tags", item, Some("1.1.0+b.1"));
}

/// What a tag names is offered, and stays so.
fn keeps(suite: &mut Suite, item: &Release) {
    let yank = |version| format!("{}/yank", item.clone().with("version", version).url());
    let bad = |words: &[&str]| Expect::error(400, "BAD_REQUEST").message_has(words);
    let expect = bad(&["1.0.0", "next-7"]);
    ask(
        suite,
        "a yank of what a tag names",
        &yank("1.0.0"),
        Some(&json!({})),
        &expect,
    );
    let yanked = Expect::status(200);
    ask(
        suite,
        "a yank of what no tag names",
        &yank("2.0.0-rc.1"),
        Some(&json!({})),
        &yanked,
    );
    let body = json!({ "version": "2.0.0-rc.1" });
    let expect = bad(&["2.0.0-rc.1", "yanked"]);
    ask(
        suite,
        "a tag for what is yanked",
        &tag(item, "next-7"),
        Some(&body),
        &expect,
    );
    let body = json!({ "version": "9.9.9" });
    let expect = Expect::error(404, "NOT_FOUND").message_has(&["9.9.9"]);
    ask(
        suite,
        "a tag for what is not there",
        &tag(item, "next-7"),
        Some(&body),
        &expect,
    );
    let body = json!({ "version": "1.1.0" });
    let expect = Expect::error(404, "NOT_FOUND");
    ask(
        suite,
        "a tag for a twin",
        &tag(item, "next-7"),
        Some(&body),
        &expect,
    );
    let all = json!({ "beta": "1.1.0+b.1", "next-7": "1.0.0" });
    listed(
        suite,
        "after refusals",
        item,
        json!({ "tags": all, "versions": ["1.1.0+b.1", "1.0.0"] }),
    );
}

fn goes(suite: &mut Suite, item: &Release) {
    let left = json!({ "beta": "1.1.0+b.1" });
    for name in ["an untag", "the same untag again"] {
        ask(suite, name, &tag(item, "next-7"), None, &tags(item, &left));
    }
    let expect = Expect::error(404, "NOT_FOUND");
    suite.ask(
        "tags: one that is gone",
        &Request::get(&tag(item, "next-7")),
        &expect,
    );
    let beta = Request::get(&tag(item, "beta"));
    suite.ask("tags: the other one", &beta, &Expect::status(200));
    let yank = format!("{}/yank", item.url());
    ask(
        suite,
        "a yank of what a tag named",
        &yank,
        Some(&json!({})),
        &Expect::status(200),
    );
}

fn gated(suite: &mut Suite) {
    let item = published(suite, "@team", &["1.0.0"]);
    let target = tag(&item, "beta");
    let request = Request::new("PUT", &target)
        .json(&json!({ "version": "1.0.0" }))
        .bearer(TEAM_PUBLISH);
    let expect = tags(&item, &json!({ "beta": "1.0.0" }));
    suite.ask("tags: a gated one is set", &request, &expect);
    let request = Request::get(&target);
    let expect = Expect::error(401, "UNAUTHORIZED");
    suite.ask("tags: a gated one, by nobody", &request, &expect);
    let expect = Expect::status(200).header("Cache-Control", "private, max-age=60");
    suite.ask("tags: a gated one", &request.bearer(TEAM_READ), &expect);
}
