//! What is wrong with one version, in the source or in the trees, is no reason to stop for the others.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rack_tests::registry::Registry;
use rack_tests::release::Release;
use serde_json::{Value, json};

#[test]
fn a_damaged_output_stops_no_change() {
    let damages: [fn(&std::path::Path); 2] = [
        |path| {
            let mut bytes = fs::read(path).expect("a manifest");
            bytes[0] ^= 1;
            fs::write(path, bytes).expect("a file");
        },
        |path| fs::remove_file(path).expect("a file of ours"),
    ];
    for damage in damages {
        let registry = Registry::new(&json!({ "@open": [] }));
        for version in ["1.0.0", "2.0.0"] {
            registry.put(&Release::new("@open", "item", version));
        }
        registry.build();
        damage(
            &registry
                .public()
                .join("registries/@open/features/item/1.0.0/index.json"),
        );
        registry
            .rackgen(&["yank", "@open/features/item@2.0.0"])
            .exits(0);
        assert_eq!(served(&registry, "item")["version"], "1.0.0");
    }
}

#[test]
fn a_file_that_is_still_copied_holds_up_its_version_alone() {
    let registry = Registry::new(&json!({ "@open": [] }));
    // More than a build keeps in memory: it is read twice.
    let large = Release::new("@open", "large", "1.0.0").file("large.bin", vec![7; 8 << 20]);
    registry.put(&large);
    registry.put(&Release::new("@open", "small", "1.0.0"));
    let path = registry.source().join(large.address()).join("large.bin");
    let is_done = AtomicBool::new(false);
    let build = thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = OpenOptions::new().append(true).open(path).expect("a file");
            while !is_done.load(Ordering::Relaxed) {
                file.write_all(&[7]).expect("a disk with room");
            }
        });
        let build = registry.rackgen(&["build"]);
        is_done.store(true, Ordering::Relaxed);
        build
    });
    let build = build.exits(1);
    assert!(
        build.names(&["large/1.0.0", "changed while it was read"]),
        "{build}"
    );
    assert_eq!(served(&registry, "small")["version"], "1.0.0");
    registry.build();
    assert_eq!(served(&registry, "large")["version"], "1.0.0");
}

fn served(registry: &Registry, item: &str) -> Value {
    let path = format!("registries/@open/features/{item}/index.json");
    let text = fs::read(registry.public().join(path)).expect("a document");
    serde_json::from_slice(&text).expect("JSON")
}
