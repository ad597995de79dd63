//! Where what is staged lies. What it is may not enter.
//!
//! Each tree stages inside itself: separate mounts do not rename into each other. It lies flat in there, under hashes of
//! names: folders laid out as in the tree would be made for every commit and removed after it, and on ext4 they cost a
//! publish more than its files do (docs/performance.md).

use std::borrow::Cow;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::durable;
use crate::coding::Coding;
use crate::error::{At, Result};
use crate::folders::Folders;
use crate::model::Audience;
use crate::plan::key::PublicKey;
use crate::plan::part::Part;

/// Nobody but us has anything to look for in there.
pub(super) const STAGING_MODE: u32 = 0o700;

/// The folder that a tree stages in.
#[derive(Debug)]
pub(super) struct Staging(PathBuf);

impl Staging {
    pub(super) fn of(folders: &Folders, audience: Audience) -> Self {
        Self(folders.tree(audience).join(".staging"))
    }

    /// What the files of a part are in: what becomes a version's folder, or the staging folder itself.
    pub(super) fn folder(&self, part: &Part, coding: Option<Coding>) -> PathBuf {
        match part {
            Part::Release(_) => self.0.join(name(&stem(&part.outermost()), coding)),
            Part::Item(_) | Part::Alone(_) => self.0.clone(),
        }
    }

    /// A representation of a resource of this part.
    pub(super) fn representation(
        &self,
        part: &Part,
        key: &PublicKey,
        coding: Option<Coding>,
    ) -> PathBuf {
        let path = path(part, key);
        self.folder(part, coding).join(file(part, &path, coding))
    }

    /// Removes the folder with all that is in it: after many versions it is large, and an empty one stays so.
    pub(super) fn clear(&self) -> Result<()> {
        durable::remove_folder(&self.0)
    }

    /// The same, but an empty one that is as we make it may stay: it is likely to be needed again.
    pub(super) fn ensure_empty(&self) -> Result<()> {
        let metadata = match self.0.symlink_metadata() {
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(()),
            metadata => metadata.at("read", &self.0)?,
        };
        let is_ours = metadata.is_dir() && metadata.mode() & 0o7777 == STAGING_MODE;
        match is_ours && fs::read_dir(&self.0).at("read", &self.0)?.next().is_none() {
            true => Ok(()),
            false => self.clear(),
        }
    }
}

/// The path of a resource that [`file`] makes those of its representations of.
pub(super) fn path(part: &Part, key: &PublicKey) -> PathBuf {
    match part {
        Part::Release(_) => {
            let path = key.disk_path();
            path.strip_prefix(part.place()).unwrap_or(&path).to_owned()
        }
        Part::Item(_) | Part::Alone(_) => stem(key),
    }
}

/// Where a representation is in the folder of its part and coding.
pub(super) fn file<'a>(part: &Part, path: &'a Path, coding: Option<Coding>) -> Cow<'a, Path> {
    match part {
        Part::Release(_) => Cow::Borrowed(path),
        Part::Item(_) | Part::Alone(_) => Cow::Owned(name(path, coding)),
    }
}

/// As short for the longest path as for any.
fn stem(key: &PublicKey) -> PathBuf {
    let hash = blake3::hash(key.to_string().as_bytes());
    hash.to_hex().as_str().into()
}

fn name(stem: &Path, coding: Option<Coding>) -> PathBuf {
    stem.with_extension(coding.map_or("identity", Coding::as_str))
}
