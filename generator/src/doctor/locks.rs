//! Who holds the locks. Each is tried, shared, and let go at once: a build that meets that waits some milliseconds.

use std::fs::{File, TryLockError};
use std::io::Read;
use std::path::Path;

use jiff::{Timestamp, ToSpan};

use super::Finding;
use crate::folders::Folders;
use crate::lock::LOCK_FILE;

const CHECK: &str = "locks";

pub(super) fn check(folders: &Folders, now: Timestamp) -> Vec<Finding> {
    let all = folders.named().into_iter();
    all.filter_map(|(name, folder)| one(name, folder, now))
        .collect()
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
            let mut text = String::new();
            // What cannot be read names nobody.
            let _ = file.read_to_string(&mut text);
            Some(held(name, &at.to_string(), Holder::parse(&text), now))
        }
    }
}

fn held(name: &str, at: &str, holder: Option<Holder>, now: Timestamp) -> Finding {
    let Some(holder) = holder else {
        return Finding::warning(
            CHECK,
            format!("{at} is held, and does not say by whom; `lslocks` may"),
        );
    };
    let who = format!(
        "{at} is held by {} (process {}) since {}",
        holder.program, holder.process, holder.since
    );
    if !holder.is_alive() {
        return Finding::warning(
            CHECK,
            format!(
                "{at} is held, and {} (process {}), who had it last, does not run here any longer; `lslocks` may say by whom",
                holder.program, holder.process
            ),
        );
    }
    // That of the state folder rackd holds for as long as it runs, the others are held for one operation.
    let is_long = holder
        .since
        .saturating_add(5.minutes())
        .is_ok_and(|until| until < now);
    match name != "state" && is_long {
        true => Finding::warning(
            CHECK,
            format!("{who}; if it is stuck, end that process: a lock ends with it"),
        ),
        false => Finding::ok(CHECK, who),
    }
}

/// Who wrote its name into a lock: `rackd (process 42) since 2026-11-22T21:38:15Z`.
struct Holder {
    program: String,
    process: u32,
    since: Timestamp,
}

impl Holder {
    fn parse(text: &str) -> Option<Self> {
        let (program, rest) = text.trim().split_once(" (process ")?;
        let (process, since) = rest.split_once(") since ")?;
        Some(Self {
            program: program.to_owned(),
            process: process.parse().ok()?,
            since: since.parse().ok()?,
        })
    }

    fn is_alive(&self) -> bool {
        Path::new("/proc").join(self.process.to_string()).exists()
    }
}
