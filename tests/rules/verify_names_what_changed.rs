//! `rackgen verify` finds whatever is changed, missing or extra in source and trees, names it, and changes nothing.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::tree::{assert_same, everything};
use serde_json::json;

const TEXT: &str = "export const kept = 'as it was'\n";

#[test]
fn verify_names_what_changed() {
    let mut random = Random::seeded(1);
    let registry = Registry::new(&json!({ "@open": [], "@gated": [{ "token": "gated" }] }));
    registry.put(&Release::new("@gated", "secret", "1.0.0"));
    registry.build();
    let release = Release::new("@open", "kept", "1.0.0").file("src/index.ts", TEXT.repeat(30));
    let daemon = registry.rackd().start();
    let answer = daemon.publish(&release, ADMIN_TOKEN, &mut random);
    assert_eq!(answer.status, 201, "{}", answer.json());
    daemon.stop();
    registry.rackgen(&["verify"]).exits(0);

    let public = registry.public();
    let served = public.join("registries").join(release.address());
    let file = served.join("files/src/index.ts");
    let variant = public
        .join(".variants/br")
        .join(file.strip_prefix(&public).unwrap());
    let changes: [(&str, &Path, &[u8]); 3] = [
        ("an identity", &file, b"other bytes"),
        ("a variant", &variant, b"other bytes"),
        (
            "a file that nobody made",
            &served.join("files/extra.txt"),
            b"extra",
        ),
    ];
    for (what, path, bytes) in changes {
        finds(&registry, what, path, || with_time_kept(path, bytes));
    }
    finds(&registry, "a time", &file, || {
        fs::File::options()
            .append(true)
            .open(&file)
            .and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH))
            .expect("a file of ours");
    });
    finds(&registry, "a missing file", &file, || {
        fs::remove_file(&file).expect("a file")
    });
    let source = registry.source().join(release.address());
    finds(&registry, "a published version", &source, || {
        fs::write(source.join("src/index.ts"), "changed").expect("a file");
    });
    finds(
        &registry,
        "a published version that is gone",
        &source,
        || {
            fs::remove_dir_all(&source).expect("a folder");
        },
    );
}

#[test]
fn what_verify_says_to_do_mends_it() {
    let registry = Registry::new(&json!({ "@open": [] }));
    let release = Release::new("@open", "kept", "1.0.0").file("src/index.ts", TEXT.repeat(30));
    registry.put(&release);
    let run = registry.rackgen(&["verify"]).exits(1);
    assert!(run.names(&["built yet", "`rackgen build`"]), "{run}");
    registry.build();
    let served = registry.public().join("registries").join(release.address());
    let file = served.join("files/src/index.ts");
    fs::remove_file(&file).expect("a file");
    with_time_kept(&served.join("index.json"), b"other bytes");
    let run = registry.rackgen(&["verify"]).exits(1);
    let advice = "`rackgen build --full` makes it again";
    assert_eq!(run.stderr.matches(advice).count(), 2, "{run}");
    registry.rackgen(&["build", "--full"]).exits(0);
    registry.rackgen(&["verify"]).exits(0);
}

/// Changes something, which has to be named, and takes the change back.
fn finds(registry: &Registry, what: &str, path: &Path, change: impl Fn()) {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = folder.path().join("kept");
    let copied = std::process::Command::new("cp")
        .args(["-a".as_ref(), registry.root().as_os_str(), kept.as_os_str()])
        .status();
    assert!(copied.expect("cp runs").success());
    change();
    let before = everything(registry);
    let run = registry.rackgen(&["verify"]).exits(1);
    assert!(run.names(&[&path.display().to_string()]), "{what}: {run}");
    assert_same(what, &before, &everything(registry));
    for entry in ["source", "public", "private", "state"] {
        fs::remove_dir_all(registry.root().join(entry)).expect("a folder");
        fs::rename(kept.join(entry), registry.root().join(entry)).expect("a folder");
    }
    registry.rackgen(&["verify"]).exits(0);
}

/// Writes other bytes without a change of the file's time, if there is such a file.
fn with_time_kept(path: &Path, bytes: &[u8]) {
    let time = path.metadata().and_then(|metadata| metadata.modified());
    fs::write(path, bytes).expect("a file");
    if let Ok(time) = time {
        let file = fs::File::options().append(true).open(path).expect("a file");
        file.set_modified(time).expect("a time");
    }
}
