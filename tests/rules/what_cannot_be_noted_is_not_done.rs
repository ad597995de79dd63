//! While the audit log cannot be written nothing is changed, and `/health` says so; reads go on, and so does all once it
//! can be written again.

use std::fs::{self, File};
use std::thread;
use std::time::{Duration, Instant};

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
    // Those of the two that were refused are counted for good.
    let figures = String::from_utf8(get(&daemon, "/metrics").body).expect("text");
    assert!(figures.contains("\nrack_audit_lost_total 2\n"), "{figures}");
    let lines = audit(&registry, &["--outcome", "ok"]);
    assert_eq!(lines.len(), 2, "{lines:#?}");
}

#[test]
fn reads_go_on_while_the_log_is_held() {
    let registry = Registry::open_and_gated();
    let daemon = registry.rackd().unhurried().start();
    let log = File::create(registry.state().join("audit.jsonl")).expect("a file");
    log.lock().expect("nobody holds it");
    let gated = Release::new("@team", "secret", "1.0.0").url();
    let open = Release::new("@open", "item", "1.0.0").url();
    let start = Instant::now();
    thread::scope(|scope| {
        let refuse = || {
            let request = Request::new("PUT", &format!("{gated}/yank")).json(&json!({}));
            request.send(daemon.url()).expect("an answer").status
        };
        let changes: Vec<_> = (0..8).map(|_| scope.spawn(refuse)).collect();
        for _ in 0..8 {
            assert_eq!(get(&daemon, &gated).status, 401);
            assert_eq!(get(&daemon, &open).status, 200);
        }
        // Who waits for the lock waits for ten seconds.
        let elapsed = start.elapsed();
        assert!(elapsed < Duration::from_secs(8), "{elapsed:?}");
        drop(log);
        for change in changes {
            assert_eq!(change.join().expect("a client"), 401);
        }
    });
    assert!(daemon.stop().success());
    let lines = audit(&registry, &["--outcome", "UNAUTHORIZED"]);
    let of = |action| lines.iter().filter(|line| line["action"] == action).count();
    assert_eq!((of("yank"), of("read")), (8, 8), "{lines:#?}");
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
