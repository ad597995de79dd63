//! Parts of the trees: resources that are planned, recorded and settled together.

use std::path::PathBuf;

use super::Rows;
use super::key::PublicKey;
use crate::model::{Audience, ItemId, Namespace, ReleaseId};

/// Resources that are there or not as one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// A version: its manifest and its files. Nothing else lives below its URL.
    Release(ReleaseId),
    /// The documents of an item: its version list, latest, tags.
    Item(ItemId),
    /// A document of nobody's: a listing, a preset, a schema.
    Alone(PublicKey),
}

impl Part {
    /// The folder that all of it is in, below a tree's root or below that of a variant; others may be in it too.
    pub fn place(&self) -> PathBuf {
        let path = self.outermost().disk_path();
        path.parent().map(PathBuf::from).unwrap_or_default()
    }

    /// The resource whose URL those of all others begin with.
    pub fn outermost(&self) -> PublicKey {
        match self {
            Self::Release(id) => PublicKey::Manifest(id.clone()),
            Self::Item(id) => PublicKey::Latest(id.clone()),
            Self::Alone(key) => key.clone(),
        }
    }

    /// The namespace that decides who may read it; none for what everybody may.
    pub fn namespace(&self) -> Option<&Namespace> {
        match self {
            Self::Release(id) => Some(&id.item.namespace),
            Self::Item(id) => Some(&id.namespace),
            Self::Alone(key) => key.namespace(),
        }
    }
}

impl PublicKey {
    /// The part that a resource is of.
    pub fn part(&self) -> Part {
        match self {
            Self::File(release, _) | Self::Manifest(release) => Part::Release(release.clone()),
            Self::Versions(item) | Self::Latest(item) | Self::Tag(item, _) => {
                Part::Item(item.clone())
            }
            _ => Part::Alone(self.clone()),
        }
    }
}

/// What is remembered of a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// What is known of each of its URLs.
    pub rows: Rows,
    /// Whether the disk is sure to hold the `current` of each row, and nothing else anywhere. It is not while a build
    /// is under way, nor after a kill.
    pub settled: bool,
    /// Whether all that can be made of it is to be made anew, whatever stands (`--full`).
    pub anew: bool,
}

impl Recorded {
    /// Whether the disk is sure to hold the part, all of it for this audience and nothing for any other.
    pub fn stands_for(&self, audience: Audience) -> bool {
        let mut live = self.rows.values().filter(|row| !row.held_in.is_empty());
        self.settled && {
            let mut any = false;
            let fits = live.all(|row| {
                any = true;
                let current = row.current.as_ref();
                current.is_some_and(|there| there.audience == audience)
                    && row.held_in.iter().all(|held| *held == audience)
            });
            any && fits
        }
    }

    /// Whether nobody doubts that the disk holds what is recorded.
    pub fn is_certain(&self) -> bool {
        self.settled && !self.anew
    }

    /// Whether the trees hold nothing of it.
    pub fn is_nowhere(&self) -> bool {
        self.rows.values().all(|row| row.held_in.is_empty())
    }
}
