//! `POST /registries` with a `dry_run` in its query, in whatever spelling, either is a dry run or is told what is meant;
//! only without one, or with `false`, it publishes. Other keys mean nothing.

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::http::{Request, Response};
use rack_tests::multipart::Upload;
use rack_tests::nginx::with_daemon;
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use serde_json::json;

#[test]
fn what_nearly_asks_for_a_dry_run_stores_nothing() {
    let mut random = Random::announced("what_nearly_asks_for_a_dry_run_stores_nothing");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let (nginx, daemon) = with_daemon(&registry);
    let mut count = 0;
    for url in [daemon.url(), &nginx.url()] {
        for (query, expected) in [
            ("dry_run=true", 200),
            ("x=1&dry_run=true", 200),
            ("dry%5Frun=true", 200),
            ("dry_run=%74rue&y", 200),
            ("dry_run=1", 400),
            ("dry_run=True", 400),
            ("dry_run=yes", 400),
            ("dry_run=true%20", 400),
            ("dry_run=", 400),
            ("dry_run", 400),
            ("dry%5frun", 400),
            ("dry_run=false&dry_run=true", 400),
            ("", 201),
            ("dry_run=false", 201),
            ("x=dry_run=1&&=%", 201),
        ] {
            count += 1;
            let release = Release::new("@open", &format!("item-{count}"), "1.0.0");
            let upload = Upload::new(Archive::pack(&release, &mut random)).query(query);
            let ask = |request: Request| -> Response { request.send(url).expect("an answer") };
            let answer = ask(upload.request().bearer(ADMIN_TOKEN));
            let what = format!("{query}: {}", answer.json());
            assert_eq!(answer.status, expected, "{what}");
            if expected == 400 {
                assert_eq!(answer.code(), "BAD_REQUEST", "{what}");
                assert!(answer.json().to_string().contains("dry_run"), "{what}");
                // Who that is, is asked first.
                let answer = ask(upload.request().bearer("unknown"));
                assert_eq!(answer.code(), "INVALID_TOKEN", "{query}");
            }
            let item = format!("@open/features/item-{count}/1.0.0");
            let is_there = registry.source().join(item).exists();
            assert_eq!(is_there, expected == 201, "{what}");
        }
    }
}
