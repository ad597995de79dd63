//! A folder as a list of its files, for comparing whole trees.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::io::{self, ErrorKind::NotFound};
use std::path::Path;
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use walkdir::{DirEntry, WalkDir};

use crate::registry::Registry;

/// What is known of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Of its bytes, in hex.
    pub sha256: String,
    /// How many they are.
    pub len: u64,
    /// When it was changed, in whole seconds since 1970.
    pub mtime: u64,
}

/// Path below the folder → file.
pub type Tree = BTreeMap<String, Entry>;

/// All four folders of a registry, markers and the record as well, but for who holds a lock of the trees or of the record.
pub fn everything(registry: &Registry) -> Tree {
    let mut all = tree(registry.root());
    all.retain(|path, _| !path.ends_with("/.rack-lock") && !path.ends_with("record.db-shm"));
    all
}

/// Every file below the folder but those that lie in it with a leading dot: markers and records of ours, different
/// in every registry, which no client sees. A folder that is not there has no files.
pub fn tree(folder: &Path) -> Tree {
    let mut tree = Tree::new();
    if !folder.exists() {
        return tree;
    }
    // What goes while one looks is not there any more: a daemon tidies up after it has answered.
    let is_gone = |cause: Option<&io::Error>| cause.is_some_and(|it| it.kind() == NotFound);
    for entry in WalkDir::new(folder) {
        let entry = match entry {
            Err(cause) if is_gone(cause.io_error()) => continue,
            entry => entry.expect("the tree can be walked"),
        };
        let hidden = entry.depth() == 1 && entry.file_name().as_encoded_bytes().starts_with(b".");
        if entry.file_type().is_dir() || hidden {
            continue;
        }
        let path = entry.path().strip_prefix(folder).expect("a path below");
        let path = path.to_str().expect("a path in UTF-8").to_owned();
        let (metadata, bytes) = match (fs::symlink_metadata(entry.path()), fs::read(entry.path())) {
            (Err(cause), _) | (_, Err(cause)) if is_gone(Some(&cause)) => continue,
            (metadata, bytes) => (
                metadata.expect("a file's metadata"),
                bytes.expect("a file's bytes"),
            ),
        };
        let modified = metadata.modified().expect("a modification time");
        let since = modified.duration_since(SystemTime::UNIX_EPOCH);
        let entry = Entry {
            sha256: sha256(&bytes),
            len: metadata.len(),
            mtime: since.map_or(0, |since| since.as_secs()),
        };
        tree.insert(path, entry);
    }
    tree
}

/// The same tree without its times: two builds of one source have these in common.
pub fn contents(folder: &Path) -> BTreeMap<String, String> {
    tree(folder)
        .into_iter()
        .map(|(path, entry)| (path, entry.sha256))
        .collect()
}

/// What a comparison of two trees shows, a path a line; empty if they are the same.
pub fn difference<E: PartialEq + Debug>(
    before: &BTreeMap<String, E>,
    after: &BTreeMap<String, E>,
) -> Vec<String> {
    let mut lines = Vec::new();
    for (path, old) in before {
        match after.get(path) {
            None => lines.push(format!("- {path}")),
            Some(new) if new != old => lines.push(format!("≠ {path}: {old:?} → {new:?}")),
            Some(_) => {}
        }
    }
    let added = after.keys().filter(|path| !before.contains_key(*path));
    lines.extend(added.map(|path| format!("+ {path}")));
    lines
}

/// Stops the test with the list of differences, if there are any.
pub fn assert_same<E: PartialEq + Debug>(
    what: &str,
    expected: &BTreeMap<String, E>,
    actual: &BTreeMap<String, E>,
) {
    let lines = difference(expected, actual);
    assert!(lines.is_empty(), "{what}:\n{}", lines.join("\n"));
}

/// Copies a folder with its times, the hidden files of its root left out, and what a daemon may just be taking out of its
/// staging folder. Empty folders count: a namespace may be one.
pub fn copy(from: &Path, to: &Path) {
    let is_of_the_root = |entry: &DirEntry, name: &str| {
        entry.depth() == 1 && entry.file_name().to_string_lossy().starts_with(name)
    };
    let walk = WalkDir::new(from).into_iter();
    for entry in walk.filter_entry(|entry| !is_of_the_root(entry, ".staging")) {
        let entry = entry.expect("the tree can be walked");
        let path = entry.path().strip_prefix(from).expect("a path below");
        let copy = to.join(path);
        if entry.file_type().is_dir() {
            fs::create_dir_all(&copy).expect("a folder");
        } else if !is_of_the_root(&entry, ".") {
            fs::copy(entry.path(), &copy).expect("a copy");
            let written = entry.metadata().expect("a file's metadata").modified();
            let copy = fs::File::options().write(true).open(&copy);
            copy.and_then(|copy| copy.set_modified(written?))
                .expect("a time");
        }
    }
}

/// SHA-256 in lower-case hex.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
