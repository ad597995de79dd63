//! Whatever is lost of what a build made, the next one brings it back: the same bytes, and as far as anything is left
//! to know it from, under the same times, which are what ETags are made of.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::tree::{Tree, assert_same, tree};
use rack_tests::wait;
use serde_json::json;

#[test]
fn lost_trees_come_back_with_their_etags() {
    let mut random = Random::announced("lost_trees_come_back_with_their_etags");
    let registry = with_history(&mut random);
    let before = [tree(&registry.public()), tree(&registry.private())];
    let record = registry.state().join("record.db");
    let wipe_record = || fs::remove_file(&record).expect("a record");
    let wipe_tree = || fs::remove_dir_all(registry.public()).expect("a tree of ours");

    let losses: [(&str, &dyn Fn()); 3] = [
        ("without its public tree", &wipe_tree),
        ("with an empty public tree", &|| empty(&registry.public())),
        ("without its record", &wipe_record),
    ];
    for (what, lose) in losses {
        until_the_clock_went_on(&before);
        lose();
        registry.build();
        let after = [tree(&registry.public()), tree(&registry.private())];
        assert_same(what, &before[0], &after[0]);
        assert_same(what, &before[1], &after[1]);
    }

    until_the_clock_went_on(&before);
    wipe_record();
    wipe_tree();
    registry.build();
    let what = "without its public tree and its record";
    let after = tree(&registry.public());
    assert_same(what, &bytes(&before[0]), &bytes(&after));
    assert_same(what, &versions(&before[0]), &versions(&after));
    assert_same(what, &before[1], &tree(&registry.private()));
}

#[test]
fn urls_of_the_same_bytes_keep_times_of_their_own() {
    let registry = Registry::new(&json!({ "@open": [] }));
    let release = Release::new("@open", "item", "1.0.0");
    registry.put(&release);
    registry.build();
    // As another tool would have left it.
    let manifest = format!("{}/files/registry.json", &release.url()[1..]);
    for root in ["", ".variants/br", ".variants/gzip"] {
        let path = registry.public().join(root).join(&manifest);
        let bytes = fs::read(&path).expect("a manifest");
        let time = fs::metadata(&path).and_then(|metadata| metadata.modified());
        fs::remove_file(&path).expect("a file of ours");
        fs::write(&path, bytes).expect("a file");
        let file = File::options().append(true).open(&path).expect("a file");
        let later = time.expect("a time") + Duration::from_secs(1000);
        file.set_modified(later).expect("a file of ours");
    }
    fs::remove_file(registry.state().join("record.db")).expect("a record");
    registry.build();
    let before = tree(&registry.public());

    fs::remove_dir_all(registry.public()).expect("a tree of ours");
    registry.build();
    assert_same(
        "without its public tree",
        &before,
        &tree(&registry.public()),
    );
}

/// Versions put there by hand and uploaded ones, open and gated, in more than one build.
fn with_history(random: &mut Random) -> Registry {
    let registry = Registry::new(&json!({ "@open": [], "@gated": [{ "token": "gated" }] }));
    Release::many("@open", 3).for_each(|release| registry.put(&release));
    Release::many("@gated", 2).for_each(|release| registry.put(&release));
    registry.build();
    let daemon = registry.rackd().start();
    for (namespace, version) in [("@open", "1.0.0"), ("@open", "1.1.0"), ("@gated", "1.0.0")] {
        let release = Release::new(namespace, "uploaded", version)
            .file("src/index.ts", "export const uploaded = true\n".repeat(40))
            .file("logo.png", random.bytes(100));
        let answer = daemon.publish(&release, ADMIN_TOKEN, random);
        assert_eq!(answer.status, 201, "{}", answer.json());
    }
    daemon.stop();
    registry.put(&Release::new("@open", "item-0", "1.2.0"));
    registry.build();
    registry
}

/// Removes what `rm -rf folder/*` does.
fn empty(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            fs::remove_dir_all(entry.path()).expect("a folder of ours");
        }
    }
}

/// A time that is made anew is seen only where it is not by chance the old one.
fn until_the_clock_went_on(trees: &[Tree]) {
    wait::until("a second that no file is of", wait::LONG, || {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.expect("a clock that is set").as_secs();
        let mut entries = trees.iter().flat_map(|tree| tree.values());
        entries.all(|entry| entry.mtime != now).then_some(())
    });
}

/// The same tree without its times.
fn bytes(tree: &Tree) -> Tree {
    let mut tree = tree.clone();
    tree.values_mut().for_each(|entry| entry.mtime = 0);
    tree
}

/// Versions and their files: what has a version's number among the folders that it is in.
fn versions(tree: &Tree) -> Tree {
    let mut tree = tree.clone();
    let is_version = |folder: &str| {
        folder.starts_with(|first: char| first.is_ascii_digit()) && folder.contains('.')
    };
    tree.retain(|path, _| path.split('/').any(is_version));
    assert!(!tree.is_empty());
    tree
}
