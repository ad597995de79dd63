//! Whether a version may come into the tree, by what is there of it already: one rule for uploads and imports. How it is
//! told may not enter.

use super::SourceTree;
use crate::error::{Error, Result};
use crate::model::event::VersionHistory;
use crate::model::{ContentDigest, History, ReleaseId, Version};

/// Why a version cannot come in any more.
#[derive(Debug, PartialEq, Eq)]
pub enum Existing {
    /// It is there, as it comes.
    Identical,
    /// It is there, or was, with other content.
    Different,
    /// It was removed for good.
    Removed,
    /// This one is there, which differs in build metadata only.
    Twin(Version),
    /// Something that is no version is in its place.
    Obstacle,
}

impl SourceTree {
    /// What is in the way of a version of this content: a version is what its first publish made it, for ever, and build
    /// metadata makes no other version (protocol.md, "Names").
    ///
    /// # Errors
    /// The item's folder, or the version that is there, cannot be read.
    pub fn existing(
        &self,
        id: &ReleaseId,
        history: &History,
        digest: &ContentDigest,
    ) -> Result<Option<Existing>> {
        let on_disk = self.versions(&id.item)?;
        let is_twin = |other: &&Version| **other != id.version && other.is_twin_of(&id.version);
        let twin = on_disk.iter().chain(history.published()).find(is_twin);
        let VersionHistory {
            published, removed, ..
        } = history.of(&id.version);
        let is_as_published = |digest: &ContentDigest| {
            let published = published.as_ref();
            published.is_none_or(|published| published.digest == *digest)
        };
        Ok(match twin {
            _ if removed.is_some() => Some(Existing::Removed),
            Some(twin) => Some(Existing::Twin(twin.clone())),
            None if on_disk.contains(&id.version) => {
                let held = self.digest(id)?.filter(is_as_published);
                Some(match held == Some(*digest) {
                    true => Existing::Identical,
                    false => Existing::Different,
                })
            }
            // Its folder is gone, its event is not: only the same content may come back.
            None if !is_as_published(digest) => Some(Existing::Different),
            None if self.release(id).symlink_metadata().is_ok() => Some(Existing::Obstacle),
            None => None,
        })
    }

    /// What a version is, by its files as they are now; none if it cannot be served as it is.
    ///
    /// # Errors
    /// It cannot be read, and may be anything.
    pub fn digest(&self, id: &ReleaseId) -> Result<Option<ContentDigest>> {
        match self.load_release(id) {
            Ok(loaded) => Ok(Some(loaded.digest)),
            Err(problems) => match problems.iter().find(|problem| problem.is_unread) {
                Some(unread) => Err(Error::refused(&unread.path, unread.sentence())),
                None => Ok(None),
            },
        }
    }
}
