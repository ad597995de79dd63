//! What a yank, a deprecation or a tag was answered with 200 for is read through nginx at once, and is still so after
//! the daemon was killed. One that had no answer is whole, or did not happen.

use std::thread;
use std::time::Duration;

use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::http::{Request, Response};
use rack_tests::nginx::{Nginx, with_daemon};
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::standing::{Standing, events};
use rack_tests::tree::{assert_same, contents};
use rack_tests::{proved, rounds};
use serde_json::{Value, json};

const ITEM: &str = "@open/features/item";
/// Yanked and offered again; a tag keeps the others from it.
const YANKED: [&str; 2] = ["1.0.0", "1.1.0"];
const TAGGED: [&str; 3] = ["2.0.0", "2.1.0", "3.0.0-rc.1+b"];
/// A few calls long.
const LIFE: Duration = Duration::from_millis(200);

#[test]
fn lifecycle_calls_are_durable_and_visible() {
    let mut random = Random::announced("lifecycle_calls_are_durable_and_visible");
    let registry = Registry::new(&json!({ "@open": [] }));
    for version in YANKED.into_iter().chain(TAGGED) {
        registry.put(&Release::new("@open", "item", version));
    }
    registry.build();
    let (nginx, mut daemon) = with_daemon(&registry);
    let (mut told, mut calls, mut unanswered, mut happened) = (read(&nginx), 0, 0, 0);
    let kills = rounds(5, 50);
    for _ in 0..kills {
        let moment = random.moment(LIFE);
        let (open, done) = thread::scope(|scope| {
            let client = scope.spawn(|| change_until_cut_off(&nginx, &mut told, &mut random));
            // The moment is part of the experiment, so there is nothing else to wait for.
            thread::sleep(moment);
            daemon.kill();
            client.join().expect("a client")
        });
        calls += done;
        daemon = again(&registry, &daemon);
        let now = read(&nginx);
        if now != told {
            let open = open.expect("all was answered, and something else is there");
            assert_eq!(now, told.clone().with(&open), "{open:?} had no answer");
            told = now;
            happened += 1;
        } else {
            unanswered += usize::from(open.is_some());
        }
        assert_eq!(told, of_log(&registry), "the log and the documents");
    }
    assert!(calls > 0, "no call had an answer");
    daemon.stop();
    let undisturbed = registry.copy();
    undisturbed.build();
    let trees = [&undisturbed, &registry].map(|registry| contents(&registry.public()));
    assert_same("the public tree", &trees[0], &trees[1]);
    proved(
        "lifecycle calls survive a killed daemon",
        format!(
            "{kills} kills; {calls} calls answered and all there; {happened} of {} without an answer",
            happened + unanswered
        ),
    );
}

/// Makes changes until there is no answer, which is to the last one that comes back, with the number of the others.
fn change_until_cut_off(
    nginx: &Nginx,
    told: &mut Standing,
    random: &mut Random,
) -> (Option<Value>, usize) {
    for done in 0.. {
        let (request, event) = any(random);
        let answer = request.bearer(ADMIN_TOKEN).send(&nginx.url());
        match answer.as_ref().map(|answer| answer.status) {
            Ok(200) => {}
            // nginx says that of a daemon that is gone.
            Ok(503) | Err(_) => return (Some(event), done),
            Ok(status) => panic!("{event}: {status} {:?}", answer),
        }
        *told = told.clone().with(&event);
        assert_eq!(read(nginx), *told, "after {event}");
        let tag = |tag: &str| Request::get(&format!("/registries/{ITEM}/tags/{tag}"));
        if let Some(name) = event["tag"].as_str() {
            let served = tag(name).send(&nginx.url()).expect("an answer");
            let named = told.tags.get(name).map(|version| json!(version));
            assert_eq!(
                served.json().get("version").cloned(),
                named,
                "after {event}"
            );
        }
    }
    unreachable!("it goes on until it is cut off")
}

/// A change that may be made at any time, and the event that it is.
fn any(random: &mut Random) -> (Request, Value) {
    let mut one_of = |things: &[&'static str]| things[random.below(things.len() as u64) as usize];
    let kind = one_of(&["yank", "unyank", "deprecate", "undeprecate", "tag", "untag"]);
    let version = match kind {
        "yank" | "unyank" => one_of(&YANKED),
        _ => one_of(&TAGGED),
    };
    let tag = one_of(&["beta", "lts"]);
    // Of a version that is yanked, no reason would leave the one that it has; and a deprecation has a message.
    let text = one_of(&["one", "another"]);
    let release = format!("/registries/{ITEM}/{version}");
    let of_tag = format!("/registries/{ITEM}/tags/{tag}");
    let put = |target: &str, body: Value| Request::new("PUT", target).json(&body);
    let delete = |target: &str| Request::new("DELETE", target);
    let (request, rest) = match kind {
        "yank" => (
            put(&format!("{release}/yank"), json!({ "reason": text })),
            json!({ "version": version, "reason": text }),
        ),
        "unyank" => (
            delete(&format!("{release}/yank")),
            json!({ "version": version }),
        ),
        "deprecate" => (
            put(
                &format!("{release}/deprecation"),
                json!({ "message": text }),
            ),
            json!({ "version": version, "message": text }),
        ),
        "undeprecate" => (
            delete(&format!("{release}/deprecation")),
            json!({ "version": version }),
        ),
        "tag" => (
            put(&of_tag, json!({ "version": version })),
            json!({ "tag": tag, "version": version }),
        ),
        _ => (delete(&of_tag), json!({ "tag": tag })),
    };
    let mut event = rest;
    event["event"] = json!(kind);
    (request, event)
}

/// Started again where nginx looks for it. It answers when all is as it was left to be.
fn again(registry: &Registry, daemon: &Rackd) -> Rackd {
    let builder = registry.rackd().behind_a_proxy().unhurried();
    builder.listen(daemon.address()).start()
}

fn versions(nginx: &Nginx) -> Response {
    let request = Request::get(&format!("/registries/{ITEM}/versions"));
    let answer = request.send(&nginx.url()).expect("an answer");
    assert_eq!(answer.status, 200);
    answer
}

fn read(nginx: &Nginx) -> Standing {
    Standing::of_document(&versions(nginx).json())
}

fn of_log(registry: &Registry) -> Standing {
    Standing::of_log(&events(registry, ITEM))
}
