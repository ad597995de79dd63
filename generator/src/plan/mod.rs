//! What has to happen: public keys, and the difference between what is wanted and the last build.
//!
//! No I/O and no bytes of files: a plan says which, never what.

pub mod key;
pub mod row;
pub mod url;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::access::Access;
use crate::coding::Encodings;
use crate::model::{Audience, ItemId, Namespace};
use crate::render::{Resource, Resources};
use key::PublicKey;
use row::Row;

/// Rows by key.
pub type Rows = BTreeMap<PublicKey, Row>;

/// Which part of the registry a build decides about: within it, what is not wanted goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of it.
    Everything,
    /// One item.
    Item(ItemId),
}

impl Scope {
    /// Whether a key is decided about even when it is not wanted.
    pub fn covers(&self, key: &PublicKey) -> bool {
        match self {
            Self::Everything => true,
            Self::Item(item) => key.item() == Some(item),
        }
    }
}

/// A resource that is to be written, with what is known of its URL.
#[derive(Debug)]
pub struct Write {
    /// Which.
    pub key: PublicKey,
    /// What.
    pub resource: Resource,
    /// What was there.
    pub row: Row,
}

/// A resource that is to go from a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Which.
    pub key: PublicKey,
    /// From which tree.
    pub audience: Audience,
    /// Whether the URL is gone with it, or lives on in the other tree.
    pub last: bool,
}

/// The difference between what is wanted and what is there.
#[derive(Debug, Default)]
pub struct Plan {
    /// Removals that come before anything else: from the public tree what is no longer public
    /// (design.md, decision 5), and files that stand where a folder is to be, or the other way round.
    pub withdrawals: Vec<Removal>,
    /// In rank order.
    pub writes: Vec<Write>,
    /// In opposite rank order.
    pub removals: Vec<Removal>,
    /// How many stay as they are.
    pub kept: usize,
}

impl Plan {
    /// Compares what is wanted with the rows of the same scope. What leaves the public tree because its
    /// namespace is no longer public leaves it first.
    pub fn between(
        wanted: Resources,
        mut rows: Rows,
        scope: &Scope,
        access: &Access,
        encodings: &Encodings,
    ) -> Self {
        let is_public =
            |namespace: &Namespace| access.audience(namespace) == Some(Audience::Public);
        let mut plan = Self::default();
        for (key, resource) in wanted {
            let row = rows.remove(&key).unwrap_or_default();
            let current = row.current.as_ref();
            if row.settled && current.is_some_and(|there| there.is(&resource, encodings)) {
                plan.kept += 1;
                continue;
            }
            for audience in &row.held_in {
                if *audience != resource.audience {
                    plan.remove(&key, *audience, false, is_public);
                }
            }
            plan.writes.push(Write { key, resource, row });
        }
        for (key, row) in rows {
            if scope.covers(&key) {
                for audience in row.held_in {
                    plan.remove(&key, audience, true, is_public);
                }
            }
        }
        plan.clear_the_way();
        // Stable sorts: within a rank the order of keys stays.
        plan.writes.sort_by_key(|write| write.key.rank());
        for removals in [&mut plan.withdrawals, &mut plan.removals] {
            removals.sort_by_key(|removal| std::cmp::Reverse(removal.key.rank()));
        }
        plan
    }

    fn remove(
        &mut self,
        key: &PublicKey,
        audience: Audience,
        last: bool,
        is_public: impl Fn(&Namespace) -> bool,
    ) {
        let removal = Removal {
            key: key.clone(),
            audience,
            last,
        };
        let withdrawn =
            audience == Audience::Public && key.namespace().is_some_and(|n| !is_public(n));
        match withdrawn {
            true => self.withdrawals.push(removal),
            false => self.removals.push(removal),
        }
    }

    /// A version that a hand changed may hold `a/b` where it held `a`.
    fn clear_the_way(&mut self) {
        let paths = |keys: &mut dyn Iterator<Item = &PublicKey>| -> BTreeSet<PathBuf> {
            keys.map(PublicKey::disk_path).collect()
        };
        if self.removals.is_empty() {
            return;
        }
        let written = paths(&mut self.writes.iter().map(|write| &write.key));
        let ancestors: BTreeSet<&Path> =
            written.iter().flat_map(|p| p.ancestors().skip(1)).collect();
        let in_the_way = |removal: &mut Removal| {
            let path = removal.key.disk_path();
            ancestors.contains(&*path) || path.ancestors().skip(1).any(|p| written.contains(p))
        };
        self.withdrawals
            .extend(self.removals.extract_if(.., in_the_way));
    }
}
