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

use crate::coding::{Coding, Encodings};
use crate::compress::Compression;
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

/// Modes of files and folders in a tree: what is public anyone may read, the rest only its group.
fn modes(audience: Audience) -> (u32, u32) {
    match audience {
        Audience::Public => (0o644, 0o755),
        Audience::Private => (0o640, 0o750),
    }
}
