//! A publish that was told is there after a power cut, and one that was not is there whole or not at all. What the cut
//! takes back is taken back by hand here: everything since the last barrier, or some of it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::http::{Request, Response};
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use serde_json::{Value, json};

#[test]
fn the_intent_brings_it_back() {
    let after = published_and_cut(|cut| cut.take_back_the_rename());
    assert_eq!(after.ask().status, 200, "the publish was told");
    assert_eq!(after.intents(), 0, "it is finished");
}

#[test]
fn the_intent_brings_back_its_event() {
    let after = published_and_cut(|cut| fs::write(cut.log(), "").expect("a log"));
    assert_eq!(after.ask().status, 200, "the publish was told");
    let log = fs::read_to_string(after.log()).expect("a log");
    assert!(log.contains("\"publish\""), "{log}");
}

#[test]
fn an_upload_that_was_torn_is_dropped() {
    let after = published_and_cut(|cut| {
        cut.take_back_the_rename();
        let manifest = cut.contents().join("registry.json");
        fs::write(manifest, "").expect("a file of ours");
    });
    assert_eq!(after.ask().status, 404, "nobody was told that it is there");
    assert_eq!(after.intents(), 0, "nothing waits for it");
}

#[test]
fn an_intent_that_was_torn_is_dropped() {
    for end in ["", "\0\0\0\0", "{\"format\":1,\"names", "{\"form\0\0\0"] {
        let after = published_and_cut(|cut| {
            cut.take_back_the_rename();
            fs::write(&cut.intent, end).expect("a file of ours");
        });
        assert_eq!(after.ask().status, 404, "nobody was told that it is there");
        assert_eq!(after.intents(), 0, "nothing waits for it");
    }
}

#[test]
fn an_upload_that_cannot_be_looked_at_is_not_gone() {
    let cut = published_and_cut(Cut::take_back_the_rename);
    let (contents, away) = (cut.contents(), cut.registry.root().join("away"));
    fs::rename(&contents, &away).expect("a folder of ours");
    // Whoever looks there goes round and round.
    symlink(&contents, &contents).expect("a link");
    assert_eq!(cut.ask().status, 404);
    assert_eq!(cut.intents(), 1, "it waits");
    fs::remove_file(&contents).expect("a link");
    fs::rename(&away, &contents).expect("a folder of ours");
    assert_eq!(cut.ask().status, 200);
    assert_eq!(cut.intents(), 0, "it is finished");
}

/// A registry whose daemon published a version and was gone before its next barrier.
struct Cut {
    registry: Registry,
    release: Release,
    intent: PathBuf,
}

/// The same, after the cut and with the daemon that comes next.
fn published_and_cut(take_back: impl Fn(&Cut)) -> Cut {
    let mut random = Random::announced("a_power_cut_loses_no_publish");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    // The daemon makes it durable a second later by itself: the next version is for a machine that was busy.
    let (release, intent) = (0..)
        .find_map(|patch| {
            let release = Release::new("@open", "item", &format!("1.0.{patch}"));
            let mut daemon = registry.rackd().start();
            let answer = daemon.publish(&release, ADMIN_TOKEN, &mut random);
            daemon.kill();
            assert_eq!(answer.status, 201, "{}", answer.json());
            let intent = intents(&registry).pop()?;
            Some((release, intent))
        })
        .expect("one of them");
    let cut = Cut {
        registry,
        release,
        intent,
    };
    take_back(&cut);
    cut
}

impl Cut {
    /// The version is in the upload's folder again, and nothing else knows of it.
    fn take_back_the_rename(&self) {
        let contents = self.contents();
        fs::create_dir_all(contents.parent().expect("a parent")).expect("a folder");
        fs::rename(self.folder(), &contents).expect("a folder of ours");
        fs::remove_file(self.log()).expect("a log");
        let public = self.registry.public().join("registries/@open");
        fs::remove_dir_all(public).expect("a tree of ours");
        for record in ["record.db", "record.db-wal", "record.db-shm"] {
            fs::remove_file(self.registry.state().join(record)).expect("a record");
        }
    }

    fn item(&self) -> PathBuf {
        self.registry.source().join("@open/features/item")
    }

    fn folder(&self) -> PathBuf {
        self.item().join(self.release.text("version"))
    }

    fn log(&self) -> PathBuf {
        self.item().join("releases.jsonl")
    }

    /// Where the upload was unpacked, as the intent says.
    fn contents(&self) -> PathBuf {
        let intent: Value =
            serde_json::from_slice(&fs::read(&self.intent).expect("an intent")).expect("JSON");
        let name = intent["staging"].as_str().expect("a name");
        self.registry.source().join(".staging").join(name)
    }

    /// Starts the next daemon, and asks it for the version.
    fn ask(&self) -> Response {
        let daemon = self.registry.rackd().start();
        let answer = Request::get(&self.release.url()).send(daemon.url());
        assert_eq!(daemon.stop().code(), Some(0));
        answer.expect("an answer")
    }

    fn intents(&self) -> usize {
        intents(&self.registry).len()
    }
}

fn intents(registry: &Registry) -> Vec<PathBuf> {
    let folder: &Path = &registry.state().join("intents");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}
