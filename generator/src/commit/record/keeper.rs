//! The record between operations: a process opens it once, and each operation has it for itself.

use std::ops::Deref;
use std::path::Path;

use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};

use super::{FILE, Record};
use crate::error::{Error, Result};

/// The record of a process, open or not yet.
#[derive(Debug, Default)]
pub struct Keeper(Mutex<Option<Record>>);

/// The record while an operation has it.
#[derive(Debug)]
pub struct Held<'a>(MappedMutexGuard<'a, Record>);

impl Deref for Held<'_> {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.0
    }
}

/// What was not committed is taken back, and others have their turn.
impl Drop for Held<'_> {
    fn drop(&mut self) {
        // What resists is rolled back when it is closed, or when the next operation begins.
        let _ = self.end();
    }
}

impl Keeper {
    /// The record in a state folder, for one operation.
    ///
    /// # Errors
    /// As those of [`Record::open`].
    pub fn open(&self, state: &Path) -> Result<Held<'_>> {
        self.hold(|| Record::open(state), |record| record.is_of(state))
    }

    /// The same, or an empty one where there is none: for an operation that is to leave no trace.
    pub fn open_aside(&self, state: &Path) -> Result<Held<'_>> {
        match Record::file(state).exists() {
            // Never committed: what is not is taken back.
            true => self.open(state),
            false => self.hold(Record::in_memory, |_| false),
        }
    }

    fn hold(
        &self,
        open: impl FnOnce() -> Result<Record>,
        is_it: impl FnOnce(&Record) -> bool,
    ) -> Result<Held<'_>> {
        let mut kept = self.0.lock();
        match kept.take().filter(is_it) {
            Some(record) => {
                record.begin()?;
                *kept = Some(record);
            }
            None => *kept = Some(open()?),
        }
        // There is one.
        MutexGuard::try_map(kept, Option::as_mut)
            .map(Held)
            .map_err(|_| Error::refused(FILE, "the record is not open"))
    }
}
