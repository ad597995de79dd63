//! What is on disk after an archive was accepted, and what is said when the disk refuses.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::model::Sha256;

/// Every path below `root` with its mode, and the text of files.
fn tree(root: &Path) -> BTreeMap<String, (u32, Option<String>)> {
    walkdir::WalkDir::new(root)
        .min_depth(1)
        .into_iter()
        .map(|found| {
            let found = found.unwrap();
            let path = found
                .path()
                .strip_prefix(root)
                .unwrap()
                .display()
                .to_string();
            let text = fs::read_to_string(found.path()).ok();
            (
                path,
                (
                    found.metadata().unwrap().permissions().mode() & 0o7777,
                    text,
                ),
            )
        })
        .collect()
}

/// The tree that these entries leave, checked against what [`unpack`] says of it.
#[track_caller]
fn unpacked(entries: &[Vec<u8>]) -> BTreeMap<String, (u32, Option<String>)> {
    let into = TempDir::new().unwrap();
    let said = unpack_into(&gzip(&tar(entries)), into.path(), &Limits::default()).unwrap();
    let tree = tree(into.path());
    let on_disk: Vec<_> = tree
        .iter()
        .filter_map(|(path, (_, text))| Some((path.clone(), text.clone()?)))
        .map(|(path, text)| (path, Sha256::of(text.as_bytes()), text.len() as u64))
        .collect();
    let said: Vec<_> = said
        .files
        .iter()
        .map(|(path, file)| (path.to_string(), file.sha256, file.len))
        .collect();
    assert_eq!(said, on_disk);
    tree
}

#[track_caller]
fn assert_paths(entries: &[Vec<u8>], expected: &[&str]) {
    let paths: Vec<_> = unpacked(entries).into_keys().collect();
    assert_eq!(paths, expected);
}

#[test]
fn files_are_0644_and_folders_0755_whatever_the_archive_says() {
    let secret = entry_with(b"a/b", b'0', b"x", |header| put(header, MODE, b"0004700\0"));
    let open = entry_with(b"a/", b'5', b"", |header| put(header, MODE, b"0001777\0"));
    let tree = unpacked(&[open, secret, file("c", "")]);
    assert_eq!(tree["a"], (0o755, None));
    assert_eq!(tree["a/b"], (0o644, Some("x".to_owned())));
    assert_eq!(tree["c"], (0o644, Some(String::new())));
}

#[test]
fn one_folder_around_everything_is_stripped() {
    let entries = [
        folder("./"),
        folder("pkg/"),
        file("pkg/registry.json", "{}"),
        file("pkg/lib/a", "1"),
        file("pkg/pkg/pkg", "2"),
    ];
    assert_paths(
        &entries,
        &["lib", "lib/a", "pkg", "pkg/pkg", "registry.json"],
    );
}

#[test]
fn only_one_folder_is_stripped() {
    assert_paths(&[file("a/b/c", "")], &["b", "b/c"]);
}

#[test]
fn a_folder_is_not_stripped_beside_anything_else() {
    let manifest = || file("pkg/registry.json", "{}");
    let expected = ["pkg", "pkg/registry.json"];
    assert_paths(&[manifest(), folder("other/")], &expected);
    assert_paths(
        &[manifest(), file("z", "")],
        &[expected[0], expected[1], "z"],
    );
}

#[test]
fn a_folder_is_not_stripped_when_the_manifest_is_at_the_root() {
    let entries = [file("registry.json", "{}"), file("pkg/a", "")];
    assert_paths(&entries, &["pkg", "pkg/a", "registry.json"]);
}

#[test]
fn collisions_are_judged_before_a_folder_is_stripped() {
    let entries = [file("pkg/a", ""), file("PKG/a", "")];
    assert_refused(&entries, ErrorCode::UnsafeFile, "path_collision");
}

#[test]
fn an_empty_folder_leaves_nothing() {
    assert_paths(&[folder("a/"), file("b", "")], &["b"]);
    assert_paths(&[folder("a/")], &[]);
    assert_paths(&[], &[]);
}

#[test]
fn a_disk_that_refuses_is_not_the_archive_s_fault() {
    let into = TempDir::new().unwrap();
    let gone = into.path().join("gone");
    let archive = gzip(&tar(&[file("a/b", "x")]));
    match unpack_into(&archive, &gone, &Limits::default()) {
        Err(UnpackError::Disk { path, source }) => {
            assert_eq!(path, gone.join("a"));
            assert_eq!(source.kind(), io::ErrorKind::NotFound);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_that_is_there_already_is_never_written_through() {
    let into = TempDir::new().unwrap();
    let outside = into.path().join("outside");
    fs::write(&outside, "before").unwrap();
    std::os::unix::fs::symlink(&outside, into.path().join("a")).unwrap();
    let archive = gzip(&tar(&[file("a", "after")]));
    let result = unpack_into(&archive, into.path(), &Limits::default());
    assert!(
        matches!(result, Err(UnpackError::Disk { .. })),
        "{result:?}"
    );
    assert_eq!(fs::read_to_string(outside).unwrap(), "before");
}
