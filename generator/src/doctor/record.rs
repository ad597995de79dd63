//! The record of the last build: whether it can be used, and how much is in it.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;

use super::Finding;
use crate::commit::record::{Inspected, Record};
use crate::folders::Folders;
use crate::lock::LOCK_FILE;

const CHECK: &str = "record";

pub(super) fn check(folders: &Folders) -> Option<Finding> {
    let state = &folders.state;
    let path = Record::file(state);
    let at = path.display();
    match fs::metadata(&path) {
        Ok(_) => {}
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            let says = format!("{at} is not there; the next build makes it anew");
            return state.is_dir().then(|| Finding::ok(CHECK, says));
        }
        Err(cause) => return Some(Finding::unreadable(CHECK, &path, &cause)),
    }
    if is_in_use(folders) {
        return Some(Finding::ok(CHECK, format!("{at} is in use by a build")));
    }
    Some(match Record::inspect(state) {
        Ok(Inspected { format, outputs }) => {
            Finding::ok(CHECK, format!("{at}: format {format}, {outputs} resources"))
        }
        // It says that it may be deleted.
        Err(why) => Finding::fault(CHECK, why.to_string()),
    })
}

/// Whoever uses the record holds the trees.
fn is_in_use(folders: &Folders) -> bool {
    let lock = File::open(folders.public.join(LOCK_FILE));
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}
