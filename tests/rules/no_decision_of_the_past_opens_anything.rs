//! A daemon may not know yet what the access file says. Whatever could make something public asks the file itself:
//! once a build has gated a namespace, no read, no verdict for nginx and no publish opens it again.

use std::fs;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::http::Request;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::traces::traces;
use serde_json::{Value, json};

const CANARY: &str = "canary-5d01c2aa";

#[test]
fn no_decision_of_the_past_opens_anything() {
    let registry = Registry::new(&json!({})).setting("RACK_ACCESS", "current/in/access.json");
    let write = |folder: &str, access: Value| {
        let folder = registry.root().join(folder).join("in");
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("access.json"), access.to_string()).expect("a file");
    };
    write("open", json!({ "@moody": [] }));
    write(
        "gated",
        json!({ "@moody": [{ "token": "secret-of-the-moody-71c3" }] }),
    );
    // A folder further up is renamed, which goes unnoticed until SIGHUP: this daemon is surely behind.
    let rename = |from: &str, to: &str| {
        let (from, to) = (registry.root().join(from), registry.root().join(to));
        fs::rename(from, to).expect("a folder of ours");
    };
    rename("open", "current");
    registry.put(&Release::new("@moody", "old", "1.0.0").file("src/old.ts", CANARY));
    registry.build();
    let daemon = registry.rackd().start();
    let file = "/registries/@moody/features/old/1.0.0/files/src/old.ts";
    let ask = |request: Request| request.send(daemon.url()).expect("an answer");
    assert_eq!(ask(Request::get(file)).body, CANARY.as_bytes());

    rename("current", "past");
    rename("gated", "current");
    registry.build();
    let answer = ask(Request::get(file));
    assert_eq!(answer.status, 404, "{answer:?}");
    let verdict = ask(Request::get("/auth").header("X-Rack-Namespace", "@moody"));
    assert_eq!(verdict.status, 401, "{verdict:?}");
    let release = Release::new("@moody", "new", "1.0.0").file("src/new.ts", CANARY);
    let mut random = Random::announced("no_decision_of_the_past_opens_anything");
    assert_eq!(
        daemon.publish(&release, ADMIN_TOKEN, &mut random).status,
        201
    );
    let seen = traces(&registry.public(), &["@moody", CANARY]);
    assert!(seen.is_empty(), "{seen:#?}");
}
