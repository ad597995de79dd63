//! Each answer of nginx is one line of its access log, in JSON whatever the client wrote, and with the id that the
//! client got.

use rack_tests::http::{Request, open_raw};
use rack_tests::nginx::with_daemon;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use serde_json::{Value, json};

const TOKEN: &str = "secret-of-a-reader-77aa";

#[test]
fn the_access_log_is_json() {
    let registry = Registry::new(&json!({ "@open": [], "@team": [{ "token": TOKEN }] }));
    registry.put(&Release::new("@open", "item", "1.0.0"));
    registry.put(&Release::new("@team", "secret", "1.0.0"));
    let (nginx, _daemon) = with_daemon(&registry);
    let open = "/registries/@open/features/item";
    let gated = "/registries/@team/features/secret";
    let requests = [
        (
            Request::get(open).header("User-Agent", "\"quotes\" and \\ and \x1b[31m"),
            200,
        ),
        (Request::get(open).header("Accept-Encoding", "br"), 200),
        (Request::get(gated), 401),
        (Request::get(gated).bearer(TOKEN), 200),
        (Request::get(gated).bearer("unknown"), 401),
        (Request::get(&format!("{open}?\"}},{{\"status\":200")), 200),
        (Request::get("/registries/@open/..%2f@team/x"), 400),
        (Request::new("POST", "/registries"), 401),
    ];
    let mut ids = Vec::new();
    for (request, status) in &requests {
        let answer = request.send(&nginx.url()).expect("an answer");
        assert_eq!(answer.status, *status, "{request:?}");
        ids.push(answer.header("X-Request-Id").map(str::to_owned));
    }
    // What is no HTTP is told of too.
    open_raw(&nginx.url(), b"\x01\xff\"\\ nonsense\r\n\r\n")
        .expect("a connection")
        .rest();

    // Each worker writes its own lines, so they come in no order.
    let log = nginx.access_log(requests.len() + 1);
    let lines = requests.iter().zip(ids).map(|((request, status), id)| {
        let line = log.iter().find(|line| line["request_id"] == json!(id));
        let line = line.unwrap_or_else(|| panic!("no line of {request:?}, {id:?}: {log:#?}"));
        assert_eq!(line["status"], json!(status), "{line}");
        assert_eq!(line["method"], json!(request.method), "{line}");
        assert_eq!(line["uri"], json!(request.target), "{line}");
        let bytes = line["bytes"].as_u64();
        assert!(bytes.is_some_and(|bytes| bytes > 0), "{line}");
        assert!(
            line["client"].is_string() && line["time"].is_string(),
            "{line}"
        );
        line
    });
    let lines: Vec<&Value> = lines.collect();
    assert_eq!(lines[1]["encoding"], json!("br"), "{}", lines[1]);
    // Who was asked, and what was said: nothing for what is open.
    let told = |line: &Value, word: &str| line.to_string().contains(word);
    assert!(
        told(lines[4], "INVALID_TOKEN") && !told(lines[0], "INVALID_TOKEN"),
        "{}",
        lines[4]
    );
    assert!(
        told(lines[3], "MISS") && !told(lines[0], "MISS"),
        "{}",
        lines[3]
    );
    assert!(log.iter().all(|line| !told(line, TOKEN)), "{log:#?}");
}
