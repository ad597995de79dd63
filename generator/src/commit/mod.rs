//! The only code that writes: locks, staging, renames in rank order, the record of the last build.
//!
//! A build is `Session::open` → `stage` and `add`, part by part → `ready` → `apply`. Until `apply` nothing that a reader
//! sees has changed, so a full disk speaks up before it. A kill at any instant leaves parts that are not settled, and
//! the next build of them completes the trees.

pub mod adopt;
mod announce;
pub mod apply;
pub mod durable;
mod folder;
pub mod make;
mod planned;
pub mod record;
pub mod session;
pub mod stage;
mod staging;

use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use crate::coding::{Coding, Encodings};
use crate::compress::Compression;
use crate::error::{At, Result};
use crate::model::Audience;
use crate::plan::key::PublicKey;

pub use session::{Ready, Session};

/// How outputs are made.
#[derive(Debug, Clone, Default)]
pub struct OutputSettings {
    /// Which variants there are.
    pub encodings: Encodings,
    /// How small.
    pub compression: Compression,
}

/// Where a representation of a resource is in a tree: the identity, or a variant (design.md, decision 3).
pub fn representation(tree: &Path, key: &PublicKey, coding: Option<Coding>) -> PathBuf {
    root(tree, coding).join(key.disk_path())
}

/// All that a tree holds of a resource: the identity, then its variants.
pub(crate) const ROOTS: [Option<Coding>; 4] = [
    None,
    Some(Coding::Br),
    Some(Coding::Zstd),
    Some(Coding::Gzip),
];

/// What the identities of a tree lie in, or the variants of a coding.
pub(crate) fn root(tree: &Path, coding: Option<Coding>) -> PathBuf {
    match coding {
        None => tree.to_owned(),
        Some(coding) => tree.join(".variants").join(coding.as_str()),
    }
}

/// What lies in a tree, or among its variants of a coding, where a URL finds it, folder by folder; links and pipes too.
pub(crate) fn addressed(root: &Path) -> impl Iterator<Item = Result<(DirEntry, PublicKey)>> {
    let visible = |entry: &DirEntry| {
        // Files of items may be hidden, but what we keep for ourselves is so at the root.
        entry.depth() != 1 || !entry.file_name().as_encoded_bytes().starts_with(b".")
    };
    let walk = WalkDir::new(root).sort_by_file_name().into_iter();
    walk.filter_entry(visible).filter_map(move |entry| {
        let entry = match entry.at("walk", root) {
            Ok(entry) => entry,
            Err(error) => return Some(Err(error)),
        };
        let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let key = PublicKey::from_disk_path(path).filter(|_| !entry.file_type().is_dir())?;
        Some(Ok((entry, key)))
    })
}

/// Modes of files and folders in a tree: what is public anyone may read, the rest only its group.
fn modes(audience: Audience) -> (u32, u32) {
    match audience {
        Audience::Public => (0o644, 0o755),
        Audience::Private => (0o640, 0o750),
    }
}
