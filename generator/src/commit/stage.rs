//! Makes every representation that a plan writes, in the staging folders, with its final mode and time, and
//! journals what is about to change. No reader sees any of it.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use rayon::prelude::*;

use super::record::Update;
use super::{AUDIENCES, Session, durable, staging};
use crate::compress::{self, Coding};
use crate::error::{At, Error, Result};
use crate::model::{Audience, Sha256};
use crate::plan::key::PublicKey;
use crate::plan::row::{Published, Row};
use crate::plan::{Plan, Removal, Write};
use crate::render::Body;

/// Gives the bytes of a body, wherever they are.
pub type ReadBody<'a> = &'a (dyn Fn(&Body) -> Result<Vec<u8>> + Sync);

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
        match coding {
            None => self.staged.clone(),
            Some(coding) => self.staged.with_extension(coding.as_str()),
        }
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
    pub fn stage(self, plan: Plan, read: ReadBody<'_>, done: Progress<'_>) -> Result<Staged<'a>> {
        let now = Timestamp::now().as_second();
        for audience in AUDIENCES {
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
                let entry = self.stage_one(index, write, read, now)?;
                done(plan.writes.len());
                Ok(entry)
            })
            .collect::<Result<Vec<_>>>()?;
        for audience in AUDIENCES {
            if entries
                .iter()
                .any(|entry| entry.published.audience == audience)
            {
                durable::sync_file_system(self.folders.tree(audience))?;
            }
        }
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

    fn stage_one(
        &self,
        index: usize,
        write: &Write,
        read: ReadBody<'_>,
        now: i64,
    ) -> Result<Entry> {
        let Write { key, resource, row } = write;
        let identity = read(&resource.body)?;
        if Sha256::of(&identity) != resource.sha256 {
            return Err(Error::refused(
                format!("{key}"),
                "its file in the source tree changed during the build; build again",
            ));
        }
        let settings = self.settings;
        let variants = match key.media_type().is_text() {
            false => Vec::new(),
            true => compress::variants(
                &identity,
                key.cache_class(),
                &settings.encodings,
                settings.compression,
            )
            .at("compress", &key.disk_path())?,
        };
        let mut published = Published {
            audience: resource.audience,
            base: 0,
            sha256: resource.sha256,
            len: resource.len,
            variants: variants.iter().map(|(coding, _)| *coding).collect(),
            variants_hash: hash(variants.iter().map(|(_, bytes)| &bytes[..])),
            encodings: settings.encodings.clone(),
        };
        let since = resource.since.map_or(now, Timestamp::as_second);
        published.base = row.base_for(&published, since);

        let staged = staging(self.folders, resource.audience).join(index.to_string());
        let entry = Entry {
            bytes: resource.len + variants.iter().map(|(_, v)| v.len() as u64).sum::<u64>(),
            key: key.clone(),
            published,
            staged,
        };
        let base = entry.published.base;
        let (mode, _) = modes(resource.audience);
        write_file(&entry.staged(None), &identity, mode, base)?;
        for (coding, bytes) in &variants {
            let mtime = base + coding.mtime_offset();
            write_file(&entry.staged(Some(*coding)), bytes, mode, mtime)?;
        }
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
            row.pending = Some(entry.published.clone());
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
        match update.set.is_empty() {
            true => Ok(()),
            false => self.session.record.update(&update),
        }
    }
}

/// One hash over all variants; lengths keep their borders apart.
pub(super) fn hash<'b>(variants: impl Iterator<Item = &'b [u8]>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for bytes in variants {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    }
    hasher.finalize().into()
}

fn write_file(path: &Path, bytes: &[u8], mode: u32, mtime: i64) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)?;
        file.write_all(bytes)?;
        // The creation mode went through the umask.
        file.set_permissions(PermissionsExt::from_mode(mode))?;
        set_mtime(&file, mtime)
    };
    write().at("write", path)
}

fn set_mtime(file: &File, seconds: i64) -> std::io::Result<()> {
    let since_1970 = Duration::from_secs(seconds.max(0).unsigned_abs());
    file.set_modified(SystemTime::UNIX_EPOCH + since_1970)
}
