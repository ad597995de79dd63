//! Users of this host, and the owners and modes of what they may read, as `ls -l` shows them. Whom `/etc/passwd` does
//! not know, nobody knows here.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// `rack:rack 0750`
pub(crate) fn owner_and_mode(metadata: &Metadata) -> String {
    format!(
        "{}:{} {:04o}",
        name("/etc/passwd", metadata.uid()),
        name("/etc/group", metadata.gid()),
        mode(metadata)
    )
}

/// The permission bits.
pub(crate) fn mode(metadata: &Metadata) -> u32 {
    metadata.mode() & 0o7777
}

/// The name of a number, else the number.
pub(crate) fn name(file: &str, id: u32) -> String {
    let id = id.to_string();
    let lines = fs::read_to_string(file).unwrap_or_default();
    let mut entries = lines.lines().map(|line| line.split(':'));
    let found = entries.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)? == id).then(|| name.to_owned())
    });
    found.unwrap_or(id)
}

/// The first folder on the way into this one, from the root on, that a user may not enter by its owner and mode; none
/// also where the user is not known.
pub(crate) fn barred_at(user: &str, folder: &Path) -> Option<PathBuf> {
    let (user, groups) = ids(user)?;
    let bars = |folder: &&Path| {
        // What is not there bars nobody.
        fs::metadata(folder).is_ok_and(|metadata| {
            let shift = match () {
                () if metadata.uid() == user => 6,
                () if groups.contains(&metadata.gid()) => 3,
                () => 0,
            };
            user != 0 && mode(&metadata) >> shift & 1 == 0
        })
    };
    let way: Vec<_> = folder.ancestors().collect();
    way.into_iter().rev().find(bars).map(Path::to_owned)
}

/// The number of a user, and those of the groups that it is in.
fn ids(user: &str) -> Option<(u32, Vec<u32>)> {
    let passwd = fs::read_to_string("/etc/passwd").ok()?;
    let fields = passwd.lines().find_map(|line| {
        let fields: Vec<_> = line.split(':').collect();
        (fields.first() == Some(&user)).then_some(fields)
    })?;
    let own = fields.get(3)?.parse().ok()?;
    let group = fs::read_to_string("/etc/group").unwrap_or_default();
    let further = group.lines().filter_map(|line| {
        let mut fields = line.split(':').skip(2);
        let (id, members) = (fields.next()?, fields.next()?);
        let is_in = members.split(',').any(|member| member == user);
        is_in.then(|| id.parse().ok())?
    });
    Some((fields.get(2)?.parse().ok()?, further.chain([own]).collect()))
}
