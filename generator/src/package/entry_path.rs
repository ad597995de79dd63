//! The path of one entry: raw bytes to a name that cannot leave its folder. Other entries are no concern
//! of this room, nor is the disk.

use super::header::Kind;
use super::tar_reader::Entry;
use super::{ArchiveFault, Reason};
use crate::model::FilePath;

/// Where an entry goes; `None` is the package's folder itself, which tar writes as `./`.
///
/// # Errors
///
/// The path rows of hostile-archives.md, in their order: what leaves the folder is said to do so, whatever
/// else is wrong with it. Names follow [`FilePath`] and so are ASCII, which leaves Unicode's normal forms
/// nothing to collide in.
pub(super) fn entry_path(entry: &Entry) -> Result<Option<FilePath>, ArchiveFault> {
    parse(&entry.path, entry.kind).map_err(|fault| fault.at(&entry.path))
}

fn parse(raw: &[u8], kind: Kind) -> Result<Option<FilePath>, ArchiveFault> {
    let bare = raw.strip_prefix(b"./").unwrap_or(raw);
    let path = match kind {
        Kind::File => bare,
        Kind::Folder if matches!(raw, b"." | b"./") => return Ok(None),
        Kind::Folder => bare.strip_suffix(b"/").unwrap_or(bare),
    };
    let is_root = matches!(path, b"" | b".");
    if is_root || raw.starts_with(b"/") || raw.split(|&byte| byte == b'/').any(|part| part == b"..")
    {
        return Err(Reason::PathEscape.fault("is no path inside the package"));
    }
    let text = std::str::from_utf8(path)
        .map_err(|_| Reason::PathIllegal.fault("is a path that is not UTF-8"))?;
    text.parse().map(Some).map_err(|fault| {
        let reason = match FilePath::is_too_long(&fault) {
            true => Reason::PathTooLong,
            false => Reason::PathIllegal,
        };
        reason.fault(format!("is not a file path: {}", fault.rule()))
    })
}
