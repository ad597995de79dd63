//! The id that nginx gave a request is the one in the answer, in the body of an error and in the log.

use rack_tests::http::Request;
use rack_tests::registry::Registry;
use serde_json::json;

const ID: &str = "0af7651916cd43dd8448eb211c80319c";

#[test]
fn a_request_has_one_id() {
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let daemon = registry.rackd().flag("--log", "json").start();
    let request = Request::get("/registries/@open/features/none").header("X-Request-Id", ID);
    let answer = request.send(daemon.url()).expect("an answer");
    assert_eq!(answer.header("X-Request-Id"), Some(ID));
    assert_eq!(answer.json()["request_id"], ID);
    let logged = daemon.logged();
    assert!(
        logged.contains(&format!("\"request_id\":\"{ID}\"")),
        "{logged}"
    );

    let request = Request::get("/health").header("X-Request-Id", "two words");
    let answer = request.send(daemon.url()).expect("an answer");
    let made = answer.header("X-Request-Id").expect("an id");
    assert_ne!(made, "two words");
}
