//! What operators keep beside their items is no reason to complain, and is not served.

use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::tree::tree;
use serde_json::json;

#[test]
fn operator_root_builds() {
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.put(&Release::new("@open", "auth", "1.0.0"));
    for (path, bytes) in [
        (".healthcheck", "ok\n"),
        (".tmp/upload-1/registry.json", "{ \"half\": "),
        ("schema/registry-item.json", "{}\n"),
        ("README.md", "Our items\n"),
        (
            "@open/features/auth/versions.json",
            "{\"versions\": [\"6.6.6\"]}",
        ),
        (
            "@open/features/auth/1.0.0/smoke.json",
            "{ \"smoke\": true }\n",
        ),
    ] {
        registry.put_file(path, bytes);
    }
    let build = registry.rackgen(&["build"]).exits(0);
    assert_eq!(build.stderr, "", "there is nothing to complain about");

    let public = tree(&registry.public());
    let has = |part: &str| public.keys().any(|path| path.contains(part));
    assert!(
        has("@open/features/auth/1.0.0/files/smoke.json"),
        "{public:#?}"
    );
    for part in [
        "healthcheck",
        "upload-1",
        "schema/",
        "README",
        "versions.json",
        "6.6.6",
    ] {
        assert!(!has(part), "{part} has no place in the public tree");
    }
}
