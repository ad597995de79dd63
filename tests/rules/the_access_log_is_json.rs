//! Each answer of nginx is one line of its access log, in JSON whatever the client wrote, and with the id that the
//! client got.

use std::collections::BTreeSet;

use rack_tests::audit::audit;
use rack_tests::http::{Request, open_raw};
use rack_tests::nginx::with_daemon;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::wait;
use serde_json::{Value, json};

const TOKEN: &str = "secret-of-a-reader-77aa";

#[test]
fn the_access_log_is_json() {
    let registry = Registry::new(
        &json!({ "@open": [], "@team": [{ "token": TOKEN, "mark": "Ürsel \"1\"" }] }),
    );
    registry.put(&Release::new("@open", "item", "1.0.0"));
    registry.put(&Release::new("@team", "secret", "1.0.0"));
    let (nginx, _daemon) = with_daemon(&registry);
    let open = "/registries/@open/features/item";
    let gated = "/registries/@team/features/secret";
    // A query may hold what nobody is to see. Each has an agent of its own, by which its line is found.
    let agent = |number: u32| match number {
        0 => "\"quotes\" and \\ and \x1b[31m".to_owned(),
        number => format!("\"agent\" \\ {number}"),
    };
    let get = |path: &str, number: u32| {
        let request = Request::get(&format!("{path}?token={TOKEN}"));
        request.header("User-Agent", &agent(number))
    };
    let hostile = format!("{open}\"}},{{\"status\":500");
    let requests = [
        (get(open, 0), 200),
        (get(open, 1).header("Accept-Encoding", "br"), 200),
        (get(&hostile, 2), 400),
        (get(gated, 3), 401),
        (get(gated, 4).bearer(TOKEN), 200),
        (get(gated, 5).bearer("unknown"), 401),
        (get("/registries/@open/..%2f@team/x", 6), 400),
        (
            Request::new("POST", "/registries?7").header("User-Agent", &agent(7)),
            401,
        ),
        (get(gated, 8).bearer(TOKEN), 200),
    ];
    let ids = requests.iter().map(|(request, status)| {
        let answer = request.send(&nginx.url()).expect("an answer");
        assert_eq!(answer.status, *status, "{request:?}");
        answer.header("X-Request-Id").map(str::to_owned)
    });
    let ids: Vec<Option<String>> = ids.collect();
    // What is no HTTP is told of too.
    let nonsense = b"\x01\xff\"\\ nonsense\r\n\r\n";
    let mut exchange = open_raw(&nginx.url(), nonsense).expect("a connection");
    exchange.rest();
    // And bytes that are no text, where JSON would have none.
    let bytes = format!(
        "GET {open}/\u{e9} HTTP/1.1\r\nHost: x\r\nUser-Agent: \u{e9}\r\nConnection: close\r\n\r\n"
    );
    let latin: Vec<u8> = bytes.chars().map(|c| c as u8).collect();
    open_raw(&nginx.url(), &latin).expect("a connection").rest();

    // Each worker writes its own lines, so they come in no order.
    let log = nginx.access_log(requests.len() + 2);
    let lines = (0..)
        .zip(&requests)
        .zip(&ids)
        .map(|((number, (request, status)), id)| {
            let line = log
                .iter()
                .find(|line| line["agent"] == json!(agent(number)))
                .unwrap_or_else(|| panic!("no line of {request:?}: {log:#?}"));
            let path = request.target.split('?').next();
            assert_eq!(line["uri"].as_str(), path, "{line}");
            assert_eq!(line["status"], json!(status), "{line}");
            assert_eq!(line["method"], json!(request.method), "{line}");
            assert!(
                id.is_none() || line["request_id"] == json!(id),
                "{id:?}: {line}"
            );
            let bytes = line["bytes"].as_u64();
            assert!(bytes.is_some_and(|bytes| bytes > 0), "{line}");
            assert!(
                line["client"].is_string() && line["time"].is_string(),
                "{line}"
            );
            line
        });
    let lines: Vec<&Value> = lines.collect();
    let of_bytes = log.iter().find(|line| line["uri"] == format!("{open}/"));
    assert_eq!(
        of_bytes.map(|line| &line["status"]),
        Some(&json!(400)),
        "{log:#?}"
    );
    let distinct: BTreeSet<String> = log
        .iter()
        .map(|line| line["request_id"].to_string())
        .collect();
    assert_eq!(distinct.len(), log.len(), "an id is one line's: {log:#?}");
    // Whoever is refused can be found by what they got.
    let refused = [3, 5, 6, 7]
        .iter()
        .all(|number: &usize| ids[*number].is_some());
    assert!(refused, "{ids:?}");
    // Who was asked, and what was said: nothing for what is open.
    let told = |line: &Value, word: &str| line.to_string().contains(word);
    assert!(
        told(lines[5], "INVALID_TOKEN") && !told(lines[0], "INVALID_TOKEN"),
        "{}",
        lines[5]
    );
    assert!(
        told(lines[4], "MISS") && !told(lines[0], "MISS"),
        "{}",
        lines[4]
    );
    // Whose token it was, also where nginx remembered the verdict.
    assert!(told(lines[8], "HIT"), "{}", lines[8]);
    for (number, name) in [
        (0, ""),
        (3, ""),
        (4, "?rsel \"1\""),
        (5, ""),
        (8, "?rsel \"1\""),
    ] {
        assert_eq!(lines[number]["auth_by"], name, "{}", lines[number]);
    }
    // The daemon was asked about those who were refused, and has noted it under the same id.
    for (number, code) in [
        (3, "UNAUTHORIZED"),
        (5, "INVALID_TOKEN"),
        (7, "UNAUTHORIZED"),
    ] {
        let id = ids[number].as_deref().expect("an id");
        let noted = || audit(&registry, &["--request-id", id]);
        let is_noted = || noted().iter().any(|line| line["outcome"] == code);
        match number {
            // Without credentials nginx does not ask before an upload.
            7 => assert!(!is_noted(), "{:?}", noted()),
            _ => wait::until("its line", wait::LONG, || is_noted().then_some(())),
        }
    }
    assert!(log.iter().all(|line| !told(line, TOKEN)), "{log:#?}");
}
