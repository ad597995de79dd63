//! Requests that no library sends: each has its answer, and every refusal is an error of protocol.md, never a page.

use rack_tests::canaries::{GATED, OPEN, TOKEN, answers, front, get, leaks, wrong};
use rack_tests::coding::decode;
use rack_tests::http::{Request, open_raw};

/// What it is called, its bytes, and the answers of which one has to come: status and code.
type Case<'a> = (&'a str, Vec<u8>, &'a [(u16, &'a str)]);

#[test]
fn one_request_one_answer() {
    let front = front();
    let long = "a".repeat(20_000);
    let headers = format!("X-Long: {}\r\n", "a".repeat(9_000)).repeat(8);
    let bad = [(400, "BAD_REQUEST")];
    let invalid = [(400, "INVALID_PATH")];
    let either = [(400, "BAD_REQUEST"), (400, "INVALID_PATH")];
    let fine = [(200, "")];
    let not_found = [(404, "NOT_FOUND")];
    let no_version = [
        (400, "BAD_REQUEST"),
        (505, "BAD_REQUEST"),
        (501, "NOT_IMPLEMENTED"),
    ];
    let unauthorized = [(401, "UNAUTHORIZED")];
    let plain = |head: &str| format!("{head}\r\n\r\n").into_bytes();
    let put = |target: &str| {
        format!("PUT {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close")
    };
    let cases: Vec<Case<'_>> = vec![
        (
            "absolute form",
            get(&format!("http://registry.example{OPEN}"), ""),
            &fine,
        ),
        (
            "absolute form, https",
            get(&format!("https://registry.example:8443{OPEN}"), ""),
            &fine,
        ),
        (
            "absolute form, gated",
            get(&format!("http://x{GATED}"), ""),
            &[(401, "UNAUTHORIZED")],
        ),
        (
            "absolute form, dots above the root",
            get("http://evil/../canary.txt", ""),
            &bad,
        ),
        (
            "absolute form, dots into another namespace",
            get("http://x/registries/@open/../@team/features/secret", ""),
            &invalid,
        ),
        (
            "absolute form, an escaped slash",
            get("http://x/registries/@open/..%2f@team/features/secret", ""),
            &invalid,
        ),
        (
            "absolute form without a path",
            get("http://x", ""),
            &not_found,
        ),
        ("the root", get("/", ""), &not_found),
        (
            "a file in the tree's root",
            get("/canary.txt", ""),
            &not_found,
        ),
        (
            "a folder's own document",
            get("/registries/@open/features", ""),
            &not_found,
        ),
        (
            "no Host",
            plain(&format!("GET {OPEN} HTTP/1.1\r\nConnection: close")),
            &bad,
        ),
        ("two Hosts", get(OPEN, "Host: y\r\n"), &bad),
        (
            "a Host with a slash",
            plain(&format!("GET {OPEN} HTTP/1.1\r\nHost: a/../b")),
            &bad,
        ),
        (
            "a header of 9,000 bytes",
            get(OPEN, &headers[..9_010]),
            &bad,
        ),
        ("headers of 72,000 bytes", get(OPEN, &headers), &bad),
        (
            "a target of 20,000 bytes",
            get(&format!("/{long}"), ""),
            &[(414, "URI_TOO_LONG")],
        ),
        (
            "a query of 20,000 bytes",
            get(&format!("{OPEN}?{long}"), ""),
            &[(414, "URI_TOO_LONG")],
        ),
        (
            "a NUL in the path",
            get("/registries/@open/features/item\0.json", ""),
            &either,
        ),
        (
            "a NUL in the query",
            get(&format!("{OPEN}?\0"), ""),
            &either,
        ),
        ("a NUL in a header", get(OPEN, "X-Nul: \0\r\n"), &bad),
        (
            "a control character in the path",
            get("/registries/@open/features/\x01", ""),
            &either,
        ),
        (
            "a space in the path",
            get("/registries/@open/features/a b", ""),
            &either,
        ),
        ("an asterisk", get("*", ""), &bad),
        (
            "no slash in front",
            get("registries/@open/features/item", ""),
            &bad,
        ),
        (
            "two slashes in front",
            get("//registries/@open/features/item", ""),
            &[
                (400, "INVALID_PATH"),
                (400, "BAD_REQUEST"),
                (404, "NOT_FOUND"),
            ],
        ),
        (
            "HTTP/1.0 without Host",
            plain(&format!("GET {OPEN} HTTP/1.0")),
            &fine,
        ),
        (
            "HTTP/1.0, gated",
            plain(&format!("GET {GATED} HTTP/1.0")),
            &[(401, "UNAUTHORIZED")],
        ),
        (
            "HTTP/1.2",
            plain(&format!(
                "GET {OPEN} HTTP/1.2\r\nHost: x\r\nConnection: close"
            )),
            &[(200, ""), (400, "BAD_REQUEST")],
        ),
        (
            "HTTP/2.0",
            plain(&format!("GET {OPEN} HTTP/2.0\r\nHost: x")),
            &no_version,
        ),
        (
            "HTTP/3.0",
            plain(&format!("GET {OPEN} HTTP/3.0\r\nHost: x")),
            &no_version,
        ),
        (
            "no version of HTTP at all",
            plain(&format!("GET {OPEN} HTTX/1.1\r\nHost: x")),
            &bad,
        ),
        (
            "HTTP/2 without asking",
            plain("PRI * HTTP/2.0\r\n\r\nSM"),
            &[
                (400, "BAD_REQUEST"),
                (505, "BAD_REQUEST"),
                (501, "NOT_IMPLEMENTED"),
            ],
        ),
        (
            "TLS where there is none",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
            &bad,
        ),
        (
            "TRACE",
            plain(&format!(
                "TRACE {OPEN} HTTP/1.1\r\nHost: x\r\nConnection: close"
            )),
            &[(405, "METHOD_NOT_ALLOWED")],
        ),
        (
            "CONNECT",
            plain("CONNECT internal:22 HTTP/1.1\r\nHost: internal:22"),
            &[(405, "METHOD_NOT_ALLOWED"), (400, "BAD_REQUEST")],
        ),
        (
            "a method with a control character",
            plain(&format!("G\x01T {OPEN} HTTP/1.1\r\nHost: x")),
            &bad,
        ),
        (
            "an unknown Transfer-Encoding",
            plain(
                "POST /registries HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: rot13\r\nConnection: close",
            ),
            &[(501, "NOT_IMPLEMENTED")],
        ),
        (
            "gzip as Transfer-Encoding",
            plain(
                "POST /registries HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\nConnection: close",
            ),
            &[(501, "NOT_IMPLEMENTED")],
        ),
        (
            "a Range that cannot be",
            get(OPEN, "Range: bytes=99999999-\r\n"),
            &fine,
        ),
        (
            "a Range of many pieces",
            get(OPEN, "Range: bytes=0-0,1-1,2-2,0-,-1\r\n"),
            &fine,
        ),
        (
            "Expect on a read",
            get(OPEN, "Expect: 100-continue\r\n"),
            &fine,
        ),
        (
            "Expect of something else",
            get(OPEN, "Expect: a-miracle\r\n"),
            &[(200, ""), (400, "BAD_REQUEST")],
        ),
        (
            "Upgrade",
            get(
                OPEN,
                "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
            ),
            &fine,
        ),
        (
            "a fragment",
            get(&format!("{OPEN}#/../../@team"), ""),
            &either,
        ),
        (
            "a yank, absolute form",
            plain(&put(&format!("http://registry.example{OPEN}/yank"))),
            &unauthorized,
        ),
        (
            "a yank, an odd query",
            plain(&put(&format!("{OPEN}/yank?\"<\u{e9}>%zz"))),
            &unauthorized,
        ),
        (
            "a yank, HTTP/1.0",
            plain(&format!("PUT {OPEN}/yank HTTP/1.0")),
            &unauthorized,
        ),
        (
            "a yank, a letter of another alphabet",
            plain(&put("/registries/@open/features/\u{e9}/1.0.0/yank")),
            &invalid,
        ),
        (
            "a yank, a quote",
            plain(&put("/registries/@open/features/\"/1.0.0/yank")),
            &invalid,
        ),
        (
            "a tag, a backslash",
            plain(&put("/registries/@open/features/item/tags/be\\ta")),
            &invalid,
        ),
        (
            "a yank, a NUL",
            plain(&put("/registries/@open/features/item\0/1.0.0/yank")),
            &either,
        ),
        (
            "a yank in chunks",
            [
                plain(&format!(
                    "PUT {OPEN}/yank HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close"
                )),
                b"2\r\n{}\r\n0\r\n\r\n".to_vec(),
            ]
            .concat(),
            &unauthorized,
        ),
        (
            "a yank, gzip as Transfer-Encoding",
            plain(&format!(
                "PUT {OPEN}/yank HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\nConnection: close"
            )),
            &[(501, "NOT_IMPLEMENTED")],
        ),
        (
            "underscores are no hyphens",
            get(GATED, &format!("X_Registry_Token: {TOKEN}\r\n")),
            &[(401, "UNAUTHORIZED")],
        ),
        (
            "a token in the query",
            get(&format!("{GATED}?token={TOKEN}"), ""),
            &[(401, "UNAUTHORIZED")],
        ),
    ];
    let mut problems = Vec::new();
    for (name, bytes, expected) in cases {
        let answer = &answers(&front, &bytes, &[false])[0];
        let got = (answer.status, &answer.code()[..]);
        if !expected.contains(&got) {
            problems.push(format!("{name}: expected one of {expected:?}, got {got:?}"));
        }
        let wrong = wrong(&front, answer, false);
        problems.extend(wrong.into_iter().map(|wrong| format!("{name}: {wrong}")));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The protocol knows no 412: what cannot be granted to a read is a bad request.
#[test]
fn conditions_of_a_write_may_stand_in_a_read() {
    let front = front();
    let fresh = Request::get(OPEN).send(&front.nginx.url());
    let fresh = fresh.expect("an answer");
    let tag = fresh.header("ETag").expect("an ETag");
    let bad = (400, "BAD_REQUEST");
    for (header, expected) in [
        ("If-Match: \"other\"\r\n".to_owned(), bad),
        (format!("If-Match: \"other\", {tag}\r\n"), (200, "")),
        ("If-Match: *\r\n".to_owned(), (200, "")),
        (
            "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n".to_owned(),
            bad,
        ),
        (
            "If-Range: \"other\"\r\nRange: bytes=0-1\r\n".to_owned(),
            (200, ""),
        ),
    ] {
        let answer = &answers(&front, &get(OPEN, &header), &[false])[0];
        let got = (answer.status, &answer.code()[..]);
        assert_eq!(got, expected, "{header}");
        assert_eq!(wrong(&front, answer, false), Vec::<String>::new());
    }
}

#[test]
fn two_lines_of_codings_name_both() {
    let front = front();
    let plain = Request::get(OPEN).send(&front.nginx.url());
    let plain = plain.expect("an answer").body;
    for lines in [
        ["br", "gzip"],
        ["gzip", "zstd"],
        ["identity", "gzip"],
        ["gzip;q=0", "br"],
    ] {
        let [first, second] = lines.map(|line| format!("Accept-Encoding: {line}\r\n"));
        let answer = &answers(&front, &get(OPEN, &(first + &second)), &[false])[0];
        let coding = answer.header("Content-Encoding");
        let is_named = coding.is_none_or(|coding| lines.contains(&coding));
        assert!(answer.status == 200 && is_named, "{lines:?}: {answer:?}");
        assert_eq!(
            decode(coding, &answer.body).expect("that coding"),
            plain,
            "{lines:?}"
        );
    }
}

#[test]
fn before_there_were_headers() {
    let front = front();
    for (target, has) in [
        (OPEN, Some("\"item\"")),
        (GATED, None),
        ("/", None),
        ("/canary.txt", None),
    ] {
        let bytes = format!("GET {target}\r\n");
        let mut exchange = open_raw(&front.nginx.url(), bytes.as_bytes()).expect("a connection");
        let came = exchange.rest();
        assert_eq!(leaks(&front, &came), Vec::<String>::new(), "{target}");
        let text = String::from_utf8_lossy(&came);
        let body = text.rsplit("\r\n\r\n").next().unwrap_or_default();
        let is_json = serde_json::from_str::<serde_json::Value>(body).is_ok();
        assert!(body.is_empty() || is_json, "{target}: {text}");
        let is_refused = text.contains("\"code\"");
        assert!(
            is_refused || has.is_some_and(|has| text.contains(has)),
            "{target}: {text}"
        );
    }
}

#[test]
fn a_pipeline_is_answered_in_order() {
    let front = front();
    let tag = Request::get(OPEN)
        .send(&front.nginx.url())
        .expect("an answer");
    let tag = tag.header("ETag").expect("an ETag").to_owned();
    let one = |method: &str, target: &str, headers: &str| {
        format!("{method} {target} HTTP/1.1\r\nHost: x\r\n{headers}\r\n")
    };
    let condition = format!("If-None-Match: {tag}\r\n");
    let token = format!("Authorization: Bearer {TOKEN}\r\n");
    let requests = [
        (one("GET", OPEN, ""), 200),
        (one("GET", "/registries/@open/features/none", ""), 404),
        (one("GET", OPEN, &condition), 304),
        (one("GET", GATED, ""), 401),
        (one("HEAD", OPEN, "Accept-Encoding: br\r\n"), 200),
        (one("HEAD", GATED, ""), 401),
        (one("OPTIONS", GATED, ""), 204),
        (
            one("GET", "/registries/@open/..%2f@team/features/secret", ""),
            400,
        ),
        (one("GET", GATED, &token), 200),
        (one("DELETE", OPEN, ""), 405),
        (one("GET", OPEN, "Accept-Encoding: gzip\r\n"), 200),
        (one("GET", "/registries/@open", ""), 400),
        (one("GET", "/namespaces", "Connection: close\r\n"), 200),
    ];
    // Who refuses what is no HTTP may close, so every place is tried as the first.
    let mut seen = 0;
    for start in 0..requests.len() {
        let bytes: String = requests[start..]
            .iter()
            .map(|(request, _)| &request[..])
            .collect();
        let heads: Vec<bool> = requests[start..]
            .iter()
            .map(|(request, _)| request.starts_with("HEAD"))
            .collect();
        let answers = answers(&front, bytes.as_bytes(), &heads);
        for (answer, (request, expected)) in answers.iter().zip(&requests[start..]) {
            assert_eq!(answer.status, *expected, "{request}: {answer:?}");
            let is_head = request.starts_with("HEAD");
            // Whoever has the token may see what it is for.
            if !request.contains(TOKEN) {
                assert_eq!(
                    wrong(&front, answer, is_head),
                    Vec::<String>::new(),
                    "{request}"
                );
            }
        }
        seen += answers.len();
    }
    assert!(
        seen > 3 * requests.len(),
        "{seen} answers: pipelines are hardly answered"
    );
}
