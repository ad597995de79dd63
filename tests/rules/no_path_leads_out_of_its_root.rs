//! No path reaches a file outside of its namespace or its root, however it is spelt.

use std::fs;

use rack_tests::canaries::{OPEN, answers, front, get, wrong};
use rack_tests::http::Connection;

/// What one reads as the path, and the other as the way to it.
#[test]
fn no_way_leads_out() {
    let front = front();
    let mut connection = Connection::new(&front.nginx.url());
    let mut tried = 0;
    for start in [
        "",
        "/registries",
        "/registries/@open",
        "/registries/@open/features/item/1.0.0/files",
        "/registries/@open/features/item/1.0.0/files/src/index.ts",
        "/namespaces/@open",
        "/presets",
        "/schemas",
        "/.variants/br/registries/@open",
    ] {
        for step in [
            "..",
            "%2e%2e",
            "%2E%2e",
            ".%2e",
            "..%2f",
            "..%2F.",
            "..%5c",
            "..\\",
            "..%00",
            "..\0",
            "%252e%252e",
            "%c0%ae%c0%ae",
            "..;",
            "....",
            "./..",
            "%2e/%2e%2e",
            "..%ef%bc%8f",
            "/..",
            "..%0d%0a",
        ] {
            for goal in [
                "canary.txt",
                "state/canary.txt",
                "access.json",
                "public/.rack-id",
                ".rack-id",
                "private/registries/@team/features/secret/1.0.0/index.json",
                "@team/features/secret/1.0.0",
                "registries/@team/features/secret/1.0.0/files/src/secret.ts",
            ] {
                for depth in [1, 2, 4, 7] {
                    let way = format!("{start}/{}{goal}", format!("{step}/").repeat(depth));
                    let request = format!("GET {way} HTTP/1.1\r\nHost: x\r\n\r\n");
                    let answer = connection.ask_raw(request.as_bytes(), false);
                    let answer = answer.unwrap_or_else(|fault| panic!("{way:?}: {fault}"));
                    assert!(
                        matches!(answer.status, 400 | 401 | 403 | 404),
                        "{way:?}: {answer:?}"
                    );
                    assert_eq!(
                        wrong(&front, &answer, false),
                        Vec::<String>::new(),
                        "{way:?}"
                    );
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 5_000);
}

/// Every location that the configuration has, asked for by its name.
#[test]
fn what_is_internal_stays_internal() {
    let front = front();
    let config = fs::read_to_string(front.nginx.folder().join("nginx.conf")).expect("a file");
    let names = config.lines().filter_map(|line| {
        let words = line.trim().strip_prefix("location ")?;
        let name = words
            .trim_end_matches(['{', '}', ' ', ';'])
            .split_whitespace()
            .last()?;
        Some(name.trim_matches(['"', '^', '$']))
    });
    let names: Vec<&str> = names.collect();
    assert!(names.len() > 2, "{names:?}");
    for name in names.into_iter().chain([
        "auth",
        "metrics",
        "verdicts",
        ".variants/br/namespaces/index.json",
        ".staging",
        ".rack-id",
    ]) {
        let slash = if name.starts_with('/') { "" } else { "/" };
        for target in [
            format!("{slash}{name}"),
            format!("{slash}{name}/"),
            format!("{slash}{name}{OPEN}"),
        ] {
            for headers in [
                "",
                "X-Forwarded-For: 127.0.0.1\r\nX-Real-IP: 127.0.0.1\r\nX-Rack-Namespace: @open\r\n",
            ] {
                let target: String = target.chars().filter(|c| c.is_ascii_graphic()).collect();
                let answer = &answers(&front, &get(&target, headers), &[false])[0];
                assert_eq!(
                    wrong(&front, answer, false),
                    Vec::<String>::new(),
                    "{target}"
                );
                let is_ours = [
                    "/registries",
                    "/namespaces",
                    "/presets",
                    "/schemas",
                    "/health",
                    "/openapi.json",
                ]
                .iter()
                .any(|public| target.starts_with(public));
                assert!(
                    is_ours || matches!(answer.status, 400 | 401 | 403 | 404),
                    "{target}: {answer:?}"
                );
            }
        }
    }
}
