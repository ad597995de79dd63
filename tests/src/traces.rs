//! Where in a folder something shows that should not be there at all.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use walkdir::WalkDir;

use crate::coding::decode;

/// The files below a folder that have one of these words in their path or in their bytes, packed or not. Hidden ones
/// count: nobody knows what a web server or a mirror makes of them. What vanishes meanwhile does not.
pub fn traces(folder: &Path, words: &[&str]) -> Vec<String> {
    let entries = WalkDir::new(folder).into_iter();
    let files = entries
        .filter_map(|entry| if_there(entry.map_err(io::Error::from)))
        .filter(|entry| entry.file_type().is_file());
    files
        .filter(|file| is_told_by(file.path(), folder, words))
        .map(|file| file.path().display().to_string())
        .collect()
}

fn is_told_by(path: &Path, folder: &Path, words: &[&str]) -> bool {
    let Some(bytes) = if_there(fs::read(path)) else {
        return false;
    };
    let below = path.strip_prefix(folder).expect("a path below");
    let codings = [None, Some("gzip"), Some("br"), Some("zstd")];
    let unpacked = codings
        .into_iter()
        .filter_map(|coding| decode(coding, &bytes).ok());
    let mut texts = unpacked.chain([below.as_os_str().as_encoded_bytes().to_vec()]);
    texts.any(|text| words.iter().any(|word| holds(&text, word.as_bytes())))
}

fn if_there<T>(found: io::Result<T>) -> Option<T> {
    match found {
        Err(fault) if fault.kind() == ErrorKind::NotFound => None,
        found => Some(found.expect("a tree that can be read")),
    }
}

fn holds(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}
