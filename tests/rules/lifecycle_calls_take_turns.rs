//! Publishes, yanks and tags of one item by many hands at once: every one of them is in its log, and what is read is
//! what the log adds up to. Nothing that a client says breaks a line of it.

use std::sync::Barrier;
use std::thread;

use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::http::{Request, Response};
use rack_tests::nginx::with_daemon;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::standing::{Standing, events};
use rack_tests::wait;
use serde_json::{Value, json};

const ITEM: &str = "@open/features/item";
const CLIENTS: usize = 16;

#[test]
fn lifecycle_calls_take_turns() {
    let mut random = Random::announced("lifecycle_calls_take_turns");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.put(&Release::new("@open", "item", "1.0.0"));
    registry.build();
    let (nginx, daemon) = with_daemon(&registry);
    let start = Barrier::new(CLIENTS);
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (start, daemon, mut random) = (&start, &daemon, random.fork());
            let registry = &registry;
            scope.spawn(move || {
                start.wait();
                one_client(daemon, client, &mut random);
                one_of_all(registry, daemon, client);
            });
        }
    });

    let log = events(&registry, ITEM);
    for client in 0..CLIENTS {
        let version = json!(format!("2.{client}.0"));
        let of_client = log.iter().filter(|event| event["version"] == version);
        let names: Vec<&Value> = of_client.map(|event| &event["event"]).collect();
        let (yank, unyank) = (json!("yank"), json!("unyank"));
        let expected = match client % 2 {
            0 => vec![json!("publish"), yank, json!("deprecate")],
            _ => vec![json!("publish"), yank, unyank, json!("tag")],
        };
        assert_eq!(names, expected.iter().collect::<Vec<_>>(), "{version}");
    }
    assert_eq!(
        log.len(),
        CLIENTS / 2 * 7 + CLIENTS,
        "one `deprecate` of 1.0.0 each: {log:#?}"
    );
    let document = get(&nginx.url(), "versions").json();
    assert_eq!(Standing::of_document(&document), Standing::of_log(&log));
    let offered = document["versions"].as_array().map(Vec::len);
    assert_eq!(offered, Some(1 + CLIENTS / 2), "{document}");
    assert_eq!(document["latest"], json!(format!("2.{}.0", CLIENTS - 1)));
}

/// What one client does to a version of its own.
fn one_client(daemon: &Rackd, client: usize, random: &mut Random) {
    let release = Release::new("@open", "item", &format!("2.{client}.0"));
    let answer = daemon.publish(&release, ADMIN_TOKEN, random);
    assert_eq!(answer.status, 201, "{}", answer.json());
    let url = release.url();
    let text = format!("client {client}");
    let yank = format!("{url}/yank");
    put(daemon, &yank, json!({ "reason": text }));
    match client % 2 {
        0 => drop(put(
            daemon,
            &format!("{url}/deprecation"),
            json!({ "message": text }),
        )),
        _ => {
            send(daemon, Request::new("DELETE", &yank));
            let tag = format!("/registries/{ITEM}/tags/tag-{client}");
            put(daemon, &tag, json!({ "version": release.text("version") }));
        }
    }
}

/// What all do to one version; some of them on the source tree, beside the daemon.
fn one_of_all(registry: &Registry, daemon: &Rackd, client: usize) {
    let text = format!("client {client}");
    if client.is_multiple_of(4) {
        let release = format!("{ITEM}@1.0.0");
        let args = ["deprecate", &release, "--reason", &text];
        // Ten seconds may pass without a turn for another process: then it has changed nothing.
        wait::until("a turn for rackgen", 2 * wait::LONG, || {
            let run = registry.rackgen(&args);
            assert!(run.status == Some(0) || run.names(&["is locked"]), "{run}");
            (run.status == Some(0)).then_some(())
        });
    } else {
        let shared = format!("/registries/{ITEM}/1.0.0/deprecation");
        put(daemon, &shared, json!({ "message": text }));
    }
}

fn put(daemon: &Rackd, target: &str, body: Value) -> Response {
    send(daemon, Request::new("PUT", target).json(&body))
}

fn send(daemon: &Rackd, request: Request) -> Response {
    let answer = request.clone().bearer(ADMIN_TOKEN).send(daemon.url());
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 200, "{request:?}: {}", answer.json());
    answer
}

fn get(url: &str, below: &str) -> Response {
    let request = Request::get(&format!("/registries/{ITEM}/{below}"));
    request.send(url).expect("an answer")
}

#[test]
fn a_reason_is_kept_as_it_was_said() {
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.put(&Release::new("@open", "item", "1.0.0"));
    registry.put(&Release::new("@open", "item", "1.1.0"));
    registry.build();
    let (nginx, daemon) = with_daemon(&registry);
    let odd = "two\nlines\r\n\"quoted\" \\ \t\u{0} \u{1b}[31m \u{2028} 🦀 {}\n";
    let long = format!("{odd}{}", "lang ß ".repeat((60 << 10) / 8));
    for reason in [odd, &long] {
        let bodies = [json!({ "reason": reason }), json!({ "message": reason })];
        for (below, body) in ["yank", "deprecation"].into_iter().zip(bodies) {
            let target = format!("/registries/{ITEM}/1.1.0/{below}");
            put(&daemon, &target, body);
        }
        let log = events(&registry, ITEM);
        let last = &log[log.len() - 2..];
        assert_eq!([&last[0]["reason"], &last[1]["message"]], [reason, reason]);
        let expect = |when: &str| {
            let now = Standing::of_document(&get(&nginx.url(), "versions").json());
            assert_eq!(now, Standing::of_log(&log), "{when}");
        };
        expect("at once");
        registry.rackgen(&["build", "--full"]).exits(0);
        expect("after a build");
    }
    assert_eq!(events(&registry, ITEM).len(), 4);
}
