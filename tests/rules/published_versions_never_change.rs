//! A version is what its publish made it: bytes that a hand changed are refused and named, with the old and the new hash,
//! and those of the publish stay, or come back, under the ETags that they had. Only an admin who says so changes that.

use std::fs;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::traces::traces;
use rack_tests::tree::{Tree, assert_same, sha256, tree};
use serde_json::{Value, json};

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
        let old = fs::read(folder.join(path)).ok().map(|bytes| sha256(&bytes));
        let event = last_event(&registry, &release);
        registry.put_file(&format!("{}/{path}", release.address()), &bytes);
        for args in [&["build"][..], &["build"], &["build", "--full"]] {
            let build = registry.rackgen(args).exits(1);
            let digest = event["digest"].as_str().expect("a digest");
            let mut words = vec![
                folder.to_str().expect("a path in UTF-8"),
                path,
                digest,
                "Their digest is sha256:",
            ];
            let new = sha256(&bytes);
            if let Some(old) = &old {
                words.extend([&**old, &*new]);
            }
            assert!(build.names(&words), "{path}: no {words:?} in {build}");
            let seen = traces(&registry.public(), &[CHANGED]);
            assert!(seen.is_empty(), "{path}: {seen:#?}");
            let served = version(&registry, &release);
            assert_same(&format!("while {path} is another"), &published, &served);
        }

        // Gone, it is not served; another one in its place is not either.
        fs::remove_dir_all(&folder).expect("a folder of ours");
        let build = registry.rackgen(&["build"]).exits(0);
        let warned = build.names(&[
            folder.to_str().expect("a path in UTF-8"),
            "warning",
            "its folder is gone",
        ]);
        assert!(warned, "{build}");
        assert!(version(&registry, &release).is_empty(), "{path}");
        registry.put(&release);
        registry.put_file(&format!("{}/{path}", release.address()), &bytes);
        registry.rackgen(&["build"]).exits(1);
        assert!(version(&registry, &release).is_empty(), "{path}");

        fs::remove_dir_all(&folder).expect("a folder of ours");
        registry.put(&release);
        registry.build();
        let what = format!("after {path} was what it had been");
        assert_same(&what, &published, &version(&registry, &release));
    }

    accept(&registry, &release, &published);
}

/// An admin takes what a hand made of it for what it is from now on.
fn accept(registry: &Registry, release: &Release, published: &Tree) {
    let before = last_event(registry, release);
    for (path, bytes) in by_hand(release) {
        registry.put_file(&format!("{}/{path}", release.address()), bytes);
    }
    registry.rackgen(&["build"]).exits(1);
    registry.rackgen(&["build", "--accept-changes"]).exits(0);
    let event = last_event(registry, release);
    assert_eq!(event["event"], "publish");
    assert!(
        event["by"].is_string() && event["digest"] != before["digest"],
        "{event}"
    );
    let now = version(registry, release);
    for (path, old) in published {
        let new = &now[path];
        let etags = ((old.mtime, old.len), (new.mtime, new.len));
        assert_eq!(
            old.sha256 == new.sha256,
            etags.0 == etags.1,
            "{path}: {etags:?}"
        );
    }
    assert!(!traces(&registry.public(), &[CHANGED]).is_empty());
    let kept = tree(&registry.public());
    registry.build();
    assert_same(
        "a build has nothing to add",
        &kept,
        &tree(&registry.public()),
    );
}

/// What a hand put there has no event, and stays as well while it is broken, its time in the list too.
#[test]
fn broken_versions_stay_as_they_were() {
    let registry = Registry::new(&json!({ "@open": [] }));
    let release =
        Release::new("@open", "by-hand", "1.0.0").file("src/index.ts", "let a\n".repeat(99));
    registry.put(&release);
    registry.build();
    let kept = tree(&registry.public());
    registry.put_file(
        &format!("{}/registry.json", release.address()),
        "{ \"name\": oops",
    );
    for args in [&["build"][..], &["build", "--full"]] {
        let build = registry.rackgen(args).exits(1);
        assert!(build.names(&["by-hand/1.0.0/registry.json:1:"]), "{build}");
        assert_same("while it is broken", &kept, &tree(&registry.public()));
    }
    fs::remove_file(registry.state().join("record.db")).expect("a record");
    registry.rackgen(&["build"]).exits(1);
    let lost = "while it is broken and the record is lost";
    let of = |tree: Tree| -> Tree {
        tree.into_iter()
            .filter(|(path, _)| path.contains(&release.address()))
            .collect()
    };
    assert_same(lost, &of(kept), &of(tree(&registry.public())));
}

/// The last line of the item's log.
fn last_event(registry: &Registry, release: &Release) -> Value {
    let log = registry
        .source()
        .join(release.item())
        .join("releases.jsonl");
    let log = fs::read_to_string(log).expect("a log");
    serde_json::from_str(log.lines().last().expect("a line")).expect("JSON")
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
