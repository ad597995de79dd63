//! Archives as a stranger would make them, from raw 512-byte headers: the `tar` crate refuses to write
//! most of these. One file for each part of the table in hostile-archives.md, one test for each rule.

mod compression;
mod entries;
mod faults;
mod framing;
mod limits;
mod paths;
mod round_trip;
mod unpacked;

use std::io::{self, Write};
use std::path::Path;

use tempfile::TempDir;

use super::{ArchiveFault, Inspected, Limits, UnpackError, Unpacked, inspect, unpack};
use crate::error_code::ErrorCode;

const BLOCK: usize = 512;
const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// Where fields are in a header.
const MODE: usize = 100;
const UID: usize = 108;
const SIZE: usize = 124;
const MTIME: usize = 136;
const LINK: usize = 157;
const MAGIC: usize = 257;
const PREFIX: usize = 345;

/// A ustar header without a checksum.
fn bare_header(name: &[u8], kind: u8, size: usize) -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    put(&mut header, 0, name);
    put(&mut header, MODE, b"0000644\0");
    put(&mut header, UID, b"0000000\x000000000\0");
    put(&mut header, SIZE, format!("{size:011o}\0").as_bytes());
    put(&mut header, MTIME, b"00000000000\0");
    header[156] = kind;
    put(&mut header, MAGIC, b"ustar\x0000");
    header
}

fn put(header: &mut [u8; BLOCK], at: usize, bytes: &[u8]) {
    header[at..at + bytes.len()].copy_from_slice(bytes);
}

fn sealed(mut header: [u8; BLOCK]) -> [u8; BLOCK] {
    put(&mut header, 148, b"        ");
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    put(&mut header, 148, format!("{sum:06o}\0 ").as_bytes());
    header
}

/// A header and its payload, with the header changed before its checksum is made.
fn entry_with(
    name: &[u8],
    kind: u8,
    payload: &[u8],
    change: impl FnOnce(&mut [u8; BLOCK]),
) -> Vec<u8> {
    let mut header = bare_header(name, kind, payload.len());
    change(&mut header);
    let mut bytes = sealed(header).to_vec();
    bytes.extend_from_slice(payload);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

fn entry(name: impl AsRef<[u8]>, kind: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    entry_with(name.as_ref(), kind, payload.as_ref(), |_| ())
}

fn file(name: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> Vec<u8> {
    entry(name, b'0', payload)
}

fn folder(name: impl AsRef<[u8]>) -> Vec<u8> {
    entry(name, b'5', "")
}

/// `<length> <key>=<value>\n`, the length counting all of it.
fn record(key: &str, value: &[u8]) -> Vec<u8> {
    // Three digits are enough for every record here, and leading zeros are decimal all the same.
    let length = 3 + 1 + key.len() + 1 + value.len() + 1;
    let mut record = format!("{length:03} {key}=").into_bytes();
    record.extend_from_slice(value);
    record.push(b'\n');
    record
}

/// A pax header with these records.
fn pax(records: &[(&str, &[u8])]) -> Vec<u8> {
    let records: Vec<_> = records
        .iter()
        .map(|(key, value)| record(key, value))
        .collect();
    entry("PaxHeader", b'x', records.concat())
}

/// A GNU long name.
fn long_name(name: impl AsRef<[u8]>) -> Vec<u8> {
    entry("././@LongLink", b'L', [name.as_ref(), b"\0"].concat())
}

fn tar(entries: &[Vec<u8>]) -> Vec<u8> {
    [&entries.concat()[..], &END].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn unpack_into(archive: &[u8], into: &Path, limits: &Limits) -> Result<Unpacked, UnpackError> {
    unpack(&mut io::Cursor::new(archive), into, limits)
}

/// What is answered to this archive, which is to be refused.
#[track_caller]
fn refused_by(archive: &[u8], limits: &Limits) -> ArchiveFault {
    let into = TempDir::new().unwrap();
    let fault = match unpack_into(archive, into.path(), limits) {
        Err(UnpackError::Refused(fault)) => fault,
        other => panic!("not refused: {other:?}"),
    };
    assert_eq!(inspected(archive, limits).faults[0], fault);
    fault
}

/// All that can be said of an archive.
#[track_caller]
fn inspected(archive: &[u8], limits: &Limits) -> Inspected {
    let into = TempDir::new().unwrap();
    inspect(&mut io::Cursor::new(archive), into.path(), limits).unwrap()
}

/// Asserts that a tar of these entries is refused with this code and reason.
#[track_caller]
fn assert_refused(entries: &[Vec<u8>], code: ErrorCode, reason: &str) -> ArchiveFault {
    assert_bytes_refused(&gzip(&tar(entries)), code, reason)
}

#[track_caller]
fn assert_bytes_refused(archive: &[u8], code: ErrorCode, reason: &str) -> ArchiveFault {
    let fault = refused_by(archive, &Limits::default());
    assert_eq!(
        (fault.code(), fault.reason().as_str()),
        (code, reason),
        "{fault}"
    );
    fault
}

/// The paths that a tar of these entries unpacks to.
#[track_caller]
fn accepted(entries: &[Vec<u8>]) -> Vec<String> {
    let into = TempDir::new().unwrap();
    let unpacked = unpack_into(&gzip(&tar(entries)), into.path(), &Limits::default()).unwrap();
    unpacked.files.keys().map(ToString::to_string).collect()
}
