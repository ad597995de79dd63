//! The rows of `compress_framing` and `compress_window`: what is around the tar.

use std::io::Write;

use super::{Answer, COMPRESS_FRAMING, COMPRESS_WINDOW, Hostile, package, packed, packed_as_zstd};
use crate::raw_tar::file;

pub(super) fn cases() -> Vec<Hostile> {
    let cases = [neither(), both(), gzip(), zstd()].concat();
    cases
        .into_iter()
        .map(|(shape, answer, bytes)| Hostile::new(shape, answer, bytes))
        .collect()
}

type Shape = (String, Answer, Vec<u8>);

fn tar() -> Vec<u8> {
    package(&[file("a", "x")])
}

fn framing(shape: &str, bytes: Vec<u8>) -> Shape {
    (shape.to_owned(), COMPRESS_FRAMING, bytes)
}

fn neither() -> Vec<Shape> {
    vec![
        framing("no bytes", Vec::new()),
        framing("a byte", vec![0x1f]),
        framing("a tar that is not compressed", tar()),
        framing("a zip", b"PK\x03\x04\x14\0\0\0\0\0".to_vec()),
        framing("bzip2", b"BZh91AY&SY".to_vec()),
        framing("xz", b"\xfd7zXZ\0\0\x04".to_vec()),
        framing("lz4", b"\x04\x22\x4d\x18\x64\x40\xa7".to_vec()),
        framing("an old compress", b"\x1f\x9d\x90".to_vec()),
        framing("zlib", b"\x78\x9c\x03\0\0\0\0\x01".to_vec()),
        framing("an old zstd", b"\x27\xb5\x2f\xfd\0\0\0".to_vec()),
        framing("lzip", b"LZIP\x01\x0c".to_vec()),
    ]
}

/// The same for the one and the other.
fn both() -> Vec<Shape> {
    let archives = [("gzip", packed(&tar())), ("zstd", checksummed(&tar()))];
    archives
        .iter()
        .flat_map(|(name, archive)| {
            let flipped = |at: usize| {
                let mut bytes = archive.clone();
                bytes[at] ^= 1;
                bytes
            };
            let cut = |length: usize| archive[..length].to_vec();
            let end = archive.len();
            [
                ("twice", [&archive[..], archive].concat()),
                ("and a zero", [&archive[..], b"\0"].concat()),
                ("and zeros", [&archive[..], &[0; 512]].concat()),
                ("and text", [&archive[..], b"more"].concat()),
                ("and a tar", [&archive[..], &tar()].concat()),
                (
                    "and the first byte of another",
                    [&archive[..], &archive[..1]].concat(),
                ),
                (
                    "with a wrong checksum",
                    flipped(if *name == "gzip" { end - 8 } else { end - 1 }),
                ),
                ("with a flipped bit inside", flipped(end / 2)),
                ("without its last byte", cut(end - 1)),
                (
                    "without its checksum",
                    cut(if *name == "gzip" { end - 8 } else { end - 4 }),
                ),
                ("of which half is missing", cut(end / 2)),
                ("of which there is only the header", cut(10)),
            ]
            .map(|(what, bytes)| framing(&format!("{name} {what}"), bytes))
        })
        .collect()
}

fn gzip() -> Vec<Shape> {
    let archive = packed(&tar());
    let end = archive.len();
    let with = |at: usize, byte: u8| {
        let mut bytes = archive.clone();
        bytes[at] = byte;
        bytes
    };
    vec![
        framing(
            "gzip with a wrong length",
            with(end - 4, archive[end - 4] ^ 1),
        ),
        framing("gzip of another method", with(2, 7)),
        framing("gzip with a reserved flag", with(3, 0x80)),
        framing(
            "gzip with a name that never ends",
            [&with(3, 8)[..10], &[b'x'; 300]].concat(),
        ),
        framing(
            "gzip with a wrong checksum of its header",
            [&with(3, 2)[..10], &[0xaa, 0xaa], &archive[10..]].concat(),
        ),
        framing(
            "gzip with more in its header than it has",
            [&with(3, 4)[..10], &[0xff, 0xff], &archive[10..]].concat(),
        ),
        framing(
            "an empty gzip and then the archive",
            [&packed(b""), &archive[..]].concat(),
        ),
        framing(
            "gzip and then zstd",
            [&archive[..], &packed_as_zstd(&tar())].concat(),
        ),
    ]
}

fn zstd() -> Vec<Shape> {
    /// A frame of four bytes that decoders skip (RFC 8878, section 3.1.2).
    const SKIPPABLE: &[u8] = b"\x50\x2a\x4d\x18\x04\0\0\0skip";
    let frame = checksummed(&tar());
    // Its header says the size of the content in two bytes; without that it has a byte for the window.
    let windowed = streamed(&tar(), 23);
    assert_eq!(
        (windowed[4], windowed[5]),
        (0, 13 << 3),
        "no size, and 8 MiB"
    );
    let with = |at: usize, byte: u8| {
        let mut bytes = windowed.clone();
        bytes[at] = byte;
        bytes
    };
    let mut dictionary = with(4, 1);
    dictionary.insert(6, 42);
    let mut shapes = vec![
        framing("a skippable frame in front", [SKIPPABLE, &frame].concat()),
        framing("a skippable frame behind", [&frame[..], SKIPPABLE].concat()),
        framing("a skippable frame alone", SKIPPABLE.to_vec()),
        framing(
            "an empty frame and then the archive",
            [&checksummed(b"")[..], &frame].concat(),
        ),
        framing("zstd and then gzip", [&frame[..], &packed(&tar())].concat()),
        framing("a zstd dictionary", dictionary),
        framing("a zstd frame with a reserved bit", with(4, 8)),
        framing(
            "a zstd block of the reserved type",
            with(6, windowed[6] | 6),
        ),
    ];
    for log in [24, 25, 27] {
        let shape = format!("a zstd window of {} MiB", 1 << (log - 20));
        shapes.push((shape, COMPRESS_WINDOW, streamed(&tar(), log)));
    }
    // More than a decoder of 64 bits takes at all: windows of TiB.
    shapes.push((
        "the largest zstd window".to_owned(),
        COMPRESS_WINDOW,
        with(5, 0xff),
    ));
    shapes
}

/// A frame with its checksum.
fn checksummed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("an encoder");
    encoder.include_checksum(true).expect("a setting");
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

/// A frame that says its window, of two to this power.
fn streamed(bytes: &[u8], window_log: u32) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("an encoder");
    encoder.window_log(window_log).expect("a setting");
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}
