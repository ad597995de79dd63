//! A build, from source tree to output trees, top to bottom: look, load, plan, stage, apply.
//!
//! The cost follows what changed: an item that looks as it did is not read, and nothing of it is planned.

mod change;
mod item;
mod lists;
mod look;
mod release;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use rayon::prelude::*;

use crate::access::Access;
use crate::audit::{Action, Attempt, By, Line, Log, Rotation};
use crate::commit::record::{Keeper, KnownItem, Record};
use crate::commit::stage::{FindBody, StagedPart, Stager};
use crate::commit::{OutputSettings, Session};
use crate::error::{Error, Result};
use crate::folders::Checked;
use crate::lock::Lock;
use crate::model::{Audience, Event, ItemId};
use crate::plan::part::{Part, Recorded};
use crate::plan::{Plan, Removal, Rules};
use crate::report::Report;
use crate::source::SourceTree;
use crate::source::below::Below;
use crate::source::signature::{Sight, Signature};
pub use change::{Arriving, ItemChange};
use item::{Made, Work};
use lists::Lists;
use look::{Case, Look};

/// A registry whose folders belong together.
#[derive(Debug)]
pub struct Registry {
    folders: Checked,
    source: SourceTree,
    outputs: OutputSettings,
    record: Keeper,
    audit: Log,
}

/// What a build may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildOptions {
    /// Make every output anew (`--full`).
    pub full: bool,
    /// Go on where suspiciously much would be removed (`--allow-removals`).
    pub allow_removals: bool,
    /// Who accepts what a hand made of versions that were published (`--accept-changes`); nobody, usually.
    pub accepted_by: Option<String>,
}

/// What a build looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of the source tree.
    Everything,
    /// These parts of it, and its presets.
    Parts(BTreeSet<Below>),
}

/// Reads the access file, as it is now.
pub type Decide<'a> = &'a dyn Fn() -> Result<Access>;

/// Told after each version that is done, of how many.
pub type Progress<'a> = &'a (dyn Fn(usize) + Sync);

/// A build of up to this many removals never stops to ask.
const REMOVALS_UNASKED: usize = 100;

/// Versions that are made at once: their plans are in memory, their bytes are not.
const BATCH: usize = 128;

/// The rules that make outputs of sources, numbered: with other ones everything is looked into again.
const RULES: &str = "1";

/// What every part of a build needs to know.
struct Context<'c> {
    folders: &'c Checked,
    source: &'c SourceTree,
    rules: Rules<'c>,
    stager: Stager<'c>,
    full: bool,
    accepted_by: Option<&'c str>,
    progress: &'c (dyn Fn() + Sync),
}

impl Context<'_> {
    /// What was seen, under what else decides about the outputs.
    fn circumstances(&self, sight: Signature, audience: Audience) -> Signature {
        let encodings = String::from(self.rules.encodings.clone());
        sight.under(format!("{RULES} {audience:?} {encodings}").as_bytes())
    }

    /// The same, if the next change is sure to show.
    fn lasting(&self, sight: Sight, audience: Audience) -> Option<Signature> {
        (!sight.fresh).then(|| self.circumstances(sight.signature, audience))
    }

    fn recorded(&self, record: &Record, part: &Part) -> Result<Recorded> {
        let mut recorded = record.recorded(part)?;
        recorded.anew = self.full;
        Ok(recorded)
    }

    /// Stages a plan, unless there is nothing to do.
    fn stage(
        &self,
        part: Part,
        recorded: Recorded,
        plan: Plan,
        origin: FindBody<'_>,
    ) -> Result<Option<StagedPart>> {
        match plan.is_empty() {
            true => Ok(None),
            false => self.stager.stage(part, recorded, plan, origin).map(Some),
        }
    }
}

impl Registry {
    /// A registry in these folders.
    pub fn new(folders: Checked, outputs: OutputSettings, audit: Rotation) -> Self {
        Self {
            source: SourceTree::at(&folders.source),
            audit: Log::of(&folders.state, audit),
            folders,
            outputs,
            record: Keeper::default(),
        }
    }

    /// Its source tree.
    pub fn source(&self) -> &SourceTree {
        &self.source
    }

    /// Its folders.
    pub fn folders(&self) -> &Checked {
        &self.folders
    }

    /// How its outputs are made.
    pub fn outputs(&self) -> &OutputSettings {
        &self.outputs
    }

    /// Its audit log.
    pub fn audit(&self) -> &Log {
        &self.audit
    }

    /// Takes the lock of the source tree, if it is still the one that this registry was opened with.
    ///
    /// # Errors
    /// As [`Lock::take`] and [`Checked::require_source`].
    pub fn lock_source(&self) -> Result<Lock> {
        self.of_this_source(Lock::take(self.source.root()))
    }

    /// The same, for whoever waits only while this says so.
    ///
    /// # Errors
    /// As [`Registry::lock_source`].
    pub fn lock_source_while(&self, waits: &dyn Fn() -> bool) -> Result<Lock> {
        self.of_this_source(Lock::take_while(self.source.root(), waits))
    }

    fn of_this_source(&self, lock: Result<Lock>) -> Result<Lock> {
        // Under the lock; and where it could not even be opened, this says why.
        self.folders.require_source()?;
        lock
    }

    /// Brings the output trees to what the source tree and the access file say.
    ///
    /// `decide` reads the access file. It is asked under the lock, and again before anything is seen: what a file
    /// of a minute ago opened must not be published now.
    pub fn build(
        &self,
        scope: &Scope,
        decide: Decide<'_>,
        options: &BuildOptions,
        progress: Progress<'_>,
    ) -> Result<Report> {
        let _lock = self.lock_source()?;
        self.build_locked(scope, decide, options, progress)
    }

    fn build_locked(
        &self,
        scope: &Scope,
        decide: Decide<'_>,
        options: &BuildOptions,
        progress: Progress<'_>,
    ) -> Result<Report> {
        let start = Instant::now();
        let access = decide()?;
        let mut session = self.session()?;
        let is_known = session.record().knows_the_lists()?;
        let scope = match is_known {
            true => scope,
            false => &Scope::Everything,
        };
        let mut report = Report::default();
        let staged = self.stage(&mut session, scope, &access, options, progress, &mut report);
        let accepted = match staged {
            Err(suspicious @ Error::ManyRemovals { .. }) if *scope == Scope::Everything => {
                let mut withdrawn = session.withdrawn();
                withdrawn.retain(|namespace| access.audience(namespace) != Some(Audience::Public));
                drop(session);
                // What nobody may read any longer goes all the same (design.md, decision 5).
                if is_known && !withdrawn.is_empty() {
                    let withdrawn = withdrawn.into_iter().map(Below::Namespace);
                    let scope = Scope::Parts(withdrawn.collect());
                    self.build_locked(&scope, decide, &BuildOptions::default(), progress)?;
                }
                return Err(suspicious);
            }
            staged => staged?,
        };
        if decide()? != access {
            return Err(Error::refused(
                self.source.root(),
                "the access file changed during the build, so nothing was published; build again",
            ));
        }
        let left_behind = session.left_behind()?;
        let ready = session.ready(&[])?;
        for (item, event) in &accepted {
            self.audit.append_durably(&acceptance(item, event))?;
            self.source.append(item, event)?;
        }
        // Of the source tree only events are ours; without one there may be nothing to wait for.
        let besides = accepted.first().map(|_| self.source.root());
        report.changes = ready.apply(besides.as_slice())?;
        if *scope == Scope::Everything {
            let mut left_behind = left_behind.iter();
            left_behind.try_for_each(|staged| staged.recover(&self.source))?;
        }
        report.seconds = start.elapsed().as_secs_f64();
        Ok(report)
    }

    /// All of the trees and the record, for one operation.
    fn session(&self) -> Result<Session<'_>> {
        Session::open(&self.folders, &self.outputs, &self.record)
    }

    /// The same, to change nothing.
    pub(crate) fn look_only(&self) -> Result<Session<'_>> {
        Session::open_dry(&self.folders, &self.outputs, &self.record)
    }

    /// What a build would do, without doing it.
    pub fn dry_run(&self, decide: Decide<'_>, options: &BuildOptions) -> Result<Report> {
        let _lock = self.lock_source()?;
        let access = decide()?;
        let mut session = self.look_only()?;
        let mut report = Report::default();
        let scope = Scope::Everything;
        self.stage(&mut session, &scope, &access, options, &|_| (), &mut report)?;
        (report.changes, report.planned) = session.planned()?;
        Ok(report)
    }

    /// Stages all that changed; gives the events of what was accepted.
    fn stage(
        &self,
        session: &mut Session<'_>,
        scope: &Scope,
        access: &Access,
        options: &BuildOptions,
        progress: Progress<'_>,
        report: &mut Report,
    ) -> Result<Vec<(ItemId, Event)>> {
        let mut accepted = Vec::new();
        let mut lists = Lists::new(&self.source, access, scope, &mut report.problems)?;
        let known = Self::known(session, scope)?;
        let survey = self.survey(&lists, scope, &known);
        report.problems.extend(survey.problems.iter().cloned());
        let total = AtomicUsize::new(0);
        let advance = || progress(total.load(Ordering::Relaxed));
        let context = self.context(session, access, options, &advance);
        let Look { changed, unchanged } = self.compare(&context, session, known, survey)?;
        report.releases = unchanged;
        let versions = changed.iter().map(|(_, _, case)| match case {
            Case::Seen(seen) => seen.versions().len(),
            Case::Blind | Case::Gone => 1,
        });
        total.store(versions.sum(), Ordering::Relaxed);
        let mut changed = changed.into_iter();
        let mut batch = self.gather(&context, session.record(), &mut changed)?;
        let mut made: Vec<Made> = Vec::new();
        while !batch.is_empty() || !made.is_empty() {
            let works = std::mem::take(&mut batch);
            let mut making = Ok(Vec::new());
            // The record is for this thread alone: what it has to be asked and told of the neighbours goes beside.
            rayon::in_place_scope(|scope| {
                scope.spawn(|_| {
                    let makes = works.into_par_iter().map(|work| work.make(&context));
                    making = makes.collect::<Result<_>>();
                });
                for made in made.drain(..) {
                    report.releases += made.served;
                    report.problems.extend(made.problems.iter().cloned());
                    accepted.extend(made.accepted());
                    lists.note(session.record(), &made)?;
                    add(session, made)?;
                }
                session.flush()?;
                batch = self.gather(&context, session.record(), &mut changed)?;
                Ok::<(), Error>(())
            })?;
            made = making?;
        }
        lists.stage(&context, session, &mut report.problems)?;
        report.problems.sort();
        self.ask_about_removals(session, access, options)?;
        Ok(accepted)
    }

    /// The next versions to be made, with what the record knows of them; none where there are no more.
    fn gather(
        &self,
        context: &Context<'_>,
        record: &Record,
        changed: &mut impl Iterator<Item = (ItemId, Audience, Case)>,
    ) -> Result<Vec<Work<'static>>> {
        let mut batch = Vec::new();
        let mut size = 0;
        while size < BATCH
            && let Some((id, audience, case)) = changed.next()
        {
            let work = match case {
                Case::Seen(seen) => Work::gather(context, record, id, audience, seen, None, &[])?,
                Case::Blind => Work::left(context, record, id, audience, Vec::new())?,
                Case::Gone => Work::gone(context, record, id, audience)?,
            };
            size += work.len().max(1);
            batch.push(work);
        }
        Ok(batch)
    }

    fn context<'c>(
        &'c self,
        session: &Session<'c>,
        access: &'c Access,
        options: &'c BuildOptions,
        progress: &'c (dyn Fn() + Sync),
    ) -> Context<'c> {
        Context {
            folders: &self.folders,
            source: &self.source,
            rules: Rules {
                access,
                encodings: &self.outputs.encodings,
            },
            stager: session.stager(),
            full: options.full,
            accepted_by: options.accepted_by.as_deref(),
            progress,
        }
    }

    /// An unmounted source is not an empty registry.
    fn ask_about_removals(
        &self,
        session: &Session<'_>,
        access: &Access,
        options: &BuildOptions,
    ) -> Result<()> {
        // What the access file has taken from its readers goes without a question: it was decided.
        let is_explained = |removal: &Removal| {
            let audience = removal
                .key
                .namespace()
                .map(|namespace| access.audience(namespace));
            audience.is_some_and(|audience| audience.is_none_or(|it| it != removal.audience))
        };
        let removals = session.removals(is_explained);
        let outputs = session.record().outputs()?;
        if removals > REMOVALS_UNASKED && removals > outputs / 10 && !options.allow_removals {
            return Err(Error::ManyRemovals {
                path: self.source.root().to_owned(),
                removals,
                outputs,
            });
        }
        Ok(())
    }
}

/// The line of a version that an admin accepted as a hand made it.
fn acceptance(item: &ItemId, event: &Event) -> Line {
    let attempt = Attempt {
        by: Some(By::named(&event.by)),
        ..Attempt::of(Action::Accept).about(item, &event.change)
    };
    attempt.succeeded()
}

/// Journals what was made of an item.
fn add(session: &mut Session<'_>, made: Made) -> Result<()> {
    for release in made.releases {
        match release.staged {
            Some(staged) => session.add(staged, release.known.as_ref())?,
            None => {
                if let Some(known) = &release.known {
                    let part = Part::Release(made.id.release(release.version));
                    session.record().know(&part, known)?;
                }
            }
        }
    }
    if let Some(documents) = made.documents {
        session.add(documents, None)?;
    }
    let after = KnownItem {
        releases: made.served,
        sight: made.sight,
    };
    // One with something to report is looked into again each time, be it served or not.
    let is_known = made.served > 0 || !made.problems.is_empty();
    session.add_item(made.id, is_known.then_some(after))
}
