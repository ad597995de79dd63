//! The hash of the admin token that `rackgen init` made, in the state folder.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::access::SecretHash;
use crate::commit::durable;
use crate::error::{At, Error, Result};

/// Where it is kept.
pub fn file(state: &Path) -> PathBuf {
    state.join("admin-token")
}

/// Keeps the hash, for its owner's eyes only.
pub fn keep(state: &Path, hash: SecretHash) -> Result<()> {
    durable::replace(&file(state), format!("{hash}\n").as_bytes(), 0o600)
}

/// The hash that was kept, if one was.
///
/// # Errors
/// A file that holds anything but a hash.
pub fn kept(state: &Path) -> Result<Option<SecretHash>> {
    let path = file(state);
    let text = match fs::read_to_string(&path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.at("read", &path)?,
    };
    match text.trim() {
        hash if hash.starts_with("sha256:") => SecretHash::parse(hash)
            .map(Some)
            .map_err(|why| Error::refused(path, why)),
        _ => Err(Error::refused(path, "it holds no `sha256:` hash")),
    }
}
