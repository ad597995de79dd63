//! The layer around the tar: the rows of `compress_framing` and `compress_window`.

use super::*;

fn package() -> Vec<u8> {
    tar(&[file("registry.json", "{}")])
}

/// One zstd frame, with what `set` asks for.
fn zstd(bytes: &[u8], set: impl FnOnce(&mut zstd::Encoder<'static, Vec<u8>>)) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    set(&mut encoder);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd_with_checksum(bytes: &[u8]) -> Vec<u8> {
    zstd(bytes, |encoder| encoder.include_checksum(true).unwrap())
}

/// Asserts that both forms of a package are refused once `spoil` went over them.
#[track_caller]
fn assert_both_refused(spoil: impl Fn(Vec<u8>) -> Vec<u8>) {
    for archive in [gzip(&package()), zstd_with_checksum(&package())] {
        assert_framing(&spoil(archive));
    }
}

#[track_caller]
fn assert_framing(archive: &[u8]) {
    assert_bytes_refused(archive, ErrorCode::InvalidArchive, "compress_framing");
}

#[test]
fn gzip_and_zstd_are_told_apart_by_their_first_bytes() {
    for archive in [
        gzip(&package()),
        zstd_with_checksum(&package()),
        zstd(&package(), |_| ()),
    ] {
        let into = TempDir::new().unwrap();
        let unpacked = unpack_into(&archive, into.path(), &Limits::default()).unwrap();
        assert_eq!(unpacked.manifest().unwrap().len, 2);
    }
}

#[test]
fn everything_else_is_no_archive() {
    for archive in [
        &b""[..],
        b"\x1f",
        b"PK\x03\x04",
        b"BZh9",
        b"\xfd7zXZ\0",
        &package(),
    ] {
        assert_bytes_refused(archive, ErrorCode::InvalidArchive, "compress_framing");
    }
}

#[test]
fn a_second_member_or_frame_is_refused() {
    assert_both_refused(|archive| [&archive[..], &archive].concat());
}

#[test]
fn trailing_bytes_are_refused() {
    assert_both_refused(|archive| [&archive[..], b"\0"].concat());
}

#[test]
fn a_wrong_checksum_is_refused() {
    // gzip ends with its CRC and the length, zstd with its checksum.
    let mut archive = gzip(&package());
    let crc = archive.len() - 8;
    archive[crc] ^= 1;
    assert_framing(&archive);
    assert_both_refused(|mut archive| {
        *archive.last_mut().unwrap() ^= 1;
        archive
    });
}

#[test]
fn a_truncated_archive_is_refused() {
    assert_both_refused(|mut archive| {
        archive.pop();
        archive
    });
    assert_both_refused(|archive| archive[..archive.len() / 2].to_vec());
}

#[test]
fn a_zstd_frame_to_be_skipped_is_refused() {
    let skippable = b"\x50\x2a\x4d\x18\x01\0\0\0x";
    let frame = zstd_with_checksum(&package());
    assert_framing(&[skippable, &frame[..]].concat());
    assert_framing(&[&frame[..], skippable].concat());
}

#[test]
fn a_zstd_dictionary_is_refused() {
    // A frame that names a dictionary: one flag, and its number after the window.
    let mut frame = zstd(&package(), |_| ());
    assert_eq!(frame[4] & 0b10_0011, 0);
    frame[4] |= 1;
    frame.insert(6, 42);
    assert_framing(&frame);
}

#[test]
fn a_zstd_window_is_at_most_8_mib() {
    let with_window = |log| zstd(&package(), |encoder| encoder.window_log(log).unwrap());
    let into = TempDir::new().unwrap();
    assert!(unpack_into(&with_window(23), into.path(), &Limits::default()).is_ok());
    assert_bytes_refused(
        &with_window(24),
        ErrorCode::InvalidArchive,
        "compress_window",
    );
}

#[test]
fn an_archive_that_cannot_be_read_is_not_at_fault() {
    struct Broken<'a>(&'a [u8]);

    impl io::Read for Broken<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            match self.0.read(into)? {
                0 => Err(io::ErrorKind::ConnectionReset.into()),
                count => Ok(count),
            }
        }
    }

    for archive in [gzip(&package()), zstd_with_checksum(&package())] {
        for length in [0, 5, archive.len() - 1, archive.len()] {
            let into = TempDir::new().unwrap();
            let result = unpack(
                &mut Broken(&archive[..length]),
                into.path(),
                &Limits::default(),
            );
            let Err(UnpackError::Source(error)) = result else {
                panic!("{length}: {result:?}");
            };
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        }
    }
}
