//! Extension headers: what a pax `x`, a pax `g` or a GNU `L` says about entries. No blocks, no files.

use std::collections::BTreeMap;

use super::header::{ID_MAX, TIME_MAX};
use super::{ArchiveFault, Reason};

/// What an extension header says about the entry that it belongs to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Extension {
    /// The whole path, in place of the header's.
    pub(super) path: Option<Vec<u8>>,
    /// The size once more.
    pub(super) size: Option<u64>,
    /// What it makes of the entry, if that is nothing that a package may hold.
    pub(super) foreign: Option<&'static str>,
}

impl Extension {
    /// From the payload of a GNU long name: the name and a NUL. Writers that leave the NUL out exist.
    pub(super) fn from_gnu(payload: &[u8]) -> Self {
        Self {
            path: Some(payload.strip_suffix(b"\0").unwrap_or(payload).to_vec()),
            ..Self::default()
        }
    }

    /// From the payload of a pax header for one entry.
    ///
    /// Keys that change neither which file comes out nor its bytes are let through: GNU tar, bsdtar,
    /// Python and Go write times into every header, bsdtar and star attributes. A key that we do not know
    /// is refused, since a reader that knows it might see another file.
    pub(super) fn from_pax(payload: &[u8]) -> Result<Self, ArchiveFault> {
        let mut extension = Self::default();
        for (key, value) in records(payload)? {
            match key {
                // An empty value means "forget the header's path" to some and an empty path to others.
                b"path" if !value.is_empty() => extension.path = Some(value.to_vec()),
                b"size" => extension.size = Some(decimal(value).ok_or_else(malformed)?),
                b"uid" | b"gid" if decimal(value).is_some_and(|id| id <= ID_MAX) => {}
                b"atime" | b"ctime" | b"mtime" if is_time(value) => {}
                b"path" | b"uid" | b"gid" | b"atime" | b"ctime" | b"mtime" => {
                    return Err(malformed());
                }
                b"linkpath" => extension.foreign = Some("is a link"),
                _ if key.starts_with(b"GNU.sparse.") || key == b"SCHILY.realsize" => {
                    extension.foreign = Some("is a sparse file");
                }
                _ if is_harmless(key) => {}
                _ => return Err(unexpected(key)),
            }
        }
        Ok(extension)
    }
}

/// Checks the payload of a global pax header: a comment, such as the commit that `git archive` notes.
///
/// Anything else would apply to every entry in some readers and to none in others.
pub(super) fn check_global(payload: &[u8]) -> Result<(), ArchiveFault> {
    match records(payload)?.into_keys().find(|key| *key != b"comment") {
        Some(key) => Err(unexpected(key)),
        None => Ok(()),
    }
}

fn is_harmless(key: &[u8]) -> bool {
    const KEYS: [&[u8]; 9] = [
        b"comment",
        b"uname",
        b"gname",
        b"LIBARCHIVE.creationtime",
        b"RHT.security.selinux",
        b"SCHILY.dev",
        b"SCHILY.fflags",
        b"SCHILY.ino",
        b"SCHILY.nlink",
    ];
    const FAMILIES: [&[u8]; 3] = [b"LIBARCHIVE.xattr.", b"SCHILY.acl.", b"SCHILY.xattr."];
    KEYS.contains(&key) || FAMILIES.iter().any(|family| key.starts_with(family))
}

fn records(mut payload: &[u8]) -> Result<BTreeMap<&[u8], &[u8]>, ArchiveFault> {
    let mut records = BTreeMap::new();
    while !payload.is_empty() {
        let (key, value, rest) = split_record(payload).ok_or_else(malformed)?;
        // A line break is legal, but readers that go by lines (the `tar` crate) see two records. In a
        // path it is a control character like others, and refused as such.
        if key != b"path" && value.contains(&b'\n') {
            return Err(malformed());
        }
        if records.insert(key, value).is_some() {
            let problem = format!("says `{}` twice in one pax header", key.escape_ascii());
            return Err(Reason::TarFraming.fault(problem));
        }
        payload = rest;
    }
    Ok(records)
}

/// Takes `<length> <key>=<value>\n` off the front; the length counts all of it.
fn split_record(payload: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (digits, _) = split_at_byte(payload, b' ')?;
    let length = usize::try_from(decimal(digits)?).ok()?;
    let (record, rest) = payload.split_at_checked(length)?;
    let body = record.strip_suffix(b"\n")?.get(digits.len() + 1..)?;
    let (key, value) = split_at_byte(body, b'=')?;
    let is_sound = !key.is_empty() && !key.contains(&b'\n');
    is_sound.then_some((key, value, rest))
}

fn split_at_byte(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|&byte| byte == separator)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

fn decimal(text: &[u8]) -> Option<u64> {
    // `parse` takes a sign, other readers do not.
    if !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Seconds, which may be negative and have a fraction. When that was does not matter, as long as it can be told.
fn is_time(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let (seconds, fraction) = split_at_byte(text, b'.').unwrap_or((text, b"0"));
    decimal(seconds).is_some_and(|seconds| seconds <= TIME_MAX)
        && fraction.iter().all(u8::is_ascii_digit)
}

fn malformed() -> ArchiveFault {
    Reason::TarFraming.fault("has a malformed record in a pax header")
}

fn unexpected(key: &[u8]) -> ArchiveFault {
    let problem = format!(
        "has a pax header with `{}`, which readers may differ on",
        key.escape_ascii()
    );
    Reason::TarFraming.fault(problem)
}
