//! Files of a workspace, with the modes that they keep once they are admitted. Under which name is decided before.

use std::fs::{File, OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::commit::durable;
use crate::error::{At, Result};

/// Opens a file to be written from its start, and makes the folders above it.
pub(super) fn create(path: &Path) -> Result<File> {
    durable::create_folders(path.parent().unwrap_or(path), 0o755)?;
    let mut options = OpenOptions::new();
    // One that a cut answer left is written again.
    options.write(true).create(true).truncate(true);
    let file = options.open(path).at("create", path)?;
    // The web server is another user, whatever the umask is.
    file.set_permissions(Permissions::from_mode(0o644))
        .at("set the mode of", path)?;
    Ok(file)
}
