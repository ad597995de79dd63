//! Whatever is wrong around a build (a mount that is gone, a full disk, a broken file, a clock that lies), it says so in
//! a line with the path, what is served stays as it was, and when the fault is gone a plain build brings everything
//! right, with the same ETags for what did not change.

mod clocks;
mod disks;
mod readers;

use std::fs;

use rack_tests::etags::Etags;
use rack_tests::registry::{Registry, Run};
use rack_tests::release::Release;
use rack_tests::tree::{Tree, assert_same, contents, tree};
use serde_json::{Value, json};

/// A registry that has such a day.
struct Day {
    registry: Registry,
    etags: Etags,
    changes: usize,
}

impl Day {
    fn begin(registry: Registry, items: usize) -> Self {
        Release::many("@open", items).for_each(|release| registry.put(&release));
        Release::many("@team", 2).for_each(|release| registry.put(&release));
        registry.build();
        let mut etags = Etags::default();
        etags.restart(&both(&registry));
        Self {
            registry,
            etags,
            changes: 0,
        }
    }

    /// There is something to do: a version that a build would publish.
    fn change(&mut self) -> Release {
        self.changes += 1;
        let version = format!("2.{}.0", self.changes);
        let text = format!("// {}\n", "nothing to compress: 0a9f".repeat(self.changes)).repeat(400);
        let release = Release::new("@open", "item-3", &version).file("src/index.ts", text);
        self.registry.put(&release);
        let gated = Release::new("@team", "item-1", &version);
        self.registry.put(&gated);
        release
    }

    /// A build that fails as a whole, in one line with these words, and changes nothing that is served.
    fn stops(&mut self, what: &str, words: &[&str]) -> Run {
        self.change();
        let before = tree(&self.registry.public());
        let run = self.registry.rackgen(&["build"]).exits(2);
        assert_eq!(run.stderr.trim().lines().count(), 1, "{what}: {run}");
        assert!(run.names(words), "{what}: no {words:?} in {run}");
        assert_same(what, &before, &tree(&self.registry.public()));
        run
    }

    /// The fault is gone.
    fn recovers(&mut self, what: &str) {
        let run = self.registry.rackgen(&["build"]).exits(0);
        self.is_right(what, &run);
    }

    /// The trees are those of a full build in fresh folders, and no ETag changed without its bytes.
    fn is_right(&mut self, what: &str, run: &Run) {
        let now = both(&self.registry);
        let faults = [self.etags.see(&now), self.etags.settle(&now)].concat();
        assert!(faults.is_empty(), "{what}: {}\n{run}", faults.join("\n"));
        let full = self.registry.copy();
        full.build();
        for (full, ours) in [
            (full.public(), self.registry.public()),
            (full.private(), self.registry.private()),
        ] {
            let mut ours = contents(&ours);
            ours.retain(|path, _| !path.starts_with(".filling"));
            assert_same(what, &contents(&full), &ours);
        }
    }
}

fn access() -> Value {
    json!({ "@open": [], "@team": [{ "token": "secret-of-the-team-0b6e" }] })
}

/// Both trees, as clients may see them.
fn both(registry: &Registry) -> Tree {
    let mut all = tree(&registry.public());
    all.extend(tree(&registry.private()));
    all
}

/// A fault: what it is called, how it comes and goes, and the words of the line that names it.
type Fault = (
    &'static str,
    fn(&Registry),
    fn(&Registry),
    &'static [&'static str],
);

#[test]
fn folders_and_files_that_are_not_what_they_were() {
    let mut day = Day::begin(Registry::new(&access()), 15);
    for (what, make, undo, words) in FAULTS {
        make(&day.registry);
        day.stops(what, words);
        undo(&day.registry);
        day.recovers(what);
    }
}

const FAULTS: [Fault; 5] = [
    (
        "another folder in place of the source",
        |r| swap_source(r, false),
        bring_source_back,
        &["/source", ".rack-id", "mounted"],
    ),
    (
        "an empty source that has the marker",
        |r| swap_source(r, true),
        bring_source_back,
        &["/source", "would remove", "--allow-removals"],
    ),
    (
        "another registry's state",
        |r| {
            let other = Registry::new(&access());
            other.build();
            fs::rename(r.state(), r.root().join("aside")).expect("a folder of ours");
            rack_tests::tree::copy(&other.state(), &r.state());
            fs::copy(other.state().join(".rack-id"), r.state().join(".rack-id")).expect("a copy");
        },
        |r| {
            fs::remove_dir_all(r.state()).expect("a folder of ours");
            fs::rename(r.root().join("aside"), r.state()).expect("a folder of ours");
        },
        &["/state", "another registry"],
    ),
    (
        "an access file that is broken",
        |r| r.write_access("{ \"@open\": [], "),
        |r| r.write_access(access().to_string()),
        &["/access.json"],
    ),
    (
        "an access file that vanished",
        |r| fs::remove_file(r.access()).expect("a file of ours"),
        |r| r.write_access(access().to_string()),
        &["/access.json", "there is no access file"],
    ),
];

/// `Day::stops` puts a version into whatever is there now, so it comes along when the source is back.
fn swap_source(registry: &Registry, with_marker: bool) {
    fs::rename(registry.source(), registry.root().join("aside")).expect("a folder of ours");
    fs::create_dir(registry.source()).expect("a folder");
    if with_marker {
        let marker = registry.root().join("aside/.rack-id");
        fs::copy(marker, registry.source().join(".rack-id")).expect("a copy");
    }
}

fn bring_source_back(registry: &Registry) {
    fs::remove_dir_all(registry.source()).expect("a folder of ours");
    fs::rename(registry.root().join("aside"), registry.source()).expect("a folder of ours");
}
