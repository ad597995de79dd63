//! The renames: from staged to visible, in rank order, then the record.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::record::Update;
use super::stage::{Entry, Staged, modes};
use super::{durable, representation, variants_root};
use crate::coding::Coding;
use crate::error::{At, Result};
use crate::model::Audience;
use crate::plan::Removal;
use crate::plan::key::{CacheClass, PublicKey};
use crate::plan::row::Row;
use crate::report::Changes;

/// How long a web server may go on sending a file that is gone because it holds it open: so long is nginx told to
/// (`open_file_cache_valid`, whole seconds), which saves it most of what a read costs.
pub const OPEN_FILE_TIME: Duration = Duration::from_secs(1);

impl Staged<'_> {
    /// Makes the staged plan visible and durable. What it withdraws nobody can read any more when this returns.
    pub fn apply(self) -> Result<Changes> {
        let changes = Changes {
            written: self.entries.len(),
            removed: self.gone().count(),
            kept: self.kept,
            bytes: self.entries.iter().map(|entry| entry.bytes).sum(),
        };
        // A namespace that is withdrawn leaves the list before its folders go.
        let comes_first =
            |entry: &&Entry| entry.key == PublicKey::Namespaces && !self.withdrawals.is_empty();
        let (first, rest): (Vec<_>, Vec<_>) = self.entries.iter().partition(comes_first);
        first.into_iter().try_for_each(|entry| self.show(entry))?;
        for removal in &self.withdrawals {
            self.remove(removal)?;
        }
        rest.into_iter().try_for_each(|entry| self.show(entry))?;
        for removal in &self.removals {
            self.remove(removal)?;
        }
        let touched = |audience: Audience| {
            let removed = |removal: &Removal| removal.audience == audience;
            self.entries
                .iter()
                .any(|entry| entry.published.audience == audience)
                || self.withdrawals.iter().chain(&self.removals).any(removed)
        };
        for audience in Audience::ALL
            .into_iter()
            .filter(|audience| touched(*audience))
        {
            durable::sync_file_system(self.session.folders.tree(audience))?;
        }
        if !self.withdrawals.is_empty() {
            // nginx counts in whole seconds of a clock that it reads between events. Before the record says that all is
            // done: a build that is killed in here is followed by one that waits again.
            thread::sleep(OPEN_FILE_TIME + OPEN_FILE_TIME / 4);
        }
        self.settle()?;
        Ok(changes)
    }

    /// The URLs that are gone.
    fn gone(&self) -> impl Iterator<Item = &Removal> {
        let all = self.withdrawals.iter().chain(&self.removals);
        all.filter(|removal| removal.last)
    }

    /// Identity first, then variants; then those go that there are none of any longer.
    fn show(&self, entry: &Entry) -> Result<()> {
        let published = &entry.published;
        let tree = self.session.folders.tree(published.audience);
        let (_, folder_mode) = modes(published.audience);
        let variants = published.variants.iter().copied().map(Some);
        for coding in [None].into_iter().chain(variants) {
            let target = representation(tree, &entry.key, coding);
            rename_into_place(&entry.staged(coding), &target, folder_mode)?;
        }
        for coding in Coding::ALL {
            if !published.variants.contains(&coding) {
                let stale = representation(tree, &entry.key, Some(coding));
                durable::remove_file(&variants_root(tree, coding), &stale)?;
            }
        }
        Ok(())
    }

    /// Variants first, so that no coding outlives the identity.
    fn remove(&self, removal: &Removal) -> Result<()> {
        let tree = self.session.folders.tree(removal.audience);
        for coding in Coding::ALL {
            let variant = representation(tree, &removal.key, Some(coding));
            durable::remove_file(&variants_root(tree, coding), &variant)?;
        }
        durable::remove_file(tree, &representation(tree, &removal.key, None))
    }

    /// Records that the disk holds what was planned.
    fn settle(mut self) -> Result<()> {
        let mut update = Update::default();
        for removal in self.gone() {
            let row = self.session.record.row(&removal.key)?.unwrap_or_default();
            // The times of what never changes are its publish times, which may come again.
            let may_return = removal.key.cache_class() == CacheClass::Immutable;
            if may_return || !row.is_forgettable(self.now) {
                let row = Row {
                    top: row.top,
                    settled: true,
                    remembered: row.current.or(row.remembered),
                    ..Row::default()
                };
                update.set.insert(removal.key.clone(), row);
            } else {
                update.forget.push(removal.key.clone());
            }
        }
        for entry in self.entries {
            let row = Row {
                top: entry.published.top(),
                held_in: [entry.published.audience].into(),
                current: Some(entry.published),
                remembered: None,
                settled: true,
            };
            update.set.insert(entry.key, row);
        }
        self.session.record.update(&update)
    }
}

fn rename_into_place(staged: &Path, target: &Path, folder_mode: u32) -> Result<()> {
    match fs::rename(staged, target) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            durable::create_folders(target.parent().unwrap_or(target), folder_mode)?;
            fs::rename(staged, target).at("rename into place", target)
        }
        renamed => renamed.at("rename into place", target),
    }
}
