//! An empty source is an accident until somebody says otherwise: nothing is removed.

use std::fs;

use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::tree::{assert_same, tree};
use serde_json::json;

#[test]
fn removal_guard() {
    let registry = Registry::new(&json!({ "@open": [] }));
    Release::many("@open", 20).for_each(|release| registry.put(&release));
    registry.build();
    let public = tree(&registry.public());

    // The items are gone, the folder is still the one that it was.
    fs::remove_dir_all(registry.source().join("@open")).expect("a folder of ours");
    registry.rackgen(&["build"]).exits(2);
    assert_same("after the items went", &public, &tree(&registry.public()));
    registry.rackgen(&["build", "--full"]).exits(2);
    assert_same("after a full build too", &public, &tree(&registry.public()));

    // Another folder is mounted in its place, or none.
    let unmounted = registry.root().join("unmounted");
    fs::rename(registry.source(), &unmounted).expect("a folder of ours");
    fs::create_dir(registry.source()).expect("a folder");
    registry.rackgen(&["build", "--allow-removals"]).exits(2);
    assert_same("without the mount", &public, &tree(&registry.public()));
    fs::remove_dir(registry.source()).expect("a folder of ours that is still empty");
    fs::rename(&unmounted, registry.source()).expect("a folder of ours");

    registry.rackgen(&["build", "--allow-removals"]).exits(0);
    let left = tree(&registry.public()).into_keys();
    let left: Vec<String> = left.filter(|path| path.contains("@open")).collect();
    assert!(left.is_empty(), "{left:#?}");
}

#[test]
fn what_is_withdrawn_goes_whatever_the_guard_says() {
    let registry = Registry::new(&json!({ "@a": [], "@b": [], "@gone": [] }));
    for namespace in ["@a", "@b", "@gone"] {
        Release::many(namespace, 20).for_each(|release| registry.put(&release));
    }
    registry.build();
    let of = |namespace: &str| {
        let paths = tree(&registry.public()).into_keys();
        let inside = |path: &String| path.contains(&format!("{namespace}/"));
        paths.filter(inside).collect::<Vec<_>>()
    };
    let b = of("@b");

    // Two are gated, of which one lost its folder too; a third that stays open lost its own.
    for namespace in ["@b", "@gone"] {
        let aside = registry.root().join(namespace);
        fs::rename(registry.source().join(namespace), aside).expect("a folder of ours");
    }
    let secret = json!([{ "token": "secret-of-the-team-0b6e" }]);
    registry.write_access(json!({ "@a": secret, "@b": [], "@gone": secret }).to_string());
    let build = registry.rackgen(&["build"]).exits(2);
    assert!(build.names(&["this build would remove"]), "{build}");
    assert_eq!(of("@a").len(), 0);
    assert_eq!(of("@gone").len(), 0);
    assert!(of("@b") == b, "nobody decided about this one");
    let list = fs::read_to_string(registry.public().join("namespaces/index.json")).expect("a list");
    assert_eq!(list.trim(), "{\"namespaces\":[\"@b\"]}");
    let item = "registries/@a/features/item-0/index.json";
    assert!(registry.private().join(item).exists());
}
