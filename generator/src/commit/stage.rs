//! Makes every representation that a plan writes, in the staging folders, with its final mode and time, and
//! journals what is about to change. No reader sees any of it.

use std::path::PathBuf;

use jiff::Timestamp;
use rayon::prelude::*;

use super::make::{self, Origin, make};
use super::record::Update;
use super::{Session, durable, staging};
use crate::coding::Coding;
use crate::error::{Error, Result};
use crate::model::Audience;
use crate::plan::key::PublicKey;
use crate::plan::row::{Published, Row};
use crate::plan::{Plan, Removal, Write};
use crate::render::Resource;

/// Says where the bytes of a resource are.
pub type FindBody<'a> = &'a (dyn for<'r> Fn(&'r Resource) -> Origin<'r> + Sync);

/// Told after each resource that is staged, of how many.
pub type Progress<'a> = &'a (dyn Fn(usize) + Sync);

/// A plan whose bytes are all on disk, waiting to be seen.
#[derive(Debug)]
pub struct Staged<'a> {
    pub(super) session: Session<'a>,
    pub(super) withdrawals: Vec<Removal>,
    pub(super) entries: Vec<Entry>,
    pub(super) removals: Vec<Removal>,
    pub(super) kept: usize,
    pub(super) now: i64,
}

/// One staged resource.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: PublicKey,
    pub(super) published: Published,
    pub(super) bytes: u64,
    /// The identity's file; a variant's has the coding as its extension.
    pub(super) staged: PathBuf,
}

impl Entry {
    /// The staged file of a representation.
    pub(super) fn staged(&self, coding: Option<Coding>) -> PathBuf {
        make::staged(&self.staged, coding)
    }
}

/// Modes of files and folders in a tree: what is public anyone may read, the rest only its group.
pub(super) fn modes(audience: Audience) -> (u32, u32) {
    match audience {
        Audience::Public => (0o644, 0o755),
        Audience::Private => (0o640, 0o750),
    }
}

impl<'a> Session<'a> {
    /// Stages a plan, durably, and journals it.
    ///
    /// # Errors
    /// A full disk; a source file that changed after it was loaded.
    pub fn stage(self, plan: Plan, origin: FindBody<'_>, done: Progress<'_>) -> Result<Staged<'a>> {
        let now = Timestamp::now().as_second();
        let entries = self.stage_all(&plan, origin, done, now)?;
        let mut staged = Staged {
            session: self,
            withdrawals: plan.withdrawals,
            removals: plan.removals,
            kept: plan.kept,
            entries,
            now,
        };
        staged.journal(plan.writes.into_iter().map(|write| (write.key, write.row)))?;
        Ok(staged)
    }

    fn stage_all(
        &self,
        plan: &Plan,
        origin: FindBody<'_>,
        done: Progress<'_>,
        now: i64,
    ) -> Result<Vec<Entry>> {
        for audience in Audience::ALL {
            let written = |write: &Write| write.resource.audience == audience;
            if plan.writes.iter().any(written) {
                durable::create_folders(&staging(self.folders, audience), 0o700)?;
            }
        }
        let entries = plan
            .writes
            .par_iter()
            .enumerate()
            .map(|(index, write)| {
                let entry = self.stage_one(index, write, origin, now)?;
                done(plan.writes.len());
                Ok(entry)
            })
            .collect::<Result<Vec<_>>>()?;
        for audience in Audience::ALL {
            if entries
                .iter()
                .any(|entry| entry.published.audience == audience)
            {
                durable::sync_file_system(self.folders.tree(audience))?;
            }
        }
        Ok(entries)
    }

    fn stage_one(
        &self,
        index: usize,
        write: &Write,
        origin: FindBody<'_>,
        now: i64,
    ) -> Result<Entry> {
        let Write { key, resource, row } = write;
        let settings = self.settings;
        let staged = staging(self.folders, resource.audience).join(index.to_string());
        let made = make(origin(resource), key, settings, &staged)?;
        if made.sha256 != resource.sha256 {
            return Err(Error::refused(
                key.to_string(),
                "its file in the source tree changed during the build; build again",
            ));
        }
        let mut published = Published {
            audience: resource.audience,
            base: 0,
            sha256: resource.sha256,
            len: resource.len,
            variants: made.variants.clone(),
            variants_hash: made.variants_hash,
            encodings: settings.encodings.clone(),
        };
        published.base = row.base_for(&published, resource.since.map_or(now, Timestamp::as_second));
        let entry = Entry {
            key: key.clone(),
            bytes: made.bytes,
            published,
            staged,
        };
        let (mode, _) = modes(resource.audience);
        made.finish(entry.published.base, mode)?;
        Ok(entry)
    }
}

impl Staged<'_> {
    /// Notes, durably, what the trees may hold from now on until the rows are settled.
    fn journal(&mut self, old: impl Iterator<Item = (PublicKey, Row)>) -> Result<()> {
        let mut update = Update::default();
        for ((key, mut row), entry) in old.zip(&self.entries) {
            row.settled = false;
            row.top = row.top.max(entry.published.top());
            row.held_in.insert(entry.published.audience);
            row.remembered = Some(entry.published.clone());
            update.set.insert(key, row);
        }
        for removal in self.withdrawals.iter().chain(&self.removals) {
            if removal.last
                && let Some(mut row) = self.session.record.row(&removal.key)?
            {
                row.settled = false;
                update.set.insert(removal.key.clone(), row);
            }
        }
        self.session.record.update(&update)
    }
}
