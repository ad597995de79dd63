//! Folders that `rackgen` may not read.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use rack_tests::registry::Registry;
use rack_tests::tree::{Tree, assert_same, tree};

use super::{Day, access};

/// What cannot be read, and what is served from below it.
const FOLDERS: [(&str, &str); 5] = [
    ("@open/features/item-5/1.1.0", "@open/features/item-5/"),
    (
        "@open/features/item-5/1.1.0/src/index.ts",
        "@open/features/item-5/",
    ),
    ("@open/features/item-5/1.1.0/src", "@open/features/item-5/"),
    ("@open/features/item-5", "@open/features/item-5/"),
    ("@team", "@team/"),
];

#[test]
fn folders_that_cannot_be_read() {
    let mut day = Day::begin(Registry::new(&access()), 7);
    for args in [&["build"][..], &["build", "--full"]] {
        for (folder, below) in FOLDERS {
            let what = format!("{folder} cannot be read, {args:?}");
            let path = day.registry.source().join(folder);
            let modes = [0o000, 0o755].map(Permissions::from_mode);
            let late = day.change();
            let before = below_only(&day.registry, below);
            let [closed, open] = modes;
            fs::set_permissions(&path, closed).expect("a folder of ours");
            let run = day.registry.rackgen_without_privileges(args).exits(1);
            fs::set_permissions(&path, open).expect("a folder of ours");
            assert!(run.names(&[&path.display().to_string()]), "{what}: {run}");
            assert_same(&what, &before, &below_only(&day.registry, below));
            let manifest = format!("registries/{}/index.json", late.address());
            assert!(
                day.registry.public().join(manifest).exists(),
                "{what}: the rest is not built"
            );
            day.recovers(&what);
        }
    }
}

fn below_only(registry: &Registry, below: &str) -> Tree {
    let mut all = super::both(registry);
    all.retain(|path, _| path.contains(below));
    assert!(!all.is_empty(), "nothing is served below {below}");
    let listed = tree(&registry.public());
    let lists = listed
        .into_iter()
        .filter(|(path, _)| path == "namespaces/index.json");
    all.extend(lists);
    all
}
