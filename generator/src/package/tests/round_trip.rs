//! What we pack: read again by ourselves, and the same bytes every time.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use super::super::{PackError, pack};
use super::*;
use crate::model::{FilePath, Sha256};

/// Packs these texts from files that lie anywhere.
fn packed(texts: &BTreeMap<FilePath, Vec<u8>>) -> Vec<u8> {
    let source = TempDir::new().unwrap();
    let files = texts
        .iter()
        .enumerate()
        .map(|(number, (path, text))| {
            let file = source.path().join(number.to_string());
            fs::write(&file, text).unwrap();
            (path.clone(), file)
        })
        .collect();
    pack(&files, Vec::new()).unwrap()
}

fn one(path: &str, text: &[u8]) -> BTreeMap<FilePath, Vec<u8>> {
    BTreeMap::from([(path.parse().unwrap(), text.to_vec())])
}

/// Files that do not collide: folders begin with `d`, files with `f`, and all is lower case.
fn files() -> impl Strategy<Value = BTreeMap<FilePath, Vec<u8>>> {
    let path = "(d[a-z0-9._@+-]{0,126}[a-z]/){0,3}f[a-z0-9._@+-]{0,126}[a-z]"
        .prop_map(|path| path.parse::<FilePath>().unwrap());
    let text = prop::collection::vec(any::<u8>(), 0..2000);
    prop::collection::btree_map(path, text, 0..8).prop_map(|mut files| {
        files.extend(one("registry.json", b"{}"));
        files
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_packed_unpacks_to_the_same_files(texts in files()) {
        let into = TempDir::new().unwrap();
        let unpacked = unpack_into(&packed(&texts), into.path(), &Limits::default()).unwrap();
        let said: Vec<_> = unpacked.files.into_iter().map(|(path, file)| (path, file.sha256)).collect();
        let expected: Vec<_> = texts.iter().map(|(path, text)| (path.clone(), Sha256::of(text))).collect();
        prop_assert_eq!(said, expected);
    }

    #[test]
    fn no_archive_makes_it_panic(
        noise in prop::collection::vec(any::<u8>(), 0..3000),
        at in 0..BLOCK,
        by: u8,
    ) {
        let header = entry_with(b"PaxHeader", b'x', b"9 path=b\n", |header| header[at] = by);
        let file = entry_with(b"a", b'0', &noise, |header| header[at] = by);
        for archive in [noise.clone(), gzip(&noise), gzip(&tar(&[header, file]))] {
            let into = TempDir::new().unwrap();
            // Whether it is refused is up to the other tests.
            let _ = unpack_into(&archive, into.path(), &Limits::default());
        }
    }
}

#[test]
fn the_same_files_give_the_same_bytes() {
    let texts = one("a/b", b"text");
    assert_eq!(packed(&texts), packed(&texts));
    // gzip: no flags (so no name), no time.
    assert_eq!(packed(&texts)[3..8], [0; 5]);
}

#[test]
fn a_long_path_takes_a_pax_header_only_where_ustar_has_no_room() {
    let blocks = |path: &str| {
        let mut tar = Vec::new();
        let archive = packed(&one(path, b""));
        io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&archive[..]), &mut tar).unwrap();
        tar.len() / BLOCK
    };
    let folder = "d".repeat(120);
    assert_eq!(blocks(&format!("{folder}/{}", "f".repeat(100))), 3);
    assert_eq!(blocks(&format!("{folder}/{}", "f".repeat(101))), 5);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let gone = PathBuf::from("/nonexistent/file");
    let files = BTreeMap::from([("a".parse().unwrap(), gone.clone())]);
    match pack(&files, Vec::new()) {
        Err(PackError::File { path, .. }) => assert_eq!(path, gone),
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_regular_files_are_packed() {
    let folder = TempDir::new().unwrap();
    let files = BTreeMap::from([("a".parse().unwrap(), folder.path().to_owned())]);
    assert!(matches!(
        pack(&files, Vec::new()),
        Err(PackError::File { .. })
    ));
}
