//! Archives: nothing lands outside the folder, what is said to be unpacked is there, what is unpacked another tar reader
//! reads alike, and `check` says of an archive what a publish does.
//!
//! The first byte says what the rest is: a compressed archive, a tar, or a tar whose checksums are made right here.

#![no_main]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use rackgen::model::Sha256;
use rackgen::package::{Limits, UnpackError, inspect, unpack};
use tempfile::TempDir;
use walkdir::WalkDir;

/// Path → checksum.
type Files = BTreeMap<String, Sha256>;

fuzz_target!(|input: &[u8]| {
    let Some((kind, rest)) = input.split_first() else {
        return;
    };
    let archive = match kind % 3 {
        0 => rest.to_vec(),
        1 => gzip(rest),
        _ => gzip(&sealed(rest.to_vec())),
    };
    let limits = Limits {
        max_unpacked: "1MiB".parse().expect("a size"),
        max_entries: 64,
        ..Limits::default()
    };
    let root = TempDir::new_in(memory()).expect("a folder");
    let folder = |name| {
        let folder = root.path().join(name);
        fs::create_dir(&folder).expect("a folder");
        folder
    };
    let (into, again) = (folder("unpacked"), folder("inspected"));

    let unpacked = unpack(&mut Cursor::new(&archive), &into, &limits);
    let inspected = inspect(&mut Cursor::new(&archive), &again, &limits).expect("our disk works");
    let beside = fs::read_dir(root.path()).expect("our folder").count();
    assert_eq!(beside, 2, "something was written beside the folder");
    match unpacked {
        Ok(unpacked) => {
            assert!(inspected.is_complete && inspected.faults.is_empty());
            assert_eq!(inspected.files, unpacked.files);
            let said: Files = unpacked
                .files
                .into_iter()
                .map(|(path, file)| (path.to_string(), file.sha256))
                .collect();
            let there: Files = WalkDir::new(&into)
                .into_iter()
                .map(|entry| entry.expect("our folder"))
                .filter(|entry| !entry.file_type().is_dir())
                .map(|entry| {
                    let path = entry.path().strip_prefix(&into).expect("a path below");
                    let bytes = fs::read(entry.path()).expect("a file");
                    (path.to_str().expect("UTF-8").to_owned(), Sha256::of(&bytes))
                })
                .collect();
            assert_eq!(said, there);
            let other = read_by_others(&archive);
            let lifted = other.iter().all(|(path, sha256)| {
                let below = path.split_once('/').map_or("", |(_, below)| below);
                said.get(below) == Some(sha256)
            });
            assert!(
                said == other || (lifted && said.len() == other.len()),
                "{said:?} {other:?}"
            );
        }
        Err(UnpackError::Refused(fault)) => {
            assert_eq!(inspected.faults.first(), Some(&fault));
            assert!(!fault.to_string().contains(char::is_control), "{fault}");
        }
        Err(other) => panic!("{other:?}"),
    }
});

/// What the `tar` crate makes of it.
fn read_by_others(archive: &[u8]) -> Files {
    let mut bytes = Vec::new();
    match archive.first() {
        Some(0x1f) => GzDecoder::new(archive).read_to_end(&mut bytes).map(drop),
        _ => zstd::stream::copy_decode(archive, &mut bytes),
    }
    .expect("what we can decompress");
    let mut files = Files::new();
    for entry in tar::Archive::new(&bytes[..]).entries().expect("a tar") {
        let mut entry = entry.expect("what we can read");
        let path = String::from_utf8(entry.path_bytes().into_owned()).expect("UTF-8");
        match entry.header().entry_type() {
            tar::EntryType::Regular => {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).expect("what we can read");
                let path = path.strip_prefix("./").unwrap_or(&path).to_owned();
                assert_eq!(files.insert(path, Sha256::of(&bytes)), None);
            }
            tar::EntryType::Directory | tar::EntryType::XGlobalHeader => {}
            kind => panic!("{path} is {kind:?}"),
        }
    }
    files
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

/// The tar with right checksums, as far as its headers can be found: no mutation hits one by chance.
fn sealed(mut tar: Vec<u8>) -> Vec<u8> {
    let mut at = 0;
    while let Some(block) = tar.get_mut(at..at + 512) {
        if block.iter().any(|&byte| byte != 0) {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
        let digits = block[124..136].iter().filter(|byte| byte.is_ascii_digit());
        let size = digits.fold(0_usize, |size, digit| {
            size.saturating_mul(8)
                .saturating_add(usize::from(digit - b'0'))
        });
        at = at
            .saturating_add(512)
            .saturating_add(size.div_ceil(512).saturating_mul(512));
    }
    tar
}

/// Where files cost no disk, if there is such a place.
fn memory() -> &'static str {
    const MEMORY: &str = "/dev/shm";
    match fs::metadata(MEMORY) {
        Ok(_) => MEMORY,
        Err(_) => "/tmp",
    }
}
