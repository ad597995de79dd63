//! The files of the spool: what is done about one that cannot be read, and about one that a kill left half-written.

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::commit::durable::{self, STAGED};
use crate::error::{At, Result};
use crate::state_file;
pub(super) use crate::state_file::{FOLDER_MODE, MODE, text, write};

/// What stands in a file, if it is there.
///
/// # Errors
/// As [`state_file::read`].
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    state_file::read(
        path,
        "mend it, or move it away, and what it tells is not delivered",
    )
}

/// Clears away what a kill left half-written in a folder that nobody else writes to.
pub(super) fn clear(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).at("read", folder)? {
        let entry = entry.at("read", folder)?;
        if entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(STAGED.as_bytes())
        {
            durable::remove_if_there(&entry.path())?;
        }
    }
    Ok(())
}
