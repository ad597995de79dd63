//! Parts of the source tree, by which a build is told where to look. What is there is `walk`'s to see.

use std::fmt;
use std::iter;

use crate::model::{ItemId, Namespace};

/// A part of the source tree: everything at and below a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Below {
    /// A namespace.
    Namespace(Namespace),
    /// An item, and the items in it.
    Item(ItemId),
}

impl Below {
    /// Whether an item is there.
    pub fn covers(&self, item: &ItemId) -> bool {
        match self {
            Self::Namespace(namespace) => item.namespace == *namespace,
            Self::Item(top) => {
                let below = item.path.as_str().strip_prefix(top.path.as_str());
                item.namespace == top.namespace
                    && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
        }
    }

    /// Its namespace.
    pub fn namespace(&self) -> &Namespace {
        match self {
            Self::Namespace(namespace) => namespace,
            Self::Item(item) => &item.namespace,
        }
    }

    /// These, without those that lie in another of them: what is walked twice is found twice.
    pub fn outermost(places: impl Iterator<Item = Self>) -> Vec<Self> {
        let mut places: Vec<_> = places.collect();
        // Folder by folder, so that each place is followed by all that lies in it.
        places.sort_by(|a, b| a.folders().cmp(b.folders()));
        places.dedup_by(|inner, outer| matches!(inner, Self::Item(item) if outer.covers(item)));
        places
    }

    /// The folders on the way there.
    fn folders(&self) -> impl Iterator<Item = &str> {
        let path = match self {
            Self::Namespace(_) => None,
            Self::Item(item) => Some(item.path.as_str().split('/')),
        };
        iter::once(self.namespace().as_str()).chain(path.into_iter().flatten())
    }
}

impl fmt::Display for Below {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace(namespace) => namespace.fmt(f),
            Self::Item(item) => item.fmt(f),
        }
    }
}
