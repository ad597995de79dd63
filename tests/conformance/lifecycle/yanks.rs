//! Yanks and deprecations: the state in the answer, the same for a call that is repeated, and what is read then.

use rack_tests::http::Request;
use rack_tests::release::Release;
use serde_json::{Value, json};

use super::{ask, latest, listed, published};
use crate::expect::Expect;
use crate::seed::{TEAM_PUBLISH, TEAM_READ};
use crate::suite::{Suite, unless};

/// Runs the cases.
pub(super) fn run(suite: &mut Suite) {
    one_by_one(suite);
    deprecated(suite);
    spelled_in_every_way(suite);
    gated(suite);
}

/// A 200 with at least this.
fn state(document: Value) -> Expect {
    Expect::status(200)
        .header("Cache-Control", "no-store")
        .header("Content-Type", "application/json")
        .json_has(document)
}

/// Every version is yanked, from the highest down, and one is offered again.
fn one_by_one(suite: &mut Suite) {
    let item = published(suite, "@drop", &["1.0.0", "1.1.0", "2.0.0-rc.1"]);
    let address = |version: &str| item.clone().with("version", version);
    let yank = |version| format!("{}/yank", address(version).url());
    let left = |versions: Value, latest: Value, yanked: Value| json!({ "versions": versions, "latest": latest, "yanked": yanked });
    latest(suite, "before a yank", &item, Some("1.1.0"));
    listed(
        suite,
        "before a yank",
        &item,
        left(
            json!(["2.0.0-rc.1", "1.1.0", "1.0.0"]),
            json!("1.1.0"),
            json!({}),
        ),
    );

    let leaks = json!({ "reason": "leaks" });
    let expect = state(json!({
        "path": address("1.1.0").address(), "yanked": { "reason": "leaks" }, "deprecated": null,
    }));
    let first = ask(suite, "a yank", &yank("1.1.0"), Some(&leaks), &expect);
    let again = ask(
        suite,
        "the same yank again",
        &yank("1.1.0"),
        Some(&leaks),
        &expect,
    );
    if let (Some(first), Some(again)) = (first, again) {
        suite.check("lifecycle: a repeated yank is as old as the first", |_| {
            let (first, again) = (first.json(), again.json());
            Ok(unless(first == again, || format!("{first}, then {again}")))
        });
    }
    latest(suite, "falls back", &item, Some("1.0.0"));
    listed(
        suite,
        "after a yank",
        &item,
        left(
            json!(["2.0.0-rc.1", "1.0.0"]),
            json!("1.0.0"),
            json!({ "1.1.0": leaks }),
        ),
    );
    let other = json!({ "reason": "leaks, and crashes" });
    let expect = state(json!({ "yanked": other }));
    ask(
        suite,
        "a yank for another reason",
        &yank("1.1.0"),
        Some(&other),
        &expect,
    );

    let expect = state(json!({ "yanked": { "reason": "" } }));
    ask(
        suite,
        "a yank without a reason",
        &yank("1.0.0"),
        Some(&json!({})),
        &expect,
    );
    latest(
        suite,
        "falls back to a prerelease",
        &item,
        Some("2.0.0-rc.1"),
    );
    ask(
        suite,
        "the last yank",
        &yank("2.0.0-rc.1"),
        Some(&json!({})),
        &expect,
    );
    latest(suite, "of an item that is all yanked", &item, None);
    listed(
        suite,
        "of an item that is all yanked",
        &item,
        left(json!([]), Value::Null, json!({ "1.1.0": other })),
    );
    still_there(suite, &item, &["1.0.0", "1.1.0", "2.0.0-rc.1"]);

    let offered = state(json!({ "path": address("1.0.0").address(), "yanked": null }));
    for name in ["an unyank", "the same unyank again"] {
        ask(suite, name, &yank("1.0.0"), None, &offered);
    }
    latest(suite, "after an unyank", &item, Some("1.0.0"));
    listed(
        suite,
        "after an unyank",
        &item,
        left(json!(["1.0.0"]), json!("1.0.0"), json!({ "1.1.0": other })),
    );
}

/// Who names a yanked version exactly gets it as ever.
fn still_there(suite: &mut Suite, item: &Release, versions: &[&str]) {
    for version in versions {
        let release = item.clone().with("version", *version);
        for url in [
            release.url(),
            format!("{}/files/registry.json", release.url()),
        ] {
            let expect = Expect::status(200)
                .header("Cache-Control", "public, max-age=31536000, immutable")
                .json_has(json!({ "version": version }));
            let name = format!("lifecycle: yanked, and there: {version}");
            suite.ask(&name, &Request::get(&url), &expect);
        }
    }
}

fn deprecated(suite: &mut Suite) {
    let item = published(suite, "@drop", &["1.0.0", "1.1.0"]);
    let newest = item.clone().with("version", "1.1.0");
    let target = format!("{}/deprecation", newest.url());
    for message in ["use another", "use another", "use yet another"] {
        let expect = state(json!({
            "path": newest.address(), "yanked": null, "deprecated": message,
        }));
        let body = json!({ "message": message });
        ask(suite, "a deprecation", &target, Some(&body), &expect);
        let document = json!({
            "versions": ["1.1.0", "1.0.0"], "latest": "1.1.0", "deprecated": { "1.1.0": message },
        });
        listed(suite, "with a deprecation", &item, document);
    }
    latest(suite, "is deprecated, and stays", &item, Some("1.1.0"));
    let expect = state(json!({ "yanked": null, "deprecated": null }));
    for name in ["an undeprecation", "the same undeprecation again"] {
        ask(suite, name, &target, None, &expect);
    }
    listed(
        suite,
        "after an undeprecation",
        &item,
        json!({ "deprecated": {} }),
    );
}

/// Build metadata belongs to a version's name, however an address spells it.
fn spelled_in_every_way(suite: &mut Suite) {
    let item = published(suite, "@drop", &["1.0.0+b.1"]);
    let release = item.clone().with("version", "1.0.0+b.1");
    for (at, plus) in [("@", "+"), ("%40", "%2B"), ("@", "%2b"), ("%40", "+")] {
        let url = release.url().replace('@', at).replace('+', plus);
        let spelled = json!({ "reason": url });
        let expect = state(json!({ "path": release.address(), "yanked": spelled }));
        ask(
            suite,
            "a spelling",
            &format!("{url}/yank"),
            Some(&spelled),
            &expect,
        );
        listed(
            suite,
            "after a spelling",
            &item,
            json!({ "versions": [], "yanked": { "1.0.0+b.1": spelled } }),
        );
        let expect = state(json!({ "yanked": null }));
        let query = format!("{url}/yank?reason=none");
        ask(suite, "a spelling, and a query", &query, None, &expect);
    }
}

/// Who may publish may do this too; it is read by those who may read.
fn gated(suite: &mut Suite) {
    let item = published(suite, "@team", &["1.0.0", "1.1.0"]);
    let target = format!("{}/yank", item.clone().with("version", "1.1.0").url());
    for (request, name) in [
        (
            Request::new("PUT", &target).bearer(TEAM_PUBLISH),
            "Authorization",
        ),
        (
            Request::new("PUT", &target).header("X-Registry-Token", TEAM_PUBLISH),
            "X-Registry-Token",
        ),
    ] {
        let expect = state(json!({ "yanked": { "reason": "" } }));
        suite.ask(
            &format!("lifecycle: a gated yank by {name}"),
            &request,
            &expect,
        );
    }
    let versions = Request::get(&format!("{}/versions", item.item_url()));
    suite.ask(
        "lifecycle: gated versions, by nobody",
        &versions,
        &Expect::error(401, "UNAUTHORIZED"),
    );
    let expect = Expect::status(200)
        .header("Cache-Control", "private, max-age=60")
        .json_has(json!({ "versions": ["1.0.0"], "yanked": { "1.1.0": { "reason": "" } } }));
    suite.ask(
        "lifecycle: gated versions",
        &versions.bearer(TEAM_READ),
        &expect,
    );
}
