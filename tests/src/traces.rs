//! Where in a folder something shows that should not be there at all.

use std::fs;
use std::path::Path;

use walkdir::WalkDir;

use crate::coding::decode;

/// The files below a folder that have one of these words in their path or in their bytes, packed or not. Hidden
/// ones count: nobody knows what a web server or a mirror makes of them.
pub fn traces(folder: &Path, words: &[&str]) -> Vec<String> {
    let files = WalkDir::new(folder).into_iter().filter_map(|entry| {
        let entry = entry.expect("the tree can be walked");
        entry.file_type().is_file().then(|| entry.into_path())
    });
    files
        .filter(|path| is_told_by(path, folder, words))
        .map(|path| path.display().to_string())
        .collect()
}

fn is_told_by(path: &Path, folder: &Path, words: &[&str]) -> bool {
    let below = path.strip_prefix(folder).expect("a path below");
    let bytes = fs::read(path).expect("a file's bytes");
    let codings = [None, Some("gzip"), Some("br"), Some("zstd")];
    let unpacked = codings
        .into_iter()
        .filter_map(|coding| decode(coding, &bytes).ok());
    let mut texts = unpacked.chain([below.as_os_str().as_encoded_bytes().to_vec()]);
    texts.any(|text| words.iter().any(|word| holds(&text, word.as_bytes())))
}

fn holds(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}
