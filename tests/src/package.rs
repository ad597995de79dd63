//! Archives of an upload: tar inside gzip or zstd, packed differently each time, as different machines do.

use flate2::{Compression, GzBuilder};
use std::io::Write;

use crate::random::Random;
use crate::release::Release;
use crate::tree::sha256;

/// Bytes that are uploaded as a package, and what they add up to.
#[derive(Debug, Clone)]
pub struct Archive {
    /// As they are sent.
    pub bytes: Vec<u8>,
    /// In lower-case hex.
    pub sha256: String,
}

impl Archive {
    /// Any bytes at all.
    pub fn of(bytes: Vec<u8>) -> Self {
        let sha256 = sha256(&bytes);
        Self { bytes, sha256 }
    }

    /// The release, freshly packed: other bytes each time, the same files.
    pub fn pack(release: &Release, random: &mut Random) -> Self {
        let tar = tar(release.entries(), random);
        Self::of(match random.below(2) {
            0 => gzip(&tar, random),
            _ => zstd(&tar),
        })
    }
}

/// A tar of these files, in a random order and with random modification times.
pub fn tar(mut files: Vec<(String, Vec<u8>)>, random: &mut Random) -> Vec<u8> {
    random.shuffle(&mut files);
    let mut tar = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = header(tar::EntryType::Regular, bytes.len());
        header.set_mtime(1_700_000_000 + random.below(50_000_000));
        let added = tar.append_data(&mut header, &path, &bytes[..]);
        added.unwrap_or_else(|fault| panic!("{path} cannot be packed: {fault}"));
    }
    tar.into_inner().expect("memory takes everything")
}

/// A tar with one entry more, of any kind and by any name, behind the others.
pub fn tar_and(
    release: &Release,
    name: &str,
    kind: tar::EntryType,
    random: &mut Random,
) -> Vec<u8> {
    let tar = tar(release.entries(), random);
    let end = tar.len() - 1024;
    let mut header = header(kind, 0);
    // By bytes: the crate's own setter refuses the names that a test is about.
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    if kind.is_symlink() || kind.is_hard_link() {
        header.set_link_name("registry.json").expect("a short name");
    }
    header.set_cksum();
    [&tar[..end], header.as_bytes(), &[0; 1024]].concat()
}

fn header(kind: tar::EntryType, len: usize) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(len as u64);
    header
}

/// One gzip member, at a random level and with a random time in its header.
pub fn gzip(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let level = Compression::new(1 + random.below(9) as u32);
    let time = random.below(1 << 31) as u32;
    let mut encoder = GzBuilder::new().mtime(time).write(Vec::new(), level);
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

/// One zstd frame.
pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 3).expect("memory takes everything")
}
