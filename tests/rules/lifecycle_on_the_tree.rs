//! What `rackgen` does to versions that are there: yanked ones are no longer offered and can still be read, tags hold
//! theirs, a removal is for good; all of it stands in the version list, and no manifest ever changes for it.

use std::fs;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::random::Random;
use rack_tests::registry::{Registry, Run};
use rack_tests::release::Release;
use rack_tests::tree::{Tree, assert_same, tree};
use serde_json::{Value, json};

const ITEM: &str = "@open/features/kept";

/// A registry with three versions of an item: two uploaded, one put there by hand.
fn registry(random: &mut Random) -> Registry {
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.put(&release("1.0.0"));
    let daemon = registry.rackd().start();
    for version in ["1.1.0", "2.0.0"] {
        assert_eq!(
            daemon
                .publish(&release(version), ADMIN_TOKEN, random)
                .status,
            201
        );
    }
    daemon.stop();
    registry
}

fn release(version: &str) -> Release {
    Release::new("@open", "kept", version)
        .file("src/index.ts", format!("// {version}\n").repeat(40))
}

fn run(registry: &Registry, args: &[&str]) -> Run {
    registry.rackgen(args).exits(0)
}

fn list(registry: &Registry) -> Value {
    document(registry, &format!("{ITEM}/versions"))
}

/// Null where there is none.
fn document(registry: &Registry, address: &str) -> Value {
    let path = registry
        .public()
        .join("registries")
        .join(address)
        .join("index.json");
    fs::read(path).map_or(Value::Null, |bytes| {
        serde_json::from_slice(&bytes).expect("JSON")
    })
}

/// Manifests and files of all versions, with their times.
fn immutable(registry: &Registry) -> Tree {
    let mut all = tree(&registry.public());
    all.retain(|path, _| {
        ["1.0.0", "1.1.0", "2.0.0"]
            .iter()
            .any(|version| path.contains(&format!("/{version}/")))
    });
    all
}

#[test]
fn yanks_deprecations_and_tags() {
    let mut random = Random::announced("lifecycle_on_the_tree");
    let registry = registry(&mut random);
    let versions = immutable(&registry);
    let [of_1_1, of_2] = ["1.1.0", "2.0.0"].map(|version| format!("{ITEM}@{version}"));
    let latest = || document(&registry, ITEM)["version"].clone();
    assert_eq!(
        list(&registry)["versions"],
        json!(["2.0.0", "1.1.0", "1.0.0"])
    );

    run(&registry, &["yank", &of_2, "--reason", "it leaks"]);
    let told = list(&registry);
    assert_eq!(told["versions"], json!(["1.1.0", "1.0.0"]));
    assert_eq!(
        (&told["latest"], &latest()),
        (&json!("1.1.0"), &json!("1.1.0"))
    );
    assert_eq!(told["yanked"]["2.0.0"]["reason"], "it leaks");
    assert!(told["yanked"]["2.0.0"]["time"].is_string());
    // Once more, and without a reason: the one that was given stays.
    run(&registry, &["yank", &of_2]);
    assert_eq!(list(&registry)["yanked"], told["yanked"]);

    run(&registry, &["deprecate", &of_1_1, "--reason", "use 3"]);
    assert_eq!(list(&registry)["deprecated"], json!({ "1.1.0": "use 3" }));
    run(&registry, &["tag", &of_1_1, "next"]);
    assert_eq!(list(&registry)["tags"], json!({ "next": "1.1.0" }));
    assert_eq!(
        document(&registry, &format!("{ITEM}/tags/next"))["version"],
        "1.1.0"
    );
    let refused = registry.rackgen(&["yank", &of_1_1]).exits(2);
    assert!(refused.names(&["1.1.0", "`next`"]), "{refused}");
    let refused = registry.rackgen(&["tag", &of_2, "next"]).exits(2);
    assert!(refused.names(&["2.0.0", "yanked"]), "{refused}");
    run(&registry, &["untag", ITEM, "next"]);
    assert_eq!(
        document(&registry, &format!("{ITEM}/tags/next")),
        Value::Null
    );

    for version in ["1.0.0", "1.1.0"] {
        run(&registry, &["yank", &format!("{ITEM}@{version}")]);
    }
    let told = list(&registry);
    assert_eq!(
        (&told["versions"], &told["latest"], latest()),
        (&json!([]), &Value::Null, Value::Null)
    );
    assert_eq!(
        document(&registry, "@open/features/kept/1.0.0")["version"],
        "1.0.0"
    );
    for key in ["time", "digests"] {
        let of: Vec<&String> = told[key].as_object().expect("by version").keys().collect();
        assert_eq!(of, ["1.0.0", "1.1.0", "2.0.0"], "{key}");
    }
    let manifest = versions[&format!("registries/{ITEM}/2.0.0/index.json")]
        .sha256
        .as_str();
    assert_eq!(told["digests"]["2.0.0"]["manifest"], manifest);
    assert!(told["digests"]["2.0.0"]["archive"].is_string());

    run(&registry, &["unyank", &of_2]);
    run(&registry, &["undeprecate", &of_1_1]);
    assert_eq!(
        (latest(), &list(&registry)["deprecated"]),
        (json!("2.0.0"), &json!({}))
    );
    assert_same("the versions themselves", &versions, &immutable(&registry));
    let kept = tree(&registry.public());
    registry.build();
    assert_same(
        "a build has nothing to add",
        &kept,
        &tree(&registry.public()),
    );
}

#[test]
fn what_is_removed_never_comes_back() {
    let mut random = Random::announced("lifecycle_on_the_tree");
    let registry = registry(&mut random);
    for version in ["1.0.0", "1.1.0"] {
        run(
            &registry,
            &[
                "remove",
                &format!("{ITEM}@{version}"),
                "--reason",
                "a secret in it",
            ],
        );
        assert!(!registry.source().join(release(version).address()).exists());
        assert_eq!(
            document(&registry, &release(version).address()),
            Value::Null
        );
    }
    assert_eq!(list(&registry)["versions"], json!(["2.0.0"]));

    let daemon = registry.rackd().start();
    for version in ["1.0.0", "1.1.0"] {
        for release in [
            release(version),
            release(version).with("description", "Another"),
        ] {
            let answer = daemon.publish(&release, ADMIN_TOKEN, &mut random);
            assert_eq!(
                (answer.status, &*answer.code()),
                (409, "VERSION_EXISTS"),
                "{}",
                answer.json()
            );
        }
    }
    daemon.stop();
    registry.put(&release("1.1.0"));
    for args in [
        &["build"][..],
        &["build", "--full"],
        &["build", "--accept-changes"],
    ] {
        let build = registry.rackgen(args).exits(1);
        assert!(
            build.names(&[&release("1.1.0").address(), "removed for good"]),
            "{build}"
        );
        assert_eq!(
            document(&registry, &release("1.1.0").address()),
            Value::Null
        );
    }
}

#[test]
fn a_torn_event_is_cut_off() {
    let mut random = Random::announced("lifecycle_on_the_tree");
    let registry = registry(&mut random);
    let log = registry.source().join(ITEM).join("releases.jsonl");
    let whole = fs::read_to_string(&log).expect("a log");
    fs::write(
        &log,
        format!("{whole}{{\"event\":\"yank\",\"version\":\"2.0"),
    )
    .expect("a file of ours");
    registry.build();
    assert_eq!(
        list(&registry)["latest"],
        "2.0.0",
        "half a line is no event"
    );
    run(&registry, &["yank", &format!("{ITEM}@1.1.0")]);
    let log = fs::read_to_string(&log).expect("a log");
    let added = log.strip_prefix(&whole).expect("what was there stays");
    let event: Value = serde_json::from_str(added).expect("one line of JSON");
    assert_eq!(
        (&event["event"], &event["version"]),
        (&json!("yank"), &json!("1.1.0"))
    );
}

#[test]
fn a_tag_names_what_can_be_read() {
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.put(&Release::new("@open", "item", "1.0.0"));
    registry.build();
    let broken = Release::new("@open", "item", "2.0.0");
    registry.put(&broken);
    registry.put_file(&format!("{}/registry.json", broken.address()), "{");
    let tag = ["tag", "@open/features/item@2.0.0", "beta"];
    let refused = registry.rackgen(&tag).exits(2);
    assert!(refused.names(&["2.0.0", "cannot be served"]), "{refused}");
    // By hand, and not built yet: that can be read as soon as the tag can.
    registry.put(&broken);
    run(&registry, &tag);
    let tagged = document(&registry, "@open/features/item/tags/beta");
    assert_eq!(tagged["version"], "2.0.0");
}

#[test]
fn a_removed_twin_is_in_nobodys_way() {
    let registry = Registry::new(&json!({ "@open": [] }));
    let removed = Release::new("@open", "item", "1.0.0+a");
    registry.put(&removed);
    registry.build();
    run(
        &registry,
        &[
            "remove",
            "@open/features/item@1.0.0+a",
            "--reason",
            "it leaks",
        ],
    );
    registry.put(&removed);
    registry.put(&Release::new("@open", "item", "1.0.0+b"));
    let build = registry.rackgen(&["build"]).exits(1);
    assert!(build.names(&["1.0.0+a", "removed for good"]), "{build}");
    assert!(!build.names(&["1.0.0+b"]), "{build}");
    assert_eq!(
        document(&registry, "@open/features/item")["version"],
        "1.0.0+b"
    );
}
