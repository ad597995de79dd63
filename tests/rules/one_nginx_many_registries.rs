//! Several registries share one nginx, each by the two files that `rackgen nginx --include` writes: one at the root,
//! one below a path. None of them gets in the way of another, nor of what else the server has.

use std::path::Path;

use rack_tests::coding::decode;
use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::errors::faults;
use rack_tests::http::{Request, Response};
use rack_tests::multipart::Upload;
use rack_tests::nginx::{Nginx, serve};
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rustix::process::geteuid;
use serde_json::json;
use tempfile::TempDir;

/// A registry with a daemon of its own, and a secret that the others do not know.
struct Tenant {
    registry: Registry,
    daemon: Rackd,
}

impl Tenant {
    fn new(word: &str) -> Self {
        let registry = Registry::new(&json!({ "@open": [], "@team": [{ "token": word }] }));
        registry.put(&release("@open", word));
        registry.put(&release("@team", word));
        let daemon = registry.rackd().behind_a_proxy().unhurried().start();
        Self { registry, daemon }
    }

    /// Writes its two files into the folder.
    fn include(&self, folder: &Path, instance: &str, public_url: &str) {
        let builder = self.registry.nginx().unhurried().daemon(&self.daemon);
        let builder = builder.setting("RACK_PUBLIC_URL", public_url);
        let text = folder.to_str().expect("a path in UTF-8");
        let args = ["--include", text, "--instance", instance];
        builder.rackgen(folder, &args).exits(0);
    }
}

fn release(namespace: &str, word: &str) -> Release {
    Release::new(namespace, "item", "1.0.0")
        .with("description", word)
        .file(
            "src/index.ts",
            format!("export const word = '{word}'\n").repeat(40),
        )
}

/// What one nginx has of the registries: a server each, and what stands in it besides.
fn config(folder: &Path, servers: &[(&str, String, &str)]) -> String {
    let text = folder.display();
    let user = if geteuid().is_root() {
        "user root;\n"
    } else {
        ""
    };
    let mut config = format!(
        "{user}worker_processes 2;\npid {text}/shared.pid;\nerror_log {text}/shared-error.log;\nevents {{}}\nhttp {{\n"
    );
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        config += &format!("  {kind}_temp_path {text}/{kind};\n");
    }
    for (instance, _, _) in servers {
        config += &format!("  include {text}/{instance}-http.conf;\n");
    }
    for (instance, listen, besides) in servers {
        config += &format!(
            "  server {{\n    listen {listen};\n{besides}    include {text}/{instance}-server.conf;\n  }}\n"
        );
    }
    config + "}\n"
}

#[test]
fn one_nginx_many_registries() {
    let mut random = Random::announced("one_nginx_many_registries");
    let folder = tempfile::Builder::new()
        .prefix("rack-")
        .tempdir()
        .expect("a folder");
    let tenants = [Tenant::new("first-word"), Tenant::new("second-word")];
    let nginx = shared(&folder, &tenants);
    let [first, second] = [0, 1].map(|number| format!("http://{}", nginx.addresses()[number]));
    let second_below = format!("{second}/rack");

    for (url, tenant, own, others) in [
        (&first, &tenants[0], "first-word", "second-word"),
        (&second_below, &tenants[1], "second-word", "first-word"),
    ] {
        assert_protocol(url, own, others);
        let fresh = Release::new("@open", "published", "1.0.0");
        let upload = Upload::new(Archive::pack(&fresh, &mut random)).request();
        assert_error(&upload.send(url).expect("an answer"), 401, "UNAUTHORIZED");
        let created = upload.bearer(ADMIN_TOKEN).send(url).expect("an answer");
        assert_eq!(created.status, 201, "{}", created.json());
        assert_eq!(get(url, &fresh.url(), None).body, fresh.manifest());
        // The same as without anything in front.
        let direct = get(tenant.daemon.url(), &fresh.url(), None);
        assert_eq!(
            get(url, &fresh.url(), None).header("ETag"),
            direct.header("ETag")
        );
        let yank = Request::new("PUT", &format!("{}/yank", fresh.url()));
        assert_error(&yank.send(url).expect("an answer"), 401, "UNAUTHORIZED");
        let yanked = yank.bearer(ADMIN_TOKEN).send(url).expect("an answer");
        assert_eq!(yanked.status, 200, "{}", yanked.json());
        assert_error(&get(url, &fresh.item_url(), None), 404, "NOT_FOUND");
    }
    assert_error(
        &get(&first, "/registries/@open/features/published-not", None),
        404,
        "NOT_FOUND",
    );

    // What is beside the prefix is the other server's own, in its own words.
    assert_eq!(get(&second, "/own", None).body, b"its own");
    assert_eq!(get(&second, "/own", None).status, 200);
    let beside = get(&second, "/registries/@open/features/item", None);
    assert_eq!(beside.status, 404);
    assert!(!String::from_utf8_lossy(&beside.body).contains("second-word"));
    // So is what climbs over the prefix, and nothing of ours is there.
    let climbs = get(&second, "/rack/../registries/@open/features/item", None);
    assert_eq!(climbs.body, beside.body);
    for target in [
        "/rack/x/../registries/@open/features/item",
        "/rack//registries/@open/features/item",
        "/rack",
        "/rack/",
    ] {
        let answer = get(&second, target, None);
        assert!(matches!(answer.status, 400 | 404), "{target}: {answer:?}");
        assert_eq!(faults(&answer, false), Vec::<String>::new(), "{target}");
    }
    // One is down, and the other does not mind.
    let [one, other] = tenants;
    one.daemon.stop();
    assert_error(
        &get(
            &first,
            "/registries/@team/features/item",
            Some("a word of which nothing is known yet"),
        ),
        503,
        "UNAVAILABLE",
    );
    assert_eq!(
        get(
            &second_below,
            "/registries/@team/features/item",
            Some("second-word")
        )
        .status,
        200
    );
    assert_eq!(
        get(&first, "/registries/@open/features/item", None).status,
        200
    );
    drop(other);
}

fn shared(folder: &TempDir, tenants: &[Tenant; 2]) -> Nginx {
    let folder = folder.path();
    serve(folder, 2, |addresses| {
        let [first, second] = [addresses[0], addresses[1]];
        tenants[0].include(folder, "first", &format!("http://{first}"));
        tenants[1].include(folder, "second", &format!("http://{second}/rack"));
        let own = "    location = /own { return 200 'its own'; }\n";
        config(
            folder,
            &[
                ("first", first.to_string(), ""),
                ("second", second.to_string(), own),
            ],
        )
    })
}

/// A little of everything that the protocol says.
fn assert_protocol(url: &str, own: &str, others: &str) {
    let open = "/registries/@open/features/item";
    let gated = "/registries/@team/features/item";
    for (item, token) in [(open, None), (gated, Some(own))] {
        for part in ["", "/versions", "/1.0.0", "/1.0.0/files/src/index.ts"] {
            let target = format!("{item}{part}");
            for coding in ["identity", "br", "gzip"] {
                let mut request = Request::get(&target).header("Accept-Encoding", coding);
                if let Some(token) = token {
                    request = request.bearer(token);
                }
                let answer = request.send(url).expect("an answer");
                assert_eq!(answer.status, 200, "{url}{target}: {answer:?}");
                let body =
                    decode(answer.header("Content-Encoding"), &answer.body).expect("that coding");
                let text = String::from_utf8_lossy(&body);
                assert!(
                    part == "/versions" || text.contains(own),
                    "{url}{target}: {text}"
                );
                assert!(!text.contains(others), "{url}{target}: {text}");
                let tag = answer.header("ETag").expect("an ETag");
                let again = request.header("If-None-Match", tag).send(url);
                assert_eq!(again.expect("an answer").status, 304, "{url}{target}");
            }
        }
    }
    assert_error(&get(url, gated, None), 401, "UNAUTHORIZED");
    assert_error(&get(url, gated, Some(others)), 401, "INVALID_TOKEN");
    assert_error(
        &get(url, "/registries/@else/features/item", None),
        403,
        "FORBIDDEN_NAMESPACE",
    );
    assert_error(&get(url, "/registries/@open", None), 400, "INVALID_PATH");
    assert_error(
        &get(url, "/registries/@open/..%2f@team/features/item", None),
        400,
        "INVALID_PATH",
    );
    assert_error(
        &get(url, "/namespaces/open/registries", None),
        400,
        "INVALID_NAMESPACE",
    );
    assert_error(&get(url, "/presets/None", None), 400, "INVALID_PRESET");
    assert_error(&get(url, "/presets/none", None), 404, "NOT_FOUND");
    assert_eq!(
        get(url, "/namespaces", None).json(),
        json!({ "namespaces": ["@open"] })
    );
    assert_eq!(
        get(url, "/namespaces", Some(own)).json(),
        json!({ "namespaces": ["@open", "@team"] })
    );
    assert_eq!(get(url, "/health", None).json()["status"], json!("ok"));
    let mut request = Request::get(open);
    request.method = "DELETE".to_owned();
    let refused = request.send(url).expect("an answer");
    assert_error(&refused, 405, "METHOD_NOT_ALLOWED");
    request.method = "OPTIONS".to_owned();
    assert_eq!(request.send(url).expect("an answer").status, 204);
}

fn get(url: &str, target: &str, token: Option<&str>) -> Response {
    let request = token
        .into_iter()
        .fold(Request::get(target), Request::bearer);
    request.send(url).expect("an answer")
}

fn assert_error(answer: &Response, status: u16, code: &str) {
    assert_eq!((answer.status, &answer.code()[..]), (status, code));
    assert_eq!(faults(answer, false), Vec::<String>::new());
}
