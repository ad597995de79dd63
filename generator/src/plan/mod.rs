//! What has to happen: public keys, and the difference between what is wanted and the last build.
//!
//! No I/O and no bytes of files: a plan says which, never what.

pub mod key;
pub mod part;
pub mod row;
pub mod url;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::access::Access;
use crate::coding::Encodings;
use crate::model::{Audience, Namespace};
use crate::render::{Resource, Resources};
use key::PublicKey;
use part::Recorded;
use row::Row;

/// Rows by key.
pub type Rows = BTreeMap<PublicKey, Row>;

/// What decides about every part alike.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// What is public.
    pub access: &'a Access,
    /// Which variants there are to be.
    pub encodings: &'a Encodings,
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
    /// Why.
    pub why: Why,
}

/// Why a resource is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// There was nothing at its URL.
    New,
    /// Its bytes are others.
    Changed,
    /// Others may read it than could before.
    Moved,
    /// Other variants are asked for.
    Encodings,
    /// What the disk holds is not certain: a build was cut short, a tree or the record was lost, or it was asked for.
    Uncertain,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::New => "new",
            Self::Changed => "its content changed",
            Self::Moved => "others may read it now",
            Self::Encodings => "other encodings are asked for",
            Self::Uncertain => "what the disk holds is not certain",
        })
    }
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

/// The difference between what is wanted of a part and what is there.
#[derive(Debug, Default)]
pub struct Plan {
    /// Removals that come before anything else: from the public tree what is no longer public
    /// (design.md, decision 5), and files that stand where a folder is to be, or the other way round.
    pub withdrawals: Vec<Removal>,
    /// In rank order.
    pub writes: Vec<Write>,
    /// In opposite rank order.
    pub removals: Vec<Removal>,
    /// The rows of what stays as it is.
    pub kept: Rows,
}

impl Plan {
    /// Compares what is wanted of a part with what is recorded of it. What leaves the public tree because its
    /// namespace is no longer public leaves it first.
    pub fn between(wanted: Resources, recorded: &Recorded, rules: Rules<'_>) -> Self {
        let is_public =
            |namespace: &Namespace| rules.access.audience(namespace) == Some(Audience::Public);
        let mut rows = recorded.rows.clone();
        let mut plan = Self::default();
        for (key, resource) in wanted {
            let row = rows.remove(&key).unwrap_or_default();
            let Some(why) = reason(&row, recorded.is_certain(), &resource, rules.encodings) else {
                plan.kept.insert(key, row);
                continue;
            };
            for audience in &row.held_in {
                if *audience != resource.audience {
                    plan.remove(&key, *audience, false, is_public);
                }
            }
            plan.writes.push(Write {
                key,
                resource,
                row,
                why,
            });
        }
        for (key, row) in rows {
            for audience in &row.held_in {
                plan.remove(&key, *audience, true, is_public);
            }
            if row.held_in.is_empty() {
                plan.kept.insert(key, row);
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

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.withdrawals.is_empty() && self.removals.is_empty()
    }

    /// The URLs that are gone.
    pub fn gone(&self) -> impl Iterator<Item = &Removal> {
        let all = self.withdrawals.iter().chain(&self.removals);
        all.filter(|removal| removal.last)
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

/// Why a resource has to be written, if it has to.
fn reason(row: &Row, certain: bool, wanted: &Resource, encodings: &Encodings) -> Option<Why> {
    let Some(there) = &row.current else {
        return Some(match row.held_in.is_empty() {
            true => Why::New,
            false => Why::Uncertain,
        });
    };
    if there.sha256 != wanted.sha256 {
        Some(Why::Changed)
    } else if there.audience != wanted.audience {
        Some(Why::Moved)
    } else if there.encodings != *encodings {
        Some(Why::Encodings)
    } else {
        // Variants that a newer compressor would make otherwise stay.
        (!certain).then_some(Why::Uncertain)
    }
}
