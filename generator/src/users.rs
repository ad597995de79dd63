//! Owners and modes, as `ls -l` shows them.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;

/// `rack:rack 0750`
pub(super) fn owner_and_mode(metadata: &Metadata) -> String {
    format!(
        "{}:{} {:04o}",
        name("/etc/passwd", metadata.uid()),
        name("/etc/group", metadata.gid()),
        mode(metadata)
    )
}

/// The permission bits.
pub(super) fn mode(metadata: &Metadata) -> u32 {
    metadata.mode() & 0o7777
}

/// The name of a number, else the number.
pub(super) fn name(file: &str, id: u32) -> String {
    let id = id.to_string();
    let lines = fs::read_to_string(file).unwrap_or_default();
    let mut entries = lines.lines().map(|line| line.split(':'));
    let found = entries.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)? == id).then(|| name.to_owned())
    });
    found.unwrap_or(id)
}
