//! A source tree may come from anywhere, with links, pipes and folders where files belong: none is followed, written
//! through or waited for; each is named, and the rest is served.

use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rack_tests::registry::{Registry, Run};
use rack_tests::release::Release;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::json;

/// Far longer than a build takes, and shorter than for ever.
const DEADLINE: Duration = Duration::from_secs(20);

/// Puts something else in a file's place; the file itself, good as it is, has gone outside.
type Impostor = fn(&Path, outside: &Path);

const IMPOSTORS: [(&str, Impostor); 3] = [
    ("a link", |path, outside| {
        symlink(outside, path).expect("a link");
    }),
    ("a pipe", |path, _| {
        mknodat(CWD, path, FileType::Fifo, Mode::from(0o644), 0).expect("a pipe");
    }),
    ("a folder", |path, _| {
        fs::create_dir(path).expect("a folder")
    }),
];

/// Files that a build opens, and the words of which each has to be in the line that complains of an impostor.
const FILES: [(&str, &[&str]); 4] = [
    (
        "@open/features/one/1.0.0/registry.json",
        &["@open/features/one/1.0.0/registry.json"],
    ),
    (
        "@open/features/two/1.0.0/src/index.ts",
        &["@open/features/two/1.0.0", "src/index.ts"],
    ),
    (
        "@open/features/three/releases.jsonl",
        &["@open/features/three/releases.jsonl"],
    ),
    ("presets/four/preset.json", &["presets/four/preset.json"]),
];

#[test]
fn links_and_pipes_are_not_opened() {
    registry().build();
    for (what, put) in IMPOSTORS {
        let registry = registry();
        for (path, _) in FILES {
            replace(&registry, path, put);
        }
        let build = refused_in_part(&registry);
        for (path, words) in FILES {
            assert!(build.names(words), "{what} for {path}: {build}");
        }
    }
}

#[test]
fn a_linked_namespace_is_not_entered() {
    let registry = registry();
    replace(&registry, "@linked", IMPOSTORS[0].1);
    let build = refused_in_part(&registry);
    assert!(build.names(&["@linked"]), "{build}");
    assert!(!is_served(&registry, "@linked/features/far"), "{build}");
}

#[test]
fn presets_that_cannot_be_seen_stop_nothing() {
    let registry = registry();
    registry.build();
    let preset = registry.public().join("presets/four/index.json");
    let presets = registry.source().join("presets");
    let modes = |mode| fs::set_permissions(&presets, Permissions::from_mode(mode)).expect("a mode");
    registry.put(&Release::new("@open", "late", "1.0.0"));
    modes(0o000);
    let build = registry.rackgen_without_privileges(&["build"]);
    modes(0o755);
    let build = build.exits(1);
    assert!(build.names(&["presets", "Permission denied"]), "{build}");
    assert!(preset.exists(), "what nobody can see is not gone");
    assert!(is_served(&registry, "@open/features/late"), "{build}");

    replace(&registry, "presets", IMPOSTORS[0].1);
    let build = refused_in_part(&registry);
    assert!(build.names(&["presets", "symbolic link"]), "{build}");
    assert!(!preset.exists(), "{build}");
}

#[test]
fn locks_are_not_written_through_links() {
    for (what, put) in IMPOSTORS {
        let registry = registry();
        registry.put_file(".rack-lock", "not to be written to");
        let outside = replace(&registry, ".rack-lock", put);
        let build = registry.rackgen_within(DEADLINE, &["build"]).exits(2);
        assert!(build.names(&[".rack-lock"]), "{what}: {build}");
        let kept = fs::read_to_string(outside).expect("a file");
        assert_eq!(kept, "not to be written to", "{what}");
    }
}

/// A registry in which all is well.
fn registry() -> Registry {
    let registry = Registry::new(&json!({ "@open": [], "@linked": [] }));
    for name in ["good", "one", "two", "three"] {
        let release = Release::new("@open", name, "1.0.0");
        registry.put(&release.file("src/index.ts", "export {}\n"));
    }
    registry.put(&Release::new("@linked", "far", "1.0.0"));
    registry.put_file("@open/features/three/releases.jsonl", "");
    let preset = json!({
        "name": "four",
        "version": "1.0.0",
        "registries": ["@open/features/good"],
    });
    registry.put_file("presets/four/preset.json", preset.to_string());
    registry
}

/// Takes something of the source tree outside, and puts something else in its place.
fn replace(registry: &Registry, path: &str, put: Impostor) -> PathBuf {
    let outside = registry.root().join("outside").join(path);
    fs::create_dir_all(outside.parent().expect("a path below")).expect("a folder");
    let path = registry.source().join(path);
    fs::rename(&path, &outside).expect("a thing of ours");
    put(&path, &outside);
    outside
}

/// A build that ends in time, and serves what is good.
fn refused_in_part(registry: &Registry) -> Run {
    let build = registry.rackgen_within(DEADLINE, &["build"]).exits(1);
    assert!(is_served(registry, "@open/features/good"), "{build}");
    build
}

fn is_served(registry: &Registry, item: &str) -> bool {
    let folder = registry.public().join("registries").join(item);
    folder.join("index.json").exists()
}
