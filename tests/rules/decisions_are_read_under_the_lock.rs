//! What counts is the access file as it is when something is published, not as it was when the build began to wait.

use std::path::PathBuf;

use rack_tests::lock::HeldLock;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::traces::traces;
use serde_json::{Value, json};

/// What the access file says of a namespace that is not to be seen: it is gated, or not there.
fn hidden() -> [Value; 2] {
    [
        json!({ "@open": [], "@moody": [{ "token": "secret-of-the-moody-71c3" }] }),
        json!({ "@open": [] }),
    ]
}

#[test]
fn decisions_are_read_under_the_lock() {
    // The first lock of a build, and one that it takes when it has decided.
    for lock in [Registry::source, Registry::public] {
        for access in hidden() {
            let registry = all_open();
            registry.put(&Release::new("@moody", "new", "1.0.0"));
            let status = build_behind(&registry, lock(&registry), &access);
            assert!(matches!(status, Some(0 | 2)), "{access}: status {status:?}");
            assert_hidden(&registry, &access);
        }
    }
}

#[test]
fn what_is_public_already_is_withdrawn() {
    for access in hidden() {
        let registry = all_open();
        registry.put(&Release::new("@moody", "old", "1.0.0"));
        registry.build();
        let status = build_behind(&registry, registry.source(), &access);
        assert_eq!(status, Some(0), "{access}");
        assert_hidden(&registry, &access);
    }
}

/// A registry in which all is open, and little is there.
fn all_open() -> Registry {
    let registry = Registry::new(&json!({ "@open": [], "@moody": [] }));
    registry.put(&Release::new("@open", "good", "1.0.0"));
    registry.build();
    registry
}

/// Runs a build that waits for the lock of that folder, and changes the access file meanwhile.
fn build_behind(registry: &Registry, folder: PathBuf, access: &Value) -> Option<i32> {
    let lock = HeldLock::take(&folder);
    let mut build = registry.start_rackgen(&["build"]);
    lock.until_awaited_by(build.id());
    registry.write_access(access.to_string());
    drop(lock);
    build.wait().expect("a child can be waited for").code()
}

fn assert_hidden(registry: &Registry, access: &Value) {
    let seen = traces(&registry.public(), &["@moody"]);
    assert!(seen.is_empty(), "{access}: {seen:#?}");
}
