//! Whatever happened since the last build, the next one makes of the trees what a full build of the same source makes
//! in fresh folders, byte for byte; no ETag ever stands for two contents, and none changes without its bytes.
//!
//! A version that is refused now, and stands from before, is held against what was served before.

mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use rack_tests::etags::Etags;
use rack_tests::random::Random;
use rack_tests::registry::{Registry, Run};
use rack_tests::tree::{Tree, assert_same, tree};
use rack_tests::{proved, rounds};
use serde_json::Value;
use world::World;

const STEPS: usize = 12;

#[test]
fn incremental_builds_equal_full_ones() {
    let mut random = Random::announced("incremental_builds_equal_full_ones");
    let wanted = rounds(3, 500);
    let sequences: Vec<_> = (0..wanted).map(|number| (number, random.fork())).collect();
    let left = Mutex::new(sequences);
    let next = || left.lock().ok()?.pop();
    let compared: usize = thread::scope(|scope| {
        let work = || {
            let mut compared = 0;
            while let Some((number, random)) = next() {
                compared += sequence(number, random);
            }
            compared
        };
        let workers = [scope.spawn(work), scope.spawn(work)];
        let compared = workers.map(|worker| worker.join().expect("every sequence holds"));
        compared.iter().sum()
    });
    proved(
        "incremental builds equal full ones",
        format!(
            "{wanted} sequences of {STEPS} steps, {compared} comparisons; no ETag of two contents"
        ),
    );
}

/// Says how often the trees were compared.
fn sequence(number: usize, random: Random) -> usize {
    let mut world = World::new(number, random);
    let mut etags = Etags::default();
    let mut compared = 0;
    let mut before = check(&mut world, &mut etags, &BTreeMap::new());
    for step in 1..=STEPS {
        let may_have_built = world.step();
        let now = both(&world.registry);
        if world.since.lost_record && world.since.lost_tree {
            etags = Etags::default();
        } else if world.since.lost_record {
            etags.forget_all_but(&now);
        }
        none(etags.see(&now), "after a step");
        if std::mem::take(&mut world.since.unseen) {
            etags.restart(&now);
        } else if may_have_built && !world.since.uncertain {
            none(etags.settle(&now), "after a step");
        }
        if step == STEPS || world.chance(2) {
            before = check(&mut world, &mut etags, &before);
            compared += 1;
        }
    }
    compared
}

/// Both trees, as a client may see them.
fn both(registry: &Registry) -> Tree {
    let mut all = tree(&registry.public());
    all.extend(tree(&registry.private()));
    all.retain(|path, _| !path.starts_with(".staging/"));
    all
}

fn none(faults: Vec<String>, when: &str) {
    assert!(faults.is_empty(), "{when}: {}", faults.join("\n"));
}

/// Builds, and compares. `before` is what was served when that was done last.
fn check(world: &mut World, etags: &mut Etags, before: &Tree) -> Tree {
    let mut args = vec!["build", "--allow-removals", "--format", "json"];
    let extra = ["--full", "--accept-changes"];
    args.extend(extra.into_iter().filter(|_| world.chance(8)));
    world.log.push(format!("{args:?}"));
    // To a clock that is ahead no file looks as if it had just been written, so what it looks like is believed.
    let by_clock = match world.chance(3) {
        true => None,
        false => world.registry.rackgen_at("+5s", &args),
    };
    let run = by_clock.unwrap_or_else(|| world.registry.rackgen(&args));
    let found = report(&world.registry, &run);
    let registry = &world.registry;
    let now = both(registry);
    none(etags.see(&now), "after a build");
    let since = std::mem::take(&mut world.since);
    match since.uncertain || since.lost_record && since.lost_tree {
        true => etags.restart(&now),
        false => none(etags.settle(&now), "after a build"),
    }

    let full = fresh(registry, world.encodings);
    let expected = build(&full, &args);
    assert_eq!(found.refused(), expected.refused(), "what is refused");
    let standing: BTreeSet<String> = expected
        .refused()
        .into_iter()
        .filter_map(|path| version_of(&path))
        .filter(|address| now.contains_key(&format!("registries/{address}/index.json")))
        .collect();
    if !since.not_calm {
        stays(&expected, &standing, before, &now);
    }
    let (full, expected) = match standing.is_empty() {
        true => (full, expected),
        false => {
            let full = fresh(registry, world.encodings);
            for address in &standing {
                bring_back(&full, &now, registry, address);
            }
            let expected = build(&full, &args);
            (full, expected)
        }
    };
    assert_eq!(found.warnings(), expected.warnings(), "what is warned of");
    for (what, full, found) in [
        ("public", full.public(), registry.public()),
        ("private", full.private(), registry.private()),
    ] {
        let staged = fs::read_dir(found.join(".staging")).into_iter().flatten();
        assert_eq!(staged.count(), 0, "something is staged yet");
        let (full, found) = [full, found]
            .map(|tree| comparable(&tree, &standing))
            .into();
        assert_same(what, &full, &found);
    }
    now
}

/// A registry with the same source that was never built.
fn fresh(registry: &Registry, encodings: &str) -> Registry {
    let mut full = registry.copy();
    full.set("RACK_ENCODINGS", encodings);
    full
}

/// What a build said.
struct Report(Vec<(String, bool, String)>);

impl Report {
    fn refused(&self) -> BTreeSet<String> {
        let refused = self.0.iter().filter(|(_, refused, _)| *refused);
        refused.map(|(path, ..)| path.clone()).collect()
    }

    fn warnings(&self) -> BTreeSet<(String, String)> {
        let warnings = self.0.iter().filter(|(_, refused, _)| !refused);
        warnings
            .map(|(path, _, why)| (path.clone(), why.clone()))
            .collect()
    }
}

fn build(registry: &Registry, args: &[&str]) -> Report {
    report(registry, &registry.rackgen(args))
}

fn report(registry: &Registry, run: &Run) -> Report {
    assert!(matches!(run.status, Some(0 | 1)), "{run}");
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run}"));
    let problems = report["problems"].as_array().expect("a list").iter();
    let text = |problem: &Value, key: &str| problem[key].as_str().expect("a text").to_owned();
    let root = format!("{}/", registry.source().display());
    let problems = problems.map(|problem| {
        let path = text(problem, "path").replace(&root, "");
        (
            path,
            problem["severity"] == "refused",
            text(problem, "message"),
        )
    });
    let report = Report(problems.collect());
    assert_eq!(run.status == Some(1), !report.refused().is_empty(), "{run}");
    report
}

/// The address of the version that a path of the source tree is in, or is.
fn version_of(path: &str) -> Option<String> {
    let segments: Vec<&str> = path.split('/').collect();
    let version = segments.iter().position(|segment| segment.contains('.'))?;
    (segments[0].starts_with('@') && version > 0).then(|| segments[..=version].join("/"))
}

/// Versions that a hand broke stay as they were, times and all.
fn stays(expected: &Report, standing: &BTreeSet<String>, before: &Tree, now: &Tree) {
    for (path, refused, why) in &expected.0 {
        let Some(address) = version_of(path).filter(|_| *refused) else {
            continue;
        };
        if why.contains("in build metadata only") || why.contains("removed for good") {
            continue;
        }
        let of = |tree: &Tree| part(tree, &address);
        if of(before).is_empty() {
            assert!(
                !standing.contains(&address),
                "{address} appeared, and is refused"
            );
        } else {
            assert_same(&format!("{address}, refused"), &of(before), &of(now));
        }
    }
}

/// What a tree holds of a version.
fn part(tree: &Tree, address: &str) -> Tree {
    let folder = format!("registries/{address}/");
    let inside = tree.iter().filter(|(path, _)| path.contains(&folder));
    inside
        .map(|(path, entry)| (path.clone(), entry.clone()))
        .collect()
}

/// Puts into the source what is served of a version.
fn bring_back(full: &Registry, served: &Tree, from: &Registry, address: &str) {
    fs::remove_dir_all(full.source().join(address)).expect("a folder of ours");
    let files = format!("registries/{address}/files/");
    for path in served.keys() {
        if let Some(file) = path.strip_prefix(&files) {
            let bytes =
                fs::read(from.public().join(path)).or_else(|_| fs::read(from.private().join(path)));
            full.put_file(
                &format!("{address}/{file}"),
                bytes.expect("a file that is served"),
            );
        }
    }
}

/// A tree's bytes but for the versions that stand and are refused. Of these the list may tell another time than the
/// files that were brought back.
fn comparable(root: &Path, standing: &BTreeSet<String>) -> BTreeMap<String, String> {
    let mut comparable = BTreeMap::new();
    for (path, entry) in tree(root) {
        let of = |address: &&String| path.contains(&format!("registries/{address}/"));
        let lists = |address: &&String| {
            let (item, _) = address.rsplit_once('/').expect("a version");
            path.ends_with(&format!("registries/{item}/versions/index.json"))
        };
        if standing.iter().any(|address| of(&address)) {
            continue;
        }
        if !standing.iter().any(|address| lists(&address)) {
            comparable.insert(path, entry.sha256);
        } else if !path.starts_with('.') {
            let text = fs::read(root.join(&path)).expect("a file's bytes");
            let mut list: Value = serde_json::from_slice(&text).expect("JSON");
            for address in standing.iter().filter(lists) {
                let (_, version) = address.rsplit_once('/').expect("a version");
                list["time"][version] = Value::Null;
            }
            comparable.insert(path, list.to_string());
        }
    }
    comparable
}
