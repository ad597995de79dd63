//! Whatever a killed build left behind, the next one completes it: the trees are those of a build that nobody
//! disturbed, byte for byte.

use std::fs;
use std::time::{Duration, Instant};

use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::{proved, rounds};
use serde_json::{Value, json};

const ITEMS: u64 = 30;

#[test]
fn killed_builds_complete() {
    let mut random = Random::announced("killed_builds_complete");
    let registry = Registry::new(&access(false));
    Release::many("@open", ITEMS as usize).for_each(|release| registry.put(&release));
    Release::many("@moody", 2).for_each(|release| registry.put(&release));
    registry.build();
    let usual = [
        time(&registry, &["build"]),
        time(&registry, &["build", "--full"]),
    ];

    let (mut kills, wanted) = (0, rounds(4, 50));
    for change in 0.. {
        assert!(
            change < 40 * wanted,
            "builds end before they can be killed: {kills} kills"
        );
        make_a_change(&registry, &mut random, change);
        let full = random.below(2) as usize;
        let args = [&["build"][..], &["build", "--full"]][full];
        kills += usize::from(registry.kill_rackgen(args, random.moment(usual[full])));
        let last = kills == wanted;
        if last || random.below(3) == 0 {
            registry.build();
            registry.is_undisturbed(&format!("after {kills} kills"));
        }
        if last {
            break;
        }
    }
    proved(
        "killed builds are completed",
        format!("{kills} kills; the trees equal undisturbed ones, byte for byte"),
    );
}

/// How long that build takes after a change, process and all.
fn time(registry: &Registry, args: &[&str]) -> Duration {
    registry.put(&Release::new(
        "@open",
        "clock",
        &format!("1.0.{}", args.len()),
    ));
    let start = Instant::now();
    registry.rackgen(args).exits(0);
    start.elapsed()
}

/// Adds a version by hand and, now and then, takes one away or changes who may read a namespace.
fn make_a_change(registry: &Registry, random: &mut Random, change: usize) {
    let item = format!("item-{}", random.below(ITEMS));
    let release = Release::new("@open", &item, &format!("2.{change}.0"));
    registry.put(&release.file(
        "src/index.ts",
        format!("export const change = {change}\n").repeat(50),
    ));
    match random.below(4) {
        0 => {
            let item = registry
                .source()
                .join(format!("@open/features/item-{}", random.below(ITEMS)));
            let mut versions = fs::read_dir(item).expect("a folder").flatten();
            let version = versions.find(|entry| entry.path().is_dir());
            // The last version stays, so that the registry does not melt away.
            if let (Some(version), Some(_)) = (version, versions.next()) {
                fs::remove_dir_all(version.path()).expect("a folder of ours");
            }
        }
        1 => registry.write_access(access(random.below(2) == 0).to_string()),
        _ => {}
    }
}

fn access(gated: bool) -> Value {
    let moody = if gated {
        json!([{ "token": "secret-of-the-moody-71c3" }])
    } else {
        json!([])
    };
    json!({ "@open": [], "@moody": moody })
}
