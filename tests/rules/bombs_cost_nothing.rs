//! A GiB that was packed into a MiB is refused within a second, and the daemon takes no more memory for it.

use std::io::{Read, Write, repeat};
use std::time::{Duration, Instant};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::raw_tar::{BLOCK, SIZE, file, set};
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::{proved, rounds};
use serde_json::json;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// What is in front of a GiB of zeros, and the archive.
type Packing = fn(&[u8]) -> Vec<u8>;

const PACKINGS: [(&str, Packing); 2] = [("gzip", gzip), ("zstd", zstd)];

#[test]
fn bombs_cost_nothing() {
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let daemon = registry.warm_rackd(&mut Random::seeded(0));

    for (packing, pack) in PACKINGS {
        let manifest = file(
            "registry.json",
            Release::new("@open", "bomb", "1.0.0").manifest(),
        );
        for (shape, entries) in [
            ("one file", one_file()),
            ("many files", many_files()),
            ("zeros behind the end", vec![0; 2 * BLOCK]),
        ] {
            let archive = Archive::of(pack(&[&manifest[..], &entries].concat()));
            let size = archive.bytes.len() as u64;
            let upload = Upload::new(archive).request().bearer(ADMIN_TOKEN);
            let (before, start) = (daemon.peak_memory(), Instant::now());
            let answer = upload.send(daemon.url()).expect("an answer");
            let took = start.elapsed();
            let grown = daemon.peak_memory().saturating_sub(before) / MIB;
            let body = answer.json();
            let what = format!("{shape} in {packing}");
            assert_eq!(
                (answer.status, &body["reason"]),
                (413, &json!("expands_too_far")),
                "{what}: {body}"
            );
            // Other tests are at work beside the sample.
            assert!(
                took < Duration::from_secs(rounds(10, 1) as u64),
                "{what}: {took:?}"
            );
            assert!(grown < 64, "{what}: {grown} MiB");
            proved(
                &format!("a bomb of {what} costs nothing"),
                format!(
                    "{} KiB for a GiB, {} ms, {grown} MiB more at the peak",
                    size >> 10,
                    took.as_millis()
                ),
            );
        }
    }
}

/// A header that says how much comes: it is refused before any of it is read.
fn one_file() -> Vec<u8> {
    set(file("a", ""), SIZE, format!("{GIB:011o}\0").as_bytes())
}

/// Small enough that each would be taken.
fn many_files() -> Vec<u8> {
    let files = (0..16).map(|number| file(format!("f{number}"), vec![0; MIB as usize]));
    files.collect::<Vec<_>>().concat()
}

/// Of pieces: what makes 16 MiB of zeros makes them as often as it comes (RFC 1951, section 3.2.4 on byte boundaries).
fn gzip(head: &[u8]) -> Vec<u8> {
    const PIECE: u64 = 16 * MIB;
    let deflated = |bytes: &[u8]| {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("memory takes everything");
        encoder.flush().expect("memory takes everything");
        let mut sum = Crc::new();
        sum.update(bytes);
        (encoder.get_ref().clone(), sum)
    };
    let (mut stream, mut sum) = deflated(head);
    let (zeros, sum_of_zeros) = deflated(&vec![0; PIECE as usize]);
    for _ in 0..GIB / PIECE {
        stream.extend_from_slice(&zeros);
        sum.combine(&sum_of_zeros);
    }
    let end = DeflateEncoder::new(Vec::new(), Compression::best());
    stream.extend(end.finish().expect("memory takes everything"));
    let trailer = [sum.sum().to_le_bytes(), sum.amount().to_le_bytes()].concat();
    [b"\x1f\x8b\x08\0\0\0\0\0\0\xff", &stream[..], &trailer].concat()
}

fn zstd(head: &[u8]) -> Vec<u8> {
    zstd::encode_all(head.chain(repeat(0).take(GIB)), 3).expect("memory takes everything")
}
