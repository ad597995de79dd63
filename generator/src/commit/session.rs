//! One operation on the trees, from the locks to the point of no return: what is staged and journaled, and how much.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use jiff::Timestamp;

use super::announce::Announcer;
use super::record::{Held, Journaled, Keeper, KnownItem, KnownRelease, Lasts, Record};
use super::stage::{Shown, StagedPart, Stager};
use super::staging::Staging;
use super::{OutputSettings, adopt, durable, planned};
use crate::error::{Error, Result};
use crate::folders::Checked;
use crate::lock::Lock;
use crate::model::{Audience, ItemId, Namespace};
use crate::plan::Removal;
use crate::plan::key::PublicKey;
use crate::plan::part::Part;
use crate::plan::row::Row;
use crate::report::{Changes, Planned};
use crate::webhook::News;
use crate::webhook::spool::Staged;

/// Both output trees, locked, the record of what they hold, and what is to be done about it.
#[derive(Debug)]
pub struct Session<'a> {
    pub(super) folders: &'a Checked,
    settings: &'a OutputSettings,
    record: Held<'a>,
    pub(super) units: Vec<Unit>,
    journaled: Vec<Journaled>,
    /// What the record is to say of items in the end; nothing of those that are gone.
    items: Vec<(ItemId, Option<KnownItem>)>,
    changes: Changes,
    /// What somebody wants to be told of it.
    announcer: Option<Announcer>,
    /// What would be done, where nothing is to be.
    planned: Option<Vec<Planned>>,
    /// Seconds since 1970, later than anything that was forgotten: a clock may be set back.
    now: i64,
    /// The last time that a URL had of which nothing is remembered.
    forgotten: i64,
    /// Writes out what is staged, while more is.
    flushing: Option<JoinHandle<Result<()>>>,
    /// All that was staged is seen: there is nothing in the way of the next session that it does not clear itself.
    pub(super) is_shown: bool,
    _locks: [Lock; 2],
}

/// A part that is staged and journaled.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) part: Part,
    pub(super) withdrawals: Vec<Removal>,
    pub(super) removals: Vec<Removal>,
    pub(super) shown: Shown,
}

/// A fact of the record: something was withdrawn, and nobody has waited yet until nobody reads it any more.
const WITHDRAWN: &str = "withdrawn";

impl<'a> Session<'a> {
    /// Locks the trees and opens the record. What an earlier, killed session staged is dropped.
    pub fn open(
        folders: &'a Checked,
        settings: &'a OutputSettings,
        keeper: &'a Keeper,
    ) -> Result<Self> {
        let locks = lock(folders)?;
        for audience in Audience::ALL {
            Staging::of(folders, audience).ensure_empty()?;
        }
        let mut session = Self::with(folders, settings, keeper.open(&folders.state)?, locks)?;
        session.announcer = Announcer::of(folders);
        Ok(session)
    }

    /// A session that only says what it would do.
    pub fn open_dry(
        folders: &'a Checked,
        settings: &'a OutputSettings,
        keeper: &'a Keeper,
    ) -> Result<Self> {
        let locks = lock(folders)?;
        let mut session = Self::with(folders, settings, keeper.open_aside(&folders.state)?, locks)?;
        session.planned = Some(Vec::new());
        Ok(session)
    }

    fn with(
        folders: &'a Checked,
        settings: &'a OutputSettings,
        record: Held<'a>,
        locks: [Lock; 2],
    ) -> Result<Self> {
        adopt::reconcile(&record, folders)?;
        let forgotten = record.forgotten()?;
        Ok(Self {
            folders,
            settings,
            record,
            units: Vec::new(),
            journaled: Vec::new(),
            items: Vec::new(),
            changes: Changes::default(),
            announcer: None,
            planned: None,
            now: Timestamp::now().as_second().max(forgotten + 1),
            forgotten,
            flushing: None,
            is_shown: false,
            _locks: locks,
        })
    }

    /// What is remembered of the last build.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// What stages parts, on any thread.
    pub fn stager(&self) -> Stager<'a> {
        Stager {
            folders: self.folders,
            settings: self.settings,
            now: self.now,
            is_dry: self.planned.is_some(),
        }
    }

    /// Lets the disk begin with what is staged, if it is not busy with what was before: the barrier in the end has
    /// less to wait for then.
    pub fn flush(&mut self) -> Result<()> {
        if self
            .flushing
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
        {
            return Ok(());
        }
        self.flushed()?;
        let trees: Vec<PathBuf> = self.touched().map(Path::to_owned).collect();
        let flush = move || durable::sync_file_systems(trees.iter().map(PathBuf::as_path));
        self.flushing = Some(thread::spawn(flush));
        Ok(())
    }

    /// What became of it: the system tells of a fault once, and not at the next barrier again.
    fn flushed(&mut self) -> Result<()> {
        let panicked = |_| {
            let why = "a sync of what is staged ended in a fault of the program; build again";
            Err(Error::refused(&self.folders.public, why))
        };
        let ended = self.flushing.take().map(JoinHandle::join);
        ended.map_or(Ok(()), |ended| ended.unwrap_or_else(panicked))
    }

    /// Journals what was staged; it happens with all else.
    pub fn add(&mut self, staged: StagedPart, known: Option<&KnownRelease>) -> Result<()> {
        let StagedPart {
            part,
            before,
            after,
            plan,
            shown,
            bytes,
        } = staged;
        self.changes.written += plan.writes.len();
        self.changes.removed += plan.gone().count();
        self.changes.bytes += bytes;
        let is_forgotten = |(key, _): &(&PublicKey, &Row)| !after.contains_key(*key);
        let forgotten = before.rows.iter().filter(is_forgotten);
        let last = forgotten.map(|(_, row)| row.top).max();
        self.forgotten = self.forgotten.max(last.unwrap_or_default());
        if let Some(planned) = &mut self.planned {
            planned.extend(planned::of(&plan, &before));
        }
        if let Some(announcer) = &mut self.announcer {
            announcer.note(&part, &plan, known);
        }
        let journaled = self.record.journal(part.clone(), &before, &after, known)?;
        self.journaled.push(journaled);
        self.units.push(Unit {
            part,
            withdrawals: plan.withdrawals,
            removals: plan.removals,
            shown,
        });
        Ok(())
    }

    /// What the record is to say of an item when all is done. Until then it is to be looked into again, and listed
    /// only if it is there before and after.
    pub fn add_item(&mut self, id: ItemId, after: Option<KnownItem>) -> Result<()> {
        let before = self.record.item(&id)?;
        let served = |known: &Option<KnownItem>| known.as_ref().map_or(0, |known| known.releases);
        let meanwhile = KnownItem {
            releases: served(&before).min(served(&after)),
            sight: None,
        };
        if before.is_some() || after.is_some() {
            self.record.set_item(&id, &meanwhile)?;
        }
        self.items.push((id, after));
        Ok(())
    }

    /// Something happens to an item, beside what the trees show of it.
    pub fn announce(&mut self, item: &ItemId, news: &News) {
        if let Some(announcer) = &mut self.announcer {
            announcer.news(item, news.clone());
        }
    }

    /// What an earlier, killed session was to announce.
    pub(crate) fn left_behind(&self) -> Result<Vec<Staged>> {
        let announcer = self.announcer.as_ref();
        announcer.map_or(Ok(Vec::new()), Announcer::left_behind)
    }

    /// How many URLs would be gone that nobody decided about by the access file.
    pub fn removals(&self, is_explained: impl Fn(&Removal) -> bool) -> usize {
        let units = self.units.iter();
        let all = units.flat_map(|unit| unit.withdrawals.iter().chain(&unit.removals));
        all.filter(|removal| removal.last && !is_explained(removal))
            .count()
    }

    /// The namespaces of which something goes before anything else.
    pub fn withdrawn(&self) -> BTreeSet<Namespace> {
        let withdrawals = self.units.iter().flat_map(|unit| &unit.withdrawals);
        let namespaces = withdrawals.filter_map(|removal| removal.key.namespace());
        namespaces.cloned().collect()
    }

    /// What would be done, of a session that only says so.
    pub fn planned(mut self) -> Result<(Changes, Vec<Planned>)> {
        let planned = self.planned.get_or_insert_default();
        planned.sort();
        let outputs = self.record.outputs()?;
        let touched = planned.iter().filter(|line| line.before.is_some()).count();
        let changes = Changes {
            kept: outputs.saturating_sub(touched),
            ..self.changes
        };
        Ok((changes, std::mem::take(planned)))
    }

    /// Makes everything that is staged durable, the journal with it, and these folders besides; and all that earlier
    /// sessions showed without a barrier.
    ///
    /// # Errors
    /// A full disk: then nothing has happened.
    pub fn ready(mut self, besides: &[&Path]) -> Result<Ready<'a>> {
        self.flushed()?;
        let withdraws = self.units.iter().any(|unit| !unit.withdrawals.is_empty());
        if withdraws {
            self.record.set_fact(WITHDRAWN, "true")?;
        }
        let announced = match self.announcer.take() {
            Some(announcer) => announcer.stage(&self.units, self.folders)?,
            None => None,
        };
        let is_idle = self.units.is_empty() && besides.is_empty() && announced.is_none();
        let secured = self.record.commit().and_then(|()| {
            if !is_idle {
                self.barrier(besides)?;
            }
            self.record.reserve()
        });
        match secured {
            Ok(room) => Ok(Ready {
                session: self,
                announced,
                room,
            }),
            Err(fault) => {
                // What resists is told apart by the next build of everything.
                let _ = announced.map(|announced| announced.forget());
                Err(fault)
            }
        }
    }

    /// Makes durable what earlier sessions showed without a barrier, and these folders besides.
    pub fn secure(self, besides: &[&Path]) -> Result<()> {
        self.barrier(besides)?;
        self.record.commit()
    }

    fn barrier(&self, besides: &[&Path]) -> Result<()> {
        let is_volatile = self.record.is_volatile()?;
        let trees = Audience::ALL.map(|audience| self.folders.tree(audience));
        let trees = trees.into_iter().filter(|_| is_volatile);
        let state = [&*self.folders.state];
        let all = state.into_iter().chain(self.touched()).chain(trees);
        durable::sync_file_systems(all.chain(besides.iter().copied()))?;
        match is_volatile {
            true => self.record.outlasts(),
            false => Ok(()),
        }
    }

    /// The trees that change.
    pub(super) fn touched(&self) -> impl Iterator<Item = &Path> {
        let changes = |audience: &Audience| {
            let removed = |removal: &Removal| removal.audience == *audience;
            self.units.iter().any(|unit| {
                unit.shown.audience() == Some(*audience)
                    || unit.withdrawals.iter().chain(&unit.removals).any(removed)
            })
        };
        let trees = Audience::ALL.into_iter().filter(changes);
        trees.map(|audience| self.folders.tree(audience))
    }

    /// Whether anything goes that somebody can read now.
    pub(super) fn removes(&self) -> bool {
        let mut units = self.units.iter();
        units.any(|unit| !unit.withdrawals.is_empty() || !unit.removals.is_empty())
    }

    /// Whether there is a withdrawal that nobody has waited for, of this session or of one that was killed.
    pub(super) fn has_withdrawn(&self) -> Result<bool> {
        Ok(self
            .record
            .fact(WITHDRAWN)?
            .is_some_and(|fact| fact == "true"))
    }

    /// Records that the disk holds what was planned.
    pub(super) fn settle(&self, lasts: Lasts) -> Result<()> {
        self.record.settle(&self.journaled, lasts)?;
        self.record.set_forgotten(self.forgotten)?;
        for (id, known) in &self.items {
            match known {
                Some(known) => self.record.set_item(id, known)?,
                None => self.record.forget_item(id)?,
            }
        }
        self.record.set_fact(WITHDRAWN, "false")?;
        self.record.commit()
    }

    /// What was done; after [`Self::settle`].
    pub(super) fn changes(&self) -> Result<Changes> {
        let outputs = self.record.outputs()?;
        Ok(Changes {
            kept: outputs.saturating_sub(self.changes.written),
            ..self.changes
        })
    }
}

fn lock(folders: &Checked) -> Result<[Lock; 2]> {
    Ok([Lock::take(&folders.public)?, Lock::take(&folders.private)?])
}

/// A session whose outputs are all on disk, waiting to be seen.
#[derive(Debug)]
pub struct Ready<'a> {
    pub(super) session: Session<'a>,
    /// What somebody is to be told when they are.
    pub(super) announced: Option<Staged>,
    /// What the record will need to say that all is done.
    pub(super) room: File,
}

/// What was staged in vain is nobody's to read, and on a full disk it is what is missing elsewhere.
impl Drop for Session<'_> {
    fn drop(&mut self) {
        if self.planned.is_some() || self.is_shown {
            return;
        }
        for audience in Audience::ALL {
            let staging = Staging::of(self.folders, audience);
            // What resists is cleared when the next session opens.
            let _ = match self.units.is_empty() {
                true => staging.ensure_empty(),
                false => staging.clear(),
            };
        }
    }
}
