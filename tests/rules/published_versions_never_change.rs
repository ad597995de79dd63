//! A version is what its publish made it: bytes that a hand changed are refused and named, and those of the publish
//! come back under the ETags that they had.

use std::fs;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::traces::traces;
use rack_tests::tree::{Tree, assert_same, tree};
use serde_json::json;

const CHANGED: &str = "changed-by-a-hand-51c7";

#[test]
fn published_versions_never_change() {
    let mut random = Random::announced("published_versions_never_change");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.put(&Release::new("@open", "good", "1.0.0"));
    registry.build();
    let release = Release::new("@open", "kept", "1.0.0").file(
        "src/index.ts",
        "export const kept = 'as it was'\n".repeat(30),
    );
    let daemon = registry.rackd().start();
    let answer = daemon.publish(&release, ADMIN_TOKEN, &mut random);
    assert_eq!(answer.status, 201, "{}", answer.json());
    daemon.stop();
    let published = version(&registry, &release);
    assert!(!published.is_empty());

    let folder = registry.source().join(release.address());
    for (path, bytes) in by_hand(&release) {
        registry.put_file(&format!("{}/{path}", release.address()), bytes);
        let build = registry.rackgen(&["build"]).exits(1);
        let named = build.names(&[&folder.display().to_string()]);
        assert!(named, "{path}: {build}");
        let seen = traces(&registry.public(), &[CHANGED]);
        assert!(seen.is_empty(), "{path}: {seen:#?}");

        fs::remove_dir_all(&folder).expect("a folder of ours");
        registry.put(&release);
        registry.build();
        let what = format!("after {path} was what it had been");
        assert_same(&what, &published, &version(&registry, &release));
    }
}

/// What a hand may do to a version: each is a file and its new bytes.
fn by_hand(release: &Release) -> [(&'static str, Vec<u8>); 3] {
    let manifest = release.clone().with("description", CHANGED).manifest();
    let text = format!("// {CHANGED}\n").repeat(30).into_bytes();
    [
        ("src/index.ts", text.clone()),
        ("src/added.ts", text),
        ("registry.json", manifest),
    ]
}

/// What the public tree holds of a version, with the times that its ETags are made of.
fn version(registry: &Registry, release: &Release) -> Tree {
    let mut tree = tree(&registry.public());
    let folder = format!("{}/", release.address());
    tree.retain(|path, _| path.contains(&folder));
    tree
}
