//! Archives as a stranger would make them, from raw 512-byte headers: a library that writes tars refuses to write most
//! of these. Bytes only; what is right or wrong about them is the tests' to say.

/// The unit of a tar.
pub const BLOCK: usize = 512;

/// Where fields are in a header (POSIX pax, "ustar Interchange Format").
pub const MODE: usize = 100;
/// Eight bytes, and as many for the group behind it.
pub const UID: usize = 108;
/// Twelve bytes.
pub const SIZE: usize = 124;
/// Twelve bytes.
pub const MTIME: usize = 136;
/// Eight bytes; [`set`] makes it right after every change.
pub const CHECKSUM: usize = 148;
/// A hundred bytes.
pub const LINK: usize = 157;
/// Eight bytes, the version counted.
pub const MAGIC: usize = 257;
/// What is in front of the name in ustar, and times in GNU.
pub const PREFIX: usize = 345;

const KIND: usize = 156;

/// One entry: a ustar header of any kind by any name, and its payload in whole blocks.
pub fn entry(name: impl AsRef<[u8]>, kind: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let (name, payload) = (name.as_ref(), payload.as_ref());
    let mut bytes = vec![0; BLOCK];
    bytes.extend_from_slice(payload);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes[KIND] = kind;
    let size = format!("{:011o}\0", payload.len());
    for (at, value) in [
        (0, name),
        (MODE, b"0000644\0"),
        (UID, b"0000000\x000000000\0"),
        (SIZE, size.as_bytes()),
        (MTIME, b"00000000000\0"),
        (MAGIC, b"ustar\x0000"),
    ] {
        bytes[at..at + value.len()].copy_from_slice(value);
    }
    seal(&mut bytes);
    bytes
}

/// The entry with other bytes at this place of its header, and a right checksum.
pub fn set(mut entry: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    entry[at..at + bytes.len()].copy_from_slice(bytes);
    if at != CHECKSUM {
        seal(&mut entry);
    }
    entry
}

/// Makes the checksum of a header right: the sum over all bytes, its own eight taken as spaces.
pub fn seal(header: &mut [u8]) {
    header[CHECKSUM..CHECKSUM + 8].fill(b' ');
    let sum: u32 = header[..BLOCK].iter().map(|&byte| u32::from(byte)).sum();
    header[CHECKSUM..CHECKSUM + 8].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// A regular file.
pub fn file(name: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> Vec<u8> {
    entry(name, b'0', payload)
}

/// A folder.
pub fn folder(name: impl AsRef<[u8]>) -> Vec<u8> {
    entry(name, b'5', "")
}

/// A symbolic (`2`) or hard (`1`) link.
pub fn link(name: &str, kind: u8, to: &str) -> Vec<u8> {
    set(entry(name, kind, ""), LINK, to.as_bytes())
}

/// `<length> <key>=<value>\n`, the length counting all of it.
pub fn record(key: &str, value: impl AsRef<[u8]>) -> Vec<u8> {
    let rest = [b" ", key.as_bytes(), b"=", value.as_ref(), b"\n"].concat();
    let mut length = rest.len();
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    [length.to_string().into_bytes(), rest].concat()
}

/// A pax header that says one thing of the entry behind it.
pub fn pax(key: &str, value: impl AsRef<[u8]>) -> Vec<u8> {
    entry("PaxHeader", b'x', record(key, value))
}

/// A pax header that says one thing of everything behind it.
pub fn pax_global(key: &str, value: impl AsRef<[u8]>) -> Vec<u8> {
    entry("pax_global_header", b'g', record(key, value))
}

/// A GNU long name of the entry behind it.
pub fn long_name(name: impl AsRef<[u8]>) -> Vec<u8> {
    gnu(entry(
        "././@LongLink",
        b'L',
        [name.as_ref(), b"\0"].concat(),
    ))
}

/// The entry in the dialect of GNU tar.
pub fn gnu(entry: Vec<u8>) -> Vec<u8> {
    set(entry, MAGIC, b"ustar  \0")
}

/// The entries, and the two zero blocks that end a tar.
pub fn tar(entries: &[Vec<u8>]) -> Vec<u8> {
    [&entries.concat()[..], &[0; 2 * BLOCK]].concat()
}
