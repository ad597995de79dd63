//! The files of `rackgen nginx --include` stand in servers that somebody else wrote. What is said there of access,
//! caches, pages and ages opens nothing that is gated, and changes no answer; and it may be short of descriptors.

use std::path::Path;
use std::time::Duration;

use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::errors::faults;
use rack_tests::http::{Connection, Request, Response};
use rack_tests::nginx::{Nginx, serve};
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::wait;
use rustix::process::geteuid;
use serde_json::json;
use tempfile::TempDir;

const CANARY: &str = "canary-0e5b7d11";
const GATED: &str = "/registries/@team/features/secret/1.0.0/files/canary.txt";

/// What admins have in their servers, and meant for something else.
const SURROUNDINGS: &str = "\
    satisfy any; allow 127.0.0.1; deny all;\n\
    ssi on; ssi_types *; gzip on; gzip_types *; expires 1h; sendfile on; max_ranges 5;\n\
    proxy_cache_use_stale error timeout updating http_500 http_502; proxy_intercept_errors on;\n\
    add_header Cache-Control public; client_max_body_size 1k; error_page 404 /nowhere;\n\
    location ~ \\.(json|txt)$ { return 200 theirs; }\n";

/// More of them than a worker may open files.
const FILES: usize = 400;

#[test]
fn what_surrounds_it_opens_nothing() {
    let registry = registry();
    let daemon = registry.rackd().behind_a_proxy().unhurried().start();
    let folder = TempDir::new().expect("a folder");
    let nginx = surrounded(&registry, &daemon, folder.path());
    let ask = |request: &Request| request.send(&nginx.url()).expect("an answer");

    refused(&ask(&Request::get(GATED)), 401, "UNAUTHORIZED");
    let page = ask(&Request::get(
        "/registries/@open/features/page/1.0.0/files/page.html",
    ));
    assert!(!String::from_utf8_lossy(&page.body).contains(CANARY));
    let good = Request::get(GATED).bearer("secret-of-the-team-0b6e");
    let read = ask(&good);
    assert_eq!((read.status, &read.body[..]), (200, CANARY.as_bytes()));
    let ages: Vec<&str> = read.all("Cache-Control").collect();
    assert_eq!(ages, ["private, max-age=31536000, immutable"]);
    assert_eq!(read.header("Expires"), None);

    let mut connection = Connection::new(&nginx.url());
    for number in 0..FILES {
        let target = format!("/registries/@open/features/many/1.0.0/files/f{number}.txt");
        let answer = connection.ask(&Request::get(&target)).expect("an answer");
        assert_eq!(answer.status, 200, "{target}: {:?}", nginx.complaints());
    }

    // What would be a line of its own, or another path, for the daemon.
    for target in [
        "/registries/@open/h/tags/x%0d%0aX-Evil:%20y",
        "/registries/%2540team/x/yank",
    ] {
        let answer = ask(&Request::new("PUT", target));
        refused(&answer, 405, "METHOD_NOT_ALLOWED");
    }

    // Who sends it comes before how much it is: of that the daemon judges, and no line above.
    let yank = Request::new("PUT", "/registries/@open/features/many/1.0.0/yank");
    let large = yank.clone().body(vec![b'x'; 200_000]);
    refused(&ask(&large), 401, "UNAUTHORIZED");
    let large = large.bearer(ADMIN_TOKEN);
    refused(&ask(&large), 413, "PAYLOAD_TOO_LARGE");

    assert!(daemon.stop().success());
    wait::within(Duration::from_secs(20), || {
        (ask(&good).status == 503).then_some(())
    });
    refused(&ask(&good), 503, "UNAVAILABLE");
    refused(&ask(&yank), 503, "UNAVAILABLE");
    refused(&ask(&large), 503, "UNAVAILABLE");
}

fn refused(answer: &Response, status: u16, code: &str) {
    assert_eq!(
        (answer.status, &answer.code()[..]),
        (status, code),
        "{answer:?}"
    );
    assert_eq!(faults(answer, false), Vec::<String>::new(), "{answer:?}");
}

fn registry() -> Registry {
    let registry =
        Registry::new(&json!({ "@open": [], "@team": [{ "token": "secret-of-the-team-0b6e" }] }));
    registry.put(&Release::new("@team", "secret", "1.0.0").file("canary.txt", CANARY));
    let page = format!("<!--# include virtual=\"{GATED}\" -->");
    registry.put(&Release::new("@open", "page", "1.0.0").file("page.html", page));
    let many = (0..FILES).fold(Release::new("@open", "many", "1.0.0"), |release, number| {
        release.file(&format!("f{number}.txt"), "x")
    });
    registry.put(&many);
    registry
}

fn surrounded(registry: &Registry, daemon: &Rackd, folder: &Path) -> Nginx {
    let text = folder.to_str().expect("a path in UTF-8");
    let builder = registry.nginx().unhurried().daemon(daemon);
    builder.rackgen(folder, &["--include", text]).exits(0);
    let user = match geteuid().is_root() {
        true => "user root;\n",
        false => "",
    };
    serve(folder, 1, |addresses| {
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {text}/{kind};\n"))
            .concat();
        format!(
            "{user}worker_processes 1;\nworker_rlimit_nofile 320;\npid {text}/own.pid;\nerror_log {text}/own-error.log;\n\
             events {{ worker_connections 64; }}\nhttp {{\n{temporary}include {text}/main-http.conf;\n\
             server {{\nlisten {};\n{SURROUNDINGS}include {text}/main-server.conf;\n}}\n}}\n",
            addresses[0]
        )
    })
}
