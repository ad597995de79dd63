//! All faults at once: of an archive, and of files that are no archive yet.

use std::collections::BTreeMap;
use std::fs;

use bytesize::ByteSize;

use super::super::{foresee, pack};
use super::*;

#[test]
fn every_entry_at_fault_is_named_and_the_rest_is_unpacked() {
    let entries = [
        file("p/registry.json", "{}"),
        entry("p/link", b'2', ""),
        file("p/b c", ""),
        file("p/a", "1"),
        file("p/A", "2"),
        file("p/z", "3"),
    ];
    let found = inspected(&gzip(&tar(&entries)), &Limits::default());
    let blamed: Vec<_> = found.faults.iter().map(|fault| fault.path()).collect();
    assert_eq!(blamed, [Some("p/link"), Some("p/b c"), Some("p/A")]);
    assert!(found.is_complete);
    let files: Vec<_> = found.files.keys().map(ToString::to_string).collect();
    assert_eq!(files, ["a", "registry.json", "z"]);
}

#[test]
fn behind_a_fault_of_the_archive_nothing_is_known() {
    let entries = [entry("link", b'2', ""), file("a", "1"), vec![1; BLOCK]];
    let found = inspected(&gzip(&tar(&entries)), &Limits::default());
    let reasons: Vec<_> = found.faults.iter().map(|fault| fault.reason()).collect();
    use super::super::Reason::{EntryType, TarFraming};
    assert_eq!(reasons, [EntryType, TarFraming]);
    assert!(!found.is_complete);
}

#[test]
fn an_entry_at_fault_with_a_payload_ends_it() {
    let entries = [entry("device", b'3', "payload"), file("a", "1")];
    let found = inspected(&gzip(&tar(&entries)), &Limits::default());
    assert_eq!(found.faults.len(), 1);
    assert!(!found.is_complete);
}

#[test]
fn what_is_foreseen_of_files_is_what_their_archive_is_refused_for() {
    let limits = Limits {
        max_file: ByteSize::kib(700),
        max_entries: 3,
        max_manifest: ByteSize::b(2),
        ..Limits::default()
    };
    for texts in [
        vec![("a", vec![]), ("A", vec![])],
        vec![("a/b", vec![]), ("A/c", vec![])],
        vec![("a", vec![]), ("b", vec![]), ("c/d", vec![])],
        vec![("registry.json", b"{ }".to_vec())],
        vec![("a", vec![1; 800 << 10])],
        // Zeros, packed too well.
        vec![("a", vec![0; 600 << 10]), ("b", vec![0; 600 << 10])],
    ] {
        let source = TempDir::new().unwrap();
        let files = texts.into_iter().enumerate().map(|(number, (path, text))| {
            let file = source.path().join(number.to_string());
            fs::write(&file, text).unwrap();
            (path.parse().unwrap(), file)
        });
        let files: BTreeMap<_, _> = files.collect();
        let foreseen = foresee(&files, Some(&limits)).unwrap();
        let archive = pack(&files, Vec::new()).unwrap();
        assert_eq!(foreseen, inspected(&archive, &limits).faults, "{files:?}");
        assert!(!foreseen.is_empty(), "{files:?}");
    }
}

#[test]
fn without_limits_only_collisions_are_foreseen() {
    let source = TempDir::new().unwrap();
    let large = source.path().join("large");
    fs::write(&large, vec![0; 3 << 20]).unwrap();
    let files = ["a", "registry.json"].map(|path| (path.parse().unwrap(), large.clone()));
    assert_eq!(foresee(&files.into(), None).unwrap(), []);
    let files = ["a", "A"].map(|path| (path.parse().unwrap(), large.clone()));
    assert_eq!(foresee(&files.into(), None).unwrap().len(), 1);
}
