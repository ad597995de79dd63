//! The only code that writes: locks, staging, renames in rank order, the record of the last build.
//!
//! A build is `Session::open` → `stage` → `apply`. Until `apply` nothing that a reader sees has changed, so a
//! full disk speaks up before it. A kill at any instant leaves rows that are not settled, and the next build
//! of them completes the tree.

pub mod adopt;
pub mod apply;
pub mod durable;
pub mod make;
pub mod record;
pub mod stage;

use std::path::{Path, PathBuf};

use crate::coding::{Coding, Encodings};
use crate::compress::Compression;
use crate::error::Result;
use crate::folders::Checked;
use crate::lock::Lock;
use crate::model::Audience;
use crate::plan::key::PublicKey;
use record::Record;

/// How outputs are made.
#[derive(Debug, Clone, Default)]
pub struct OutputSettings {
    /// Which variants there are.
    pub encodings: Encodings,
    /// How small.
    pub compression: Compression,
}

/// Both output trees, locked, and the record of what they hold.
#[derive(Debug)]
pub struct Session<'a> {
    folders: &'a Checked,
    settings: &'a OutputSettings,
    record: Record,
    _locks: [Lock; 2],
}

impl<'a> Session<'a> {
    /// Locks the trees and opens the record. What an earlier, killed session staged is dropped.
    pub fn open(folders: &'a Checked, settings: &'a OutputSettings) -> Result<Self> {
        let locks = [Lock::take(&folders.public)?, Lock::take(&folders.private)?];
        clear_staging(folders)?;
        let mut record = Record::open(&folders.state)?;
        adopt::reconcile(&mut record, folders, &settings.encodings)?;
        Ok(Self {
            folders,
            settings,
            record,
            _locks: locks,
        })
    }

    /// What is remembered of the last build.
    pub fn record(&self) -> &Record {
        &self.record
    }
}

/// Each tree stages inside itself: separate mounts do not rename into each other.
fn staging(folders: &Checked, audience: Audience) -> PathBuf {
    folders.tree(audience).join(".staging")
}

/// What was staged in vain is nobody's to read, and on a full disk it is what is missing elsewhere.
impl Drop for Session<'_> {
    fn drop(&mut self) {
        // What resists is cleared when the next session opens.
        let _ = clear_staging(self.folders);
    }
}

fn clear_staging(folders: &Checked) -> Result<()> {
    for audience in Audience::ALL {
        durable::remove_folder(&staging(folders, audience))?;
    }
    Ok(())
}

/// Where a representation of a resource is in a tree: the identity, or a variant (design.md, decision 3).
pub fn representation(tree: &Path, key: &PublicKey, coding: Option<Coding>) -> PathBuf {
    match coding {
        None => tree.join(key.disk_path()),
        Some(coding) => variants_root(tree, coding).join(key.disk_path()),
    }
}

fn variants_root(tree: &Path, coding: Coding) -> PathBuf {
    tree.join(".variants").join(coding.as_str())
}
