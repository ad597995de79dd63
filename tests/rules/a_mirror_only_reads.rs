//! nginx without a daemon gives what is public, as it is, and says of everything else that it is not to be had here.

use std::fs;

use rack_tests::errors::faults;
use rack_tests::http::Request;
use rack_tests::mirror;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use serde_json::json;

#[test]
fn a_mirror_only_reads() {
    let registry = Registry::open_and_gated();
    let item = Release::new("@open", "item", "1.0.0").file("src/index.ts", "export {}\n");
    let release = "@open/features/item@1.0.0";
    registry.rackgen(&["tag", release, "beta"]).exits(0);
    // The public tree, and nothing besides: no source, no private tree, no state.
    let mirror = Registry::new(&json!({}));
    mirror::push(&registry.public(), &mirror.public());
    fs::remove_dir(mirror.source()).expect("a folder that is still empty");
    let nginx = mirror.nginx().unhurried().start();

    let get = |target: &str| Request::get(target);
    for (request, status, code) in [
        (get("/registries/@open/features/item"), 200, ""),
        (get("/registries/@open/features/item/versions"), 200, ""),
        (
            get("/registries/@open/features/item/1.0.0/files/src/index.ts"),
            200,
            "",
        ),
        (
            get("/registries/@open/features/item").bearer("unknown"),
            200,
            "",
        ),
        (get("/namespaces/@open/registries"), 200, ""),
        (get("/namespaces"), 200, ""),
        (get("/schemas/rack.json"), 200, ""),
        (get("/health"), 200, ""),
        (
            Request::new("OPTIONS", "/registries/@open/features/item"),
            204,
            "",
        ),
        (get("/registries/@open/features/none"), 404, "NOT_FOUND"),
        (
            get("/registries/@team/features/secret"),
            403,
            "FORBIDDEN_NAMESPACE",
        ),
        (
            get("/registries/@team/features/secret").bearer("secret-of-the-team-0b6e"),
            403,
            "FORBIDDEN_NAMESPACE",
        ),
        (
            get("/namespaces/@team/registries"),
            403,
            "FORBIDDEN_NAMESPACE",
        ),
        (
            get("/registries/@nowhere/features/any"),
            403,
            "FORBIDDEN_NAMESPACE",
        ),
        (get("/registries/@open"), 400, "INVALID_PATH"),
        (
            get("/registries/@open/..%2f@team/features/secret"),
            400,
            "INVALID_PATH",
        ),
        (get("/metrics"), 404, "NOT_FOUND"),
        (
            get("/whoami").bearer("secret-of-the-team-0b6e"),
            404,
            "NOT_FOUND",
        ),
        (get("/auth"), 404, "NOT_FOUND"),
        (
            Request::new("POST", "/registries"),
            405,
            "METHOD_NOT_ALLOWED",
        ),
        (
            Request::new("POST", "/registries").bearer("secret-of-the-team-0b6e"),
            405,
            "METHOD_NOT_ALLOWED",
        ),
        (get("/registries/@open/features/item/tags/beta"), 200, ""),
        (
            get("/registries/@open/features/item/tags/none"),
            404,
            "NOT_FOUND",
        ),
        (
            get("/registries/@open/features/item/1.0.0/yank"),
            400,
            "INVALID_PATH",
        ),
    ] {
        let answer = request.send(&nginx.url()).expect("an answer");
        assert_eq!(
            (answer.status, &answer.code()[..]),
            (status, code),
            "{request:?}"
        );
        assert_eq!(faults(&answer, false), Vec::<String>::new(), "{request:?}");
    }
    for target in [
        "/registries/@open/features/item/1.0.0/yank",
        "/registries/@open/features/item/1.0.0/deprecation",
        "/registries/@open/features/item/tags/beta",
        "/registries/@team/features/secret/1.0.0/yank",
    ] {
        for method in ["PUT", "DELETE", "POST", "OPTIONS"] {
            let request = Request::new(method, target).bearer("secret-of-the-team-0b6e");
            let answer = request.send(&nginx.url()).expect("an answer");
            let status = if method == "OPTIONS" { 204 } else { 405 };
            assert_eq!(answer.status, status, "{method} {target}");
            let allowed = ["get", "head", "options"].map(str::to_owned);
            assert_eq!(answer.list("Allow"), allowed.into(), "{method} {target}");
            assert_eq!(
                faults(&answer, false),
                Vec::<String>::new(),
                "{method} {target}"
            );
        }
    }
    let served = get(&item.url()).send(&nginx.url()).expect("an answer");
    assert_eq!(served.body, item.manifest());
}
