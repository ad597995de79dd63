//! While the audit log cannot be written nothing is changed, and `/health` says so; reads go on, and so does all once it
//! can be written again.

use std::fs;

use rack_tests::audit::audit;
use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::http::{Request, Response};
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use serde_json::json;

#[test]
fn what_cannot_be_noted_is_not_done() {
    let mut random = Random::announced("what_cannot_be_noted_is_not_done");
    let registry = Registry::new(&json!({ "@open": [] }));
    let release = Release::new("@open", "item", "1.0.0");
    registry.put(&release);
    registry.build();
    let daemon = registry.rackd().start();
    let log = registry.state().join("audit.jsonl");
    fs::create_dir(&log).expect("a folder");

    let next = Release::new("@open", "item", "1.1.0");
    assert_refused(&daemon.publish(&next, ADMIN_TOKEN, &mut random));
    assert_refused(&yank(&daemon, &release));
    let run = registry
        .rackgen(&["yank", "@open/features/item@1.0.0"])
        .exits(2);
    assert!(run.names(&["audit.jsonl"]), "{run}");
    let health = get(&daemon, "/health").json();
    assert_eq!(health["checks"]["audit"]["status"], "degraded", "{health}");
    assert_eq!(get(&daemon, &next.url()).status, 404);
    let versions = get(&daemon, &format!("{}/versions", release.item_url())).json();
    assert_eq!(versions["versions"], json!(["1.0.0"]), "{versions}");
    assert_eq!(versions["yanked"], json!({}), "{versions}");

    fs::remove_dir(&log).expect("a folder of ours");
    assert_eq!(daemon.publish(&next, ADMIN_TOKEN, &mut random).status, 201);
    assert_eq!(yank(&daemon, &release).status, 200);
    let health = get(&daemon, "/health").json();
    assert_eq!(health["status"], "ok", "{health}");
    let lines = audit(&registry, &["--outcome", "ok"]);
    assert_eq!(lines.len(), 2, "{lines:#?}");
}

fn assert_refused(answer: &Response) {
    let said = (answer.status, answer.code());
    assert_eq!(said, (503, "UNAVAILABLE".to_owned()), "{}", answer.json());
    let message = answer.json()["message"].to_string();
    assert!(message.contains("audit log"), "{message}");
}

fn yank(daemon: &Rackd, release: &Release) -> Response {
    let request = Request::new("PUT", &format!("{}/yank", release.url())).json(&json!({}));
    let answer = request.bearer(ADMIN_TOKEN).send(daemon.url());
    answer.expect("an answer")
}

fn get(daemon: &Rackd, path: &str) -> Response {
    Request::get(path).send(daemon.url()).expect("an answer")
}
