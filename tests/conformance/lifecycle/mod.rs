//! Yanks, deprecations and tags (interface.md, "Endpoints beside those of protocol.md"): who may, what is taken for a
//! body, the answers, and what everybody reads afterwards. Tags as they are read are in `cases/tags.json`.

mod allowed;
mod bodies;
mod refused;
mod tags;
mod yanks;

use rack_tests::http::{Request, Response};
use rack_tests::release::Release;
use serde_json::Value;

use crate::expect::Expect;
use crate::publish::publish;
use crate::suite::Suite;

/// What changes nothing, and so can be asked of a registry whose daemon is down.
pub(crate) fn refusals(suite: &mut Suite) {
    allowed::run(suite);
    refused::run(suite);
}

/// What changes something.
pub(crate) fn run(suite: &mut Suite) {
    bodies::run(suite);
    yanks::run(suite);
    tags::run(suite);
}

/// An item that nobody has seen yet, in these versions.
fn published(suite: &mut Suite, namespace: &str, versions: &[&str]) -> Release {
    let item = suite.bare(namespace);
    for version in versions {
        publish(suite, &item.clone().with("version", *version));
    }
    item
}

/// A PUT with a body, or a DELETE without.
fn change(target: &str, body: Option<&Value>) -> Request {
    match body {
        Some(body) => Request::new("PUT", target).json(body),
        None => Request::new("DELETE", target),
    }
}

/// Asks for a change, as the admin.
fn ask(
    suite: &mut Suite,
    name: &str,
    target: &str,
    body: Option<&Value>,
    expect: &Expect,
) -> Option<Response> {
    let request = change(target, body).bearer(&suite.target().admin);
    suite.ask(&format!("lifecycle: {name}"), &request, expect)
}

/// What the bare address stands for now; nothing, where it stands for nothing.
fn latest(suite: &mut Suite, when: &str, item: &Release, version: Option<&str>) {
    let expect = match version {
        Some(version) => Expect::status(200)
            .header("Cache-Control", "public, max-age=60")
            .json_has(serde_json::json!({ "version": version })),
        None => Expect::error(404, "NOT_FOUND"),
    };
    let request = Request::get(&item.item_url());
    suite.ask(&format!("lifecycle: latest {when}"), &request, &expect);
}

/// What the version list says now, at least.
fn listed(suite: &mut Suite, when: &str, item: &Release, document: Value) {
    let request = Request::get(&format!("{}/versions", item.item_url()));
    let expect = Expect::status(200).json_has(document);
    suite.ask(&format!("lifecycle: versions {when}"), &request, &expect);
}
