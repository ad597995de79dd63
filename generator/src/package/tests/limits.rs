//! How much an archive may ask for: the row of `expands_too_far`.

use bytesize::ByteSize;

use super::*;

/// Asserts that the limits are kept by a package at them, and refuse one that goes past.
#[track_caller]
fn assert_limit(limits: Limits, within: &[Vec<u8>], past: &[Vec<u8>]) -> ArchiveFault {
    let into = TempDir::new().unwrap();
    unpack_into(&gzip(&tar(within)), into.path(), &limits).unwrap();
    let fault = refused_by(&gzip(&tar(past)), &limits);
    assert_eq!(fault.code(), ErrorCode::PayloadTooLarge, "{fault}");
    assert_eq!(fault.reason(), super::super::Reason::ExpandsTooFar);
    fault
}

#[test]
fn the_whole_tar_is_limited() {
    let limits = Limits {
        max_unpacked: ByteSize::b(4 * BLOCK as u64),
        ..Limits::default()
    };
    assert_limit(limits, &[file("a", "x")], &[file("a", "x"), file("b", "")]);
}

#[test]
fn one_file_is_limited() {
    let limits = Limits {
        max_file: ByteSize::b(9),
        ..Limits::default()
    };
    let fault = assert_limit(limits, &[file("a", [0; 9])], &[file("a", [0; 10])]);
    assert_eq!(fault.path(), Some("a"));
    assert!(
        fault.to_string().starts_with("`a` is larger than 9 B; "),
        "{fault}"
    );
}

#[test]
fn files_and_folders_are_limited_and_implied_folders_count() {
    let limits = Limits {
        max_entries: 3,
        ..Limits::default()
    };
    assert_limit(
        limits,
        &[file("a/b/c", ""), folder("a/b"), folder("a")],
        &[file("a/b/c/d", "")],
    );
}

#[test]
fn expansion_is_limited_past_a_mebibyte() {
    let limits = Limits {
        max_expansion: 10,
        ..Limits::default()
    };
    let zeros = |mebibytes: usize| vec![0; (mebibytes << 20) - 4 * BLOCK];
    assert_limit(limits, &[file("a", zeros(1))], &[file("a", zeros(2))]);
}

#[test]
fn the_manifest_is_limited_wherever_it_lies() {
    let limits = || Limits {
        max_manifest: ByteSize::b(2),
        ..Limits::default()
    };
    let manifest = |path, text| [file(path, text), file("p/a", "long")];
    for path in ["registry.json", "p/registry.json"] {
        let fault = assert_limit(limits(), &manifest(path, "{}"), &manifest(path, "{ }"));
        assert_eq!(fault.path(), Some("registry.json"));
    }
}

#[test]
fn nothing_past_a_limit_is_written() {
    let limits = Limits {
        max_unpacked: ByteSize::kib(100),
        ..Limits::default()
    };
    let into = TempDir::new().unwrap();
    let archive = gzip(&tar(&[file("a", vec![0; 500_000])]));
    assert!(unpack_into(&archive, into.path(), &limits).is_err());
    assert!(into.path().join("a").metadata().unwrap().len() <= 100 * 1024);
}
