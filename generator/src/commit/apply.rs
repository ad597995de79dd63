//! The renames: from staged to visible, in rank order, then the record.

use std::cmp::Reverse;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::thread;
use std::time::Duration;

use walkdir::WalkDir;

use super::record::Lasts;
use super::session::{Ready, Unit};
use super::stage::{Shown, ShownFile};
use super::staging::Staging;
use super::{ROOTS, durable, modes, representation, root};
use crate::coding::Coding;
use crate::error::{At, Error, Result};
use crate::folders::Folders;
use crate::model::Audience;
use crate::plan::Removal;
use crate::plan::key::{CommitRank, PublicKey};
use crate::plan::part::Part;
use crate::report::Changes;

/// How long a web server may go on sending a file that is gone because it holds it open: so long is nginx told to
/// (`open_file_cache_valid`, whole seconds), which saves it most of what a read costs.
pub const OPEN_FILE_TIME: Duration = Duration::from_secs(1);

impl<'a> Ready<'a> {
    /// Makes what is staged visible and durable. What it withdraws nobody can read any more when this returns.
    ///
    /// `besides` are folders of other file systems that changed for the same end.
    pub fn apply(self, besides: &[&Path]) -> Result<Changes> {
        self.rename()?;
        let touched = self.session.touched();
        durable::sync_file_systems(touched.chain(besides.iter().copied()))?;
        self.settle(Lasts::Always)
    }

    /// Makes what is staged visible. A power cut may take it back until the next session has its barrier: for a caller
    /// who has noted durably what is to be done again then. What removes something waits for a barrier all the same:
    /// of what comes back nobody would know.
    pub fn show(mut self) -> Result<Visible<'a>> {
        if self.session.removes() {
            return self.apply(&[]).map(Visible::Settled);
        }
        self.rename()?;
        self.session.is_shown = true;
        Ok(Visible::Volatile(Box::new(self)))
    }

    fn rename(&self) -> Result<()> {
        let session = &self.session;
        let units = &session.units;
        let mut withdrawals: Vec<&Removal> = units.iter().flat_map(|u| &u.withdrawals).collect();
        let mut removals: Vec<&Removal> = units.iter().flat_map(|u| &u.removals).collect();
        for removals in [&mut withdrawals, &mut removals] {
            removals.sort_by_key(|removal| Reverse(removal.key.rank()));
        }
        // A namespace that is withdrawn leaves the list before its folders go.
        let comes_first =
            |unit: &&Unit| !withdrawals.is_empty() && rank(&unit.part) == CommitRank::Namespaces;
        let (first, mut rest): (Vec<_>, Vec<_>) = units.iter().partition(comes_first);
        let trees = Trees(session.folders);
        first.into_iter().try_for_each(|unit| trees.show(unit))?;
        withdrawals.iter().try_for_each(|gone| trees.remove(gone))?;
        // One after another: the system renames from one folder to another one at a time on a file system, and threads
        // that wait for that spin.
        rest.sort_by_key(|unit| rank(&unit.part));
        rest.into_iter().try_for_each(|unit| trees.show(unit))?;
        removals.iter().try_for_each(|gone| trees.remove(gone))
    }

    fn settle(self, lasts: Lasts) -> Result<Changes> {
        let session = &self.session;
        if session.has_withdrawn()? {
            // nginx counts in whole seconds of a clock that it reads between events. Before the record says that all is
            // done: a build that is killed in here is followed by one that waits again.
            thread::sleep(OPEN_FILE_TIME + OPEN_FILE_TIME / 4);
        }
        if let Some(announced) = &self.announced {
            announced.is_due()?;
        }
        drop(self.room);
        session.settle(lasts)?;
        session.changes()
    }
}

/// What everybody can read.
#[derive(Debug)]
pub enum Visible<'a> {
    /// The record knows.
    Settled(Changes),
    /// The record does not know yet: until then the next session would make it once more.
    Volatile(Box<Ready<'a>>),
}

impl Visible<'_> {
    /// Tells the record, and tidies up: work that nobody has to wait for.
    pub fn settle(self) -> Result<Changes> {
        match self {
            Self::Settled(changes) => Ok(changes),
            Self::Volatile(ready) => ready.settle(Lasts::ThisBoot),
        }
    }
}

/// The trees that readers see.
struct Trees<'a>(&'a Folders);

impl Trees<'_> {
    fn show(&self, unit: &Unit) -> Result<()> {
        match &unit.shown {
            Shown::Nothing => Ok(()),
            Shown::Folder(audience, codings) => {
                let variants = codings.iter().copied().map(Some);
                for coding in [None].into_iter().chain(variants) {
                    self.show_folder(*audience, coding, &unit.part)?;
                }
                Ok(())
            }
            Shown::Files(audience, files) => {
                let mut files = files.iter();
                files.try_for_each(|file| self.show_file(*audience, &unit.part, file))
            }
        }
    }

    /// A version is there at once. What somebody left in its place is no reason to stop: then file by file.
    fn show_folder(&self, audience: Audience, coding: Option<Coding>, part: &Part) -> Result<()> {
        let staged = Staging::of(self.0, audience).folder(part, coding);
        let target = root(self.0.tree(audience), coding).join(part.place());
        let (_, folder_mode) = modes(audience);
        match rename(&staged, &target, folder_mode) {
            Err(Error::Io { cause, .. })
                if matches!(
                    cause.kind(),
                    ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists
                ) =>
            {
                for entry in WalkDir::new(&staged).sort_by_file_name() {
                    let entry = entry.at("walk", &staged)?;
                    let path = entry.path().strip_prefix(&staged).unwrap_or(entry.path());
                    if entry.file_type().is_file() {
                        let target = target.join(path);
                        rename(entry.path(), &target, folder_mode)?;
                    }
                }
                Ok(())
            }
            renamed => renamed,
        }
    }

    /// Identity first, then variants; then those go that there are none of any longer.
    fn show_file(&self, audience: Audience, part: &Part, file: &ShownFile) -> Result<()> {
        let tree = self.0.tree(audience);
        let staging = Staging::of(self.0, audience);
        let (_, folder_mode) = modes(audience);
        let variants = file.variants.iter().copied().map(Some);
        for coding in [None].into_iter().chain(variants) {
            let staged = staging.representation(part, &file.key, coding);
            let target = representation(tree, &file.key, coding);
            rename(&staged, &target, folder_mode)?;
        }
        for coding in &file.stale {
            let stale = representation(tree, &file.key, Some(*coding));
            durable::remove_file(&root(tree, Some(*coding)), &stale)?;
        }
        Ok(())
    }

    /// Variants first, so that no coding outlives the identity.
    fn remove(&self, removal: &Removal) -> Result<()> {
        let tree = self.0.tree(removal.audience);
        for coding in ROOTS.into_iter().rev() {
            let path = representation(tree, &removal.key, coding);
            durable::remove_file(&root(tree, coding), &path)?;
        }
        Ok(())
    }
}

/// When a part appears: with the first of its resources that anything else could name.
fn rank(part: &Part) -> CommitRank {
    match part {
        Part::Release(_) => CommitRank::Manifest,
        Part::Item(_) => CommitRank::Latest,
        Part::Alone(key) => PublicKey::rank(key),
    }
}

fn rename(staged: &Path, target: &Path, folder_mode: u32) -> Result<()> {
    match fs::rename(staged, target) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            let folder = target.parent().unwrap_or(target);
            durable::create_folders(folder, folder_mode)?;
            fs::rename(staged, target)
        }
        renamed => renamed,
    }
    .at("rename into place", target)
}
