//! One 512-byte tar header, refused where tar readers differ on it. Knows nothing of the blocks around it.

use tar::{EntryType, Header};

use super::{ArchiveFault, Reason};

/// The unit of a tar.
pub(super) const BLOCK: usize = 512;

/// What an entry is, of the two things that a package may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
}

/// Whether these bytes say nothing: two such blocks end a tar.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}

/// The kind of an entry; everything that is neither file nor folder is refused by its name.
pub(super) fn kind(header: &Header) -> Result<Kind, ArchiveFault> {
    let what = match header.entry_type() {
        EntryType::Regular => return Ok(Kind::File),
        EntryType::Directory => return Ok(Kind::Folder),
        EntryType::Symlink => "is a symbolic link",
        EntryType::Link => "is a hard link",
        EntryType::Char | EntryType::Block => "is a device",
        EntryType::Fifo => "is a named pipe",
        EntryType::Continuous => "is a contiguous file",
        EntryType::GNUSparse => "is a sparse file",
        EntryType::GNULongLink => "is the long name of a link",
        _ => "is an entry of an unknown type",
    };
    Err(Reason::EntryType.fault(what))
}

/// Whether this is how a folder was written before there was a type for it. Python goes by the header's
/// name here even where a long name replaces it.
pub(super) fn is_old_folder(header: &Header) -> bool {
    header.as_old().linkflag == [0] && header.path_bytes().ends_with(b"/")
}

/// Checks what every header has to have, of whatever type its entry is: a right checksum and a magic.
pub(super) fn check(header: &Header) -> Result<(), ArchiveFault> {
    if octal(&header.as_old().cksum) != Some(checksum(header)) {
        return Err(Reason::TarFraming.fault("has a header with a wrong checksum"));
    }
    if header.as_ustar().is_none() && header.as_gnu().is_none() {
        return Err(Reason::TarFraming.fault("has a header that is neither ustar, pax nor GNU"));
    }
    Ok(())
}

/// The size of what follows the header. Checks all other fields with it: only sparse files and their
/// like, refused by [`kind`] before, use them in another way.
pub(super) fn size(header: &Header) -> Result<u64, ArchiveFault> {
    check_unused(header)?;
    check_numbers(header)?;
    octal(&header.as_old().size)
        .ok_or_else(|| Reason::TarFraming.fault("has a size that is not plain octal"))
}

/// What the format gives no meaning is zero: one reader's padding is another's `prefix` (Python reads one
/// in GNU headers, where GNU itself keeps times) or time of access (star), and what is behind the end of
/// a name can make bsdtar take the whole tar for something else.
fn check_unused(header: &Header) -> Result<(), ArchiveFault> {
    const PREFIX: usize = 345;
    const PREFIX_END: usize = 500;
    let (prefix, padding) = header.as_bytes()[PREFIX..].split_at(PREFIX_END - PREFIX);
    let ends_once = |text: &[u8]| {
        let end = text.iter().position(|&byte| byte == 0);
        end.is_none_or(|end| is_zero(&text[end..]))
    };
    let is_clear = match header.as_gnu() {
        Some(_) => is_zero(prefix),
        None => ends_once(prefix),
    };
    if !is_clear || !is_zero(padding) || !ends_once(&header.as_old().name) {
        return Err(Reason::TarFraming.fault("has a header with bytes that tar readers differ on"));
    }
    Ok(())
}

/// Owners beyond this stop GNU tar.
pub(super) const ID_MAX: u64 = u32::MAX as u64;
/// Seconds from 1970, back or forth: 36 thousand years. Far beyond, GNU tar stops and bsdtar crashes.
pub(super) const TIME_MAX: u64 = 1 << 40;

/// Numbers that mean nothing to us are at least numbers of a sane size: other readers stop where they are not.
fn check_numbers(header: &Header) -> Result<(), ArchiveFault> {
    const DEVICE: usize = 329;
    const DEVICE_END: usize = 345;
    let old = header.as_old();
    let (major, minor) = header.as_bytes()[DEVICE..DEVICE_END].split_at(8);
    let is_small =
        |field: &[u8]| number(field).is_some_and(|value| (0..=i128::from(ID_MAX)).contains(&value));
    let is_blank = |field: &[u8]| field.iter().all(|byte| b" \0".contains(byte));
    let is_time =
        number(&old.mtime).is_some_and(|time| time.unsigned_abs() <= u128::from(TIME_MAX));
    let are_sound = [&old.mode, &old.uid, &old.gid]
        .into_iter()
        .all(|field| is_small(field))
        && [major, minor]
            .into_iter()
            .all(|field| is_blank(field) || is_small(field));
    if !are_sound || !is_time {
        return Err(Reason::TarFraming.fault("has a header with a malformed number"));
    }
    Ok(())
}

/// What a field says in octal or in base-256 (GNU's way, two's complement behind the first byte), and 0 where there
/// are only NULs.
fn number(field: &[u8]) -> Option<i128> {
    let base_256 = |start: i128, digits: &[u8]| {
        digits
            .iter()
            .fold(start, |value, &digit| value << 8 | i128::from(digit))
    };
    match field {
        [0x80, digits @ ..] => Some(base_256(0, digits)),
        [0xff, digits @ ..] => Some(base_256(-1, digits)),
        field if is_zero(field) => Some(0),
        field => octal(field).map(i128::from),
    }
}

/// The sum over all bytes, the checksum's own eight taken as spaces.
fn checksum(header: &Header) -> u64 {
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
    sum(header.as_bytes()) - sum(&header.as_old().cksum) + 8 * u64::from(b' ')
}

/// Octal digits with nothing around them but spaces before and spaces or NULs behind.
///
/// `tar`'s own getters also take signs and base-256, where readers have differed (cpython#151498).
fn octal(field: &[u8]) -> Option<u64> {
    let start = field.iter().position(|&byte| byte != b' ')?;
    let field = &field[start..];
    let end = field
        .iter()
        .position(|byte| b" \0".contains(byte))
        .unwrap_or(field.len());
    let (digits, rest) = field.split_at(end);
    if digits.is_empty() || !rest.iter().all(|byte| b" \0".contains(byte)) {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, &byte| match byte {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}
