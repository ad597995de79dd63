//! The one way for a folder to come into the source tree: by a rename that replaces nothing.

use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::SourceTree;
use crate::commit::durable;
use crate::error::{At, Result};

impl SourceTree {
    /// Moves a folder that was made and synced elsewhere on the tree's file system to its place in the tree. The
    /// caller holds the tree's lock, knows that no link stands on the way, and makes it durable.
    ///
    /// # Errors
    /// The system's "already exists" where anything at all is in that place; the disk.
    pub fn admit(&self, contents: &Path, place: &Path) -> Result<()> {
        let folder = place.parent().unwrap_or(place);
        durable::create_folders(folder, 0o755)?;
        renameat_with(CWD, contents, CWD, place, RenameFlags::NOREPLACE)
            .at("move a new folder to", place)
    }
}
