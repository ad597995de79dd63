//! What is gated or removed at the origin leaves a mirror before anything is copied there, however long that takes.

use std::fs;
use std::process::Stdio;

use rack_tests::mirror;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::tree::tree;
use rack_tests::wait;
use serde_json::json;

#[test]
fn withdrawal_reaches_a_mirror_first() {
    let mut random = Random::announced("withdrawal_reaches_a_mirror_first");
    let registry = Registry::new(&json!({ "@open": [], "@moody": [] }));
    for version in ["1.0.0", "1.1.0"] {
        registry.put(&Release::new("@open", "item", version));
        registry.put(&Release::new("@moody", "item", version));
    }
    registry.build();
    let mirror = registry.root().join("mirror");
    mirror::push(&registry.public(), &mirror);
    let in_variants = tree(&mirror.join(".variants"))
        .into_keys()
        .map(|path| format!(".variants/{path}"));
    let all = tree(&mirror).into_keys().chain(in_variants);
    let withdrawn: Vec<_> = all
        .filter(|path| path.contains("@moody") || path.contains("@open/features/item/1.0.0"))
        .map(|path| mirror.join(path))
        .collect();
    assert!(withdrawn.len() > 8, "{withdrawn:?}");

    registry.write_access(
        json!({ "@open": [], "@moody": [{ "token": "secret-of-the-moody-71c3" }] }).to_string(),
    );
    fs::remove_dir_all(registry.source().join("@open/features/item/1.0.0")).expect("a version");
    let large = Release::new("@open", "large", "1.0.0").file("large.bin", random.bytes(3 << 20));
    registry.put(&large);
    registry.build();
    let from = registry.public();
    let args = [
        "push",
        mirror::text(&mirror),
        "--tree",
        mirror::text(&from),
        "--",
        "--bwlimit=1m",
    ];
    let mut push = mirror::command(&args);
    let mut push = push.stdout(Stdio::null()).spawn().expect("the script runs");
    wait::until("the mirror to lose what is withdrawn", wait::LONG, || {
        (!withdrawn.iter().any(|path| path.exists())).then_some(())
    });
    let copied = mirror.join(format!(
        "{}/files/large.bin",
        large.url().trim_start_matches('/')
    ));
    assert!(!copied.exists(), "it was copied first");
    assert!(push.wait().expect("a child can be waited for").success());
    assert!(copied.exists());
}
