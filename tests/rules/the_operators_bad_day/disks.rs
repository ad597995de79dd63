//! Full, read-only and missing mounts.

use std::path::PathBuf;

use rack_tests::mount::Mount;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::tree::{assert_same, tree};
use rack_tests::{proved, rounds};

use super::{Day, access};

type Folder = fn(&Registry) -> PathBuf;

/// What they are called, and the words for a full one.

const FOLDERS: [(&str, Folder, &str); 3] = [
    ("the public tree", Registry::public, "No space left"),
    ("the private tree", Registry::private, "No space left"),
    ("the state folder", Registry::state, "full"),
];

/// A day with one of the folders on a small file system; none where that is not allowed.
fn day(folder: Folder) -> Option<(Day, Mount)> {
    let registry = Registry::new(&access());
    let mount = Mount::tmpfs(&folder(&registry), "size=4m,nr_inodes=1500,mode=755");
    if mount.is_none() {
        println!("SKIPPED: full and missing disks: mounting a tmpfs is not allowed here");
    }
    Some((Day::begin(registry, 4), mount?))
}

#[test]
fn full_disks() {
    let mut random = Random::announced("the_operators_bad_day");
    let (mut stopped, wanted) = (0, rounds(1, 60));
    for (what, folder, full) in FOLDERS {
        let Some((mut day, mount)) = day(folder) else {
            return;
        };
        let path = folder(&day.registry).display().to_string();
        mount.fill(0);
        day.stops(&format!("{what} is full"), &[&path, full]);
        mount.free();
        day.recovers(&format!("{what} was full"));
        mount.fill_inodes(0);
        day.stops(&format!("{what} has no inodes left"), &[&path]);
        mount.free();
        day.recovers(&format!("{what} had no inodes left"));
        mount.read_only(true);
        day.stops(&format!("{what} is read-only"), &[&path, "ead"]);
        mount.read_only(false);
        day.recovers(&format!("{what} was read-only"));

        // It is nearly full: enough for some of what is to be written.
        for round in 0..wanted {
            let what = format!("{what}, nearly full, round {round}");
            match random.below(2) {
                0 => mount.fill(4096 * random.below(40) as usize),
                _ => mount.fill_inodes(random.below(20) as usize),
            }
            day.change();
            let before = tree(&day.registry.public());
            let run = day.registry.rackgen(&["build"]);
            match run.status {
                Some(0) => {}
                _ => {
                    let run = run.exits(2);
                    stopped += 1;
                    assert!(run.names(&[&path]), "{what}: {run}");
                    assert_same(
                        &format!("{what}: {run}"),
                        &before,
                        &tree(&day.registry.public()),
                    );
                }
            }
            mount.free();
            day.recovers(&what);
        }
    }
    proved(
        "full disks change nothing",
        format!(
            "{} builds on nearly full ones, {stopped} stopped; the next ones completed",
            3 * wanted
        ),
    );
}

#[test]
fn an_unmounted_private_tree() {
    let Some((mut day, mount)) = day(Registry::private) else {
        return;
    };
    let public = tree(&day.registry.public());
    drop(mount);
    // Nothing tells an empty mount point from a tree that was lost: it is made anew.
    day.recovers("the private tree is not mounted");
    assert_same("meanwhile", &public, &tree(&day.registry.public()));
}
