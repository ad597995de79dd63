//! What clients may hold: every ETag that a URL ever had, under every coding, and the bytes that it stood for.

use std::collections::BTreeMap;

use crate::tree::{Entry, Tree};

/// What an ETag is made of: the modification time and the size.
type Etag = (u64, u64);

/// All that was seen of a registry's trees.
#[derive(Debug, Default)]
pub struct Etags {
    /// Path, with the root of its coding → ETag → SHA-256.
    seen: BTreeMap<String, BTreeMap<Etag, String>>,
    /// Path of the identity → what its URL was last: all its representations.
    last: BTreeMap<String, Tree>,
}

impl Etags {
    /// Takes note of a tree as a client may see it; says which ETags stand for two contents.
    pub fn see(&mut self, tree: &Tree) -> Vec<String> {
        let mut faults = Vec::new();
        for (path, Entry { sha256, len, mtime }) in tree {
            let known = self.seen.entry(path.clone()).or_default();
            let first = known
                .entry((*mtime, *len))
                .or_insert_with(|| sha256.clone());
            if first != sha256 {
                faults.push(format!(
                    "{path}: the ETag of {mtime} and {len} is that of two contents"
                ));
            }
        }
        faults
    }

    /// Takes note of what a build that ended made of the trees; says which URLs have other ETags for the same bytes.
    pub fn settle(&mut self, tree: &Tree) -> Vec<String> {
        let now = by_url(tree);
        let mut faults = Vec::new();
        for (url, representations) in &now {
            let times =
                |tree: &Tree| -> Vec<u64> { tree.values().map(|entry| entry.mtime).collect() };
            if let Some(before) = self.last.get(url)
                && bytes(before) == bytes(representations)
                && times(before) != times(representations)
            {
                let times = (times(before), times(representations));
                faults.push(format!("{url}: the same bytes, and other times: {times:?}"));
            }
        }
        self.last = now;
        faults
    }

    /// Takes note of what the trees hold now, whatever times it has.
    pub fn restart(&mut self, tree: &Tree) {
        self.last = by_url(tree);
    }

    /// Forgets what nobody can know any longer but by these trees: the record is lost.
    pub fn forget_all_but(&mut self, tree: &Tree) {
        self.seen.retain(|path, _| tree.contains_key(path));
        self.last.retain(|path, _| tree.contains_key(path));
    }
}

fn bytes(tree: &Tree) -> Vec<(&String, &String)> {
    tree.iter()
        .map(|(path, entry)| (path, &entry.sha256))
        .collect()
}

/// The representations of each URL.
fn by_url(tree: &Tree) -> BTreeMap<String, Tree> {
    let mut urls: BTreeMap<String, Tree> = BTreeMap::new();
    for (path, entry) in tree {
        let variant = path.strip_prefix(".variants/");
        let url = variant.map_or(path.as_str(), |path| {
            path.split_once('/').expect("a coding").1
        });
        let url = urls.entry(url.to_owned()).or_default();
        url.insert(path.clone(), entry.clone());
    }
    urls
}
