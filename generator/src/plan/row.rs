//! What is remembered of a URL between builds, and the modification times that follow from it
//! (design.md, decision 4).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::coding::{Coding, Encodings};
use crate::model::{Audience, Sha256};

/// What a URL was published as: all its representations and their times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// In which tree.
    pub audience: Audience,
    /// The identity's modification time, in seconds since 1970; a variant's is a little later.
    pub base: i64,
    /// The identity.
    pub sha256: Sha256,
    /// Its bytes.
    pub len: u64,
    /// The variants.
    pub variants: Vec<Coding>,
    /// What the variants hold, all together. It never leaves the machine, so it is the fast hash.
    pub variants_hash: [u8; 32],
    /// Which variants were asked for; where one was not smaller there are none.
    pub encodings: Encodings,
}

impl Published {
    /// The latest modification time among its representations, at most.
    pub fn top(&self) -> i64 {
        let offsets = Coding::ALL.map(Coding::mtime_offset);
        self.base + offsets.into_iter().max().unwrap_or_default()
    }

    /// Whether both are the same bytes under every coding, so that they may share their ETags.
    fn same_bytes(&self, other: &Self) -> bool {
        (&self.sha256, &self.variants, &self.variants_hash)
            == (&other.sha256, &other.variants, &other.variants_hash)
    }
}

/// What is remembered of one URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// What the last finished build left there.
    pub current: Option<Published>,
    /// What else it was: what an unfinished build was about to put there, or what was removed from it.
    pub remembered: Option<Published>,
    /// The trees that may hold something of this URL. Grows with each build that begins, shrinks only when one
    /// ends: whatever was interrupted how often, nothing is forgotten in the public tree.
    pub held_in: BTreeSet<Audience>,
    /// The highest modification time that this URL ever had.
    pub top: i64,
}

impl Row {
    /// The time for new representations: that of the same bytes if they were the last ones here, so that
    /// their ETags come back; else later than anything that this URL ever had.
    ///
    /// `since` is the time of the publish for what never changes, else now.
    pub fn base_for(&self, new: &Published, since: i64) -> i64 {
        [&self.current, &self.remembered]
            .into_iter()
            .flatten()
            .find(|known| known.top() == self.top && known.same_bytes(new))
            .map_or_else(|| since.max(self.top + 1), |known| known.base)
    }

    /// Whether the row may be forgotten once its URL is gone: any later build gets later times, since the record remembers
    /// the last time that was forgotten.
    pub fn is_forgettable(&self, now: i64) -> bool {
        self.top < now
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn published(content: u8, base: i64) -> Published {
        Published {
            audience: Audience::Public,
            base,
            sha256: Sha256::of(&[content]),
            len: 1,
            variants: Vec::new(),
            variants_hash: [content; 32],
            encodings: Encodings::default(),
        }
    }

    proptest! {
        /// Whatever builds do at whatever time, killed or finished: a modification time of a URL never
        /// stands for two contents.
        #[test]
        fn no_two_contents_share_a_time(steps in prop::collection::vec((0u8..4, 0i64..6, any::<bool>()), 1..40)) {
            let mut row = Row::default();
            let mut seen = std::collections::BTreeMap::new();
            for (content, now, finished) in steps {
                let mut new = published(content, 0);
                new.base = row.base_for(&new, now);
                for offset in 0..=3 {
                    let earlier = seen.insert(new.base + offset, (content, offset));
                    prop_assert!(earlier.is_none_or(|earlier| earlier == (content, offset)));
                }
                row.top = row.top.max(new.top());
                if finished {
                    row.current = Some(new);
                    row.remembered = None;
                } else {
                    row.remembered = Some(new);
                }
            }
        }
    }
}
