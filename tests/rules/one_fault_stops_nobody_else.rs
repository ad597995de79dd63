//! What is wrong with one version, in the source or in the trees, is no reason to stop for the others.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rack_tests::binaries;
use rack_tests::registry::{Registry, Run};
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

/// As holes, they take no room on the disk.
#[test]
fn a_document_too_large_for_memory_holds_up_itself_alone() {
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.put(&Release::new("@open", "small", "1.0.0"));
    let documents = [
        "@open/features/large/1.0.0/registry.json",
        "presets/large/preset.json",
    ];
    for document in documents {
        registry.put_file(document, "");
        let file = OpenOptions::new()
            .write(true)
            .open(registry.source().join(document))
            .expect("a file");
        file.set_len(3 << 30).expect("a file of holes");
    }
    let build = registry.rackgen(&["build"]).exits(1);
    for document in documents {
        assert!(build.names(&[document, "larger than"]), "{build}");
    }
    assert_eq!(served(&registry, "small")["version"], "1.0.0");
}

/// What is too large to keep in memory is read once more, when it is staged.
#[test]
fn a_file_that_cannot_be_read_again_holds_up_its_version_alone() {
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.put(&Release::new("@open", "small", "1.0.0"));
    for size in [8 << 20, 900 << 10] {
        let mut large = Release::new("@open", "large", "1.0.0");
        for number in 0..5 {
            large = large.file(&format!("{number}.bin"), vec![7; size]);
        }
        registry.put(&large);
        let folder = registry.source().join(large.address());
        let log = registry.root().join("strace");
        let mut strace = Command::new("strace");
        registry.lend(&mut strace);
        // The second time that it is opened, which strace counts by thread.
        strace.env("RAYON_NUM_THREADS", "1");
        strace.args(["-f", "-qq", "-e", "inject=openat:error=EIO:when=2", "-o"]);
        strace.arg(&log).arg("-P").arg(folder.join("4.bin"));
        strace.arg(binaries::rackgen()).arg("build");
        let build = Run::of(strace).exits(1);
        let calls = fs::read_to_string(&log).expect("what strace saw");
        assert!(calls.contains("(INJECTED)"), "{calls}");
        assert!(build.names(&["large/1.0.0", "not any longer"]), "{build}");
        assert_eq!(served(&registry, "small")["version"], "1.0.0");
    }
    registry.build();
    assert_eq!(served(&registry, "large")["version"], "1.0.0");
}

fn served(registry: &Registry, item: &str) -> Value {
    let path = format!("registries/@open/features/{item}/index.json");
    let text = fs::read(registry.public().join(path)).expect("a document");
    serde_json::from_slice(&text).expect("JSON")
}
