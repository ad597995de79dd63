//! Who holds the locks. Each is tried, shared, and let go at once: a build that meets that waits some milliseconds.

use std::fs::{File, TryLockError};
use std::path::Path;

use jiff::{Timestamp, ToSpan};

use super::Finding;
use crate::folders::Folders;
use crate::lock::{Held, LOCK_FILE};

const CHECK: &str = "locks";

pub(super) fn check(folders: &Folders, now: Timestamp) -> Vec<Finding> {
    let all = folders.named().into_iter();
    all.filter_map(|(name, folder)| one(name, folder, now))
        .collect()
}

/// Whether somebody holds the lock of a folder; that of the state folder, a daemon that runs.
pub(super) fn is_held(folder: &Path) -> bool {
    let file = File::open(folder.join(LOCK_FILE));
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Nothing where there is no lock file yet.
fn one(name: &str, folder: &Path, now: Timestamp) -> Option<Finding> {
    let path = folder.join(LOCK_FILE);
    let at = path.display();
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return None,
        Err(cause) => {
            return Some(Finding::fault(
                CHECK,
                format!("cannot open {at}: {cause}; chown it to the user that rackd runs as"),
            ));
        }
    };
    match file.try_lock_shared() {
        Ok(()) if name == "state" => {
            Some(Finding::ok(CHECK, format!("{at} is free: no rackd runs")))
        }
        Ok(()) => Some(Finding::ok(CHECK, format!("{at} is free"))),
        Err(TryLockError::Error(cause)) => Some(Finding::fault(
            CHECK,
            format!("cannot lock {at}: {cause}; is it on a file system without `flock`?"),
        )),
        Err(TryLockError::WouldBlock) => {
            // What cannot be read names nobody.
            let held = Held::as_said_in(&mut file).unwrap_or(Held::Unsaid);
            Some(judge(name, &at.to_string(), &held, now))
        }
    }
}

fn judge(name: &str, at: &str, held: &Held, now: Timestamp) -> Finding {
    let says = format!("{at} is held{held}");
    let Held::By(holder) = held else {
        return Finding::warning(CHECK, says);
    };
    // That of the state folder rackd holds for as long as it runs, the others are held for one operation.
    let is_long = holder
        .since
        .saturating_add(5.minutes())
        .is_ok_and(|until| until < now);
    match name != "state" && is_long {
        true => Finding::warning(
            CHECK,
            format!("{says}; if it is stuck, end that process: a lock ends with it"),
        ),
        false => Finding::ok(CHECK, says),
    }
}
