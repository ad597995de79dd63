//! Takes what was found: each version is fetched into a workspace, judged as a build would judge it, and admitted.
//!
//! The source tree's lock is held for the last step only. A kill in between leaves a version out, or its event; the
//! next run finds that and goes on from there.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::origin::{Facts, Held, Offer, Origin, Standing};
use super::report::{Outcome, Report};
use super::survey::Survey;
use super::{Progress, events, part};
use crate::commit::durable;
use crate::error::{Error, Result};
use crate::folders;
use crate::lock::Lock;
use crate::model::event::Change;
use crate::model::{Event, ReleaseId, Version};
use crate::report::Problem;
use crate::source::SourceTree;
use crate::source::existing::Existing;
use crate::source::load::Loaded;
use crate::source::workspace::Workspace;

/// Takes all that a survey found into a source tree, for as long as it is that of this id, if it has one. The versions
/// of an item are taken one after another, oldest first, so that its log is in order.
///
/// # Errors
/// A disk that says no; an origin that is gone, or a source tree. What was taken until then stays.
pub fn take(
    origin: &dyn Origin,
    source: &SourceTree,
    id: Option<&str>,
    survey: Survey,
    progress: Progress<'_>,
) -> Result<Report> {
    let workspace = Workspace::new(source)?;
    let taker = Taker {
        origin,
        source,
        id,
        staging: workspace.tree(),
        turn: Mutex::new(()),
    };
    let Survey {
        offers,
        presets,
        problems,
    } = survey;
    let all = offers
        .iter()
        .map(|offer| offer.versions.len())
        .sum::<usize>()
        + presets.len();
    let done = AtomicU64::new(0);
    let advance = || progress(done.fetch_add(1, Ordering::Relaxed) + 1, all as u64);
    let reports = offers.par_iter().map(|offer| taker.item(offer, &advance));
    let mut report = Report {
        problems,
        ..Report::default()
    };
    reports
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .for_each(|part| report.add(part));
    for name in &presets {
        let outcome = taker.preset(name, &mut report.problems);
        let outcome = part(outcome, &mut report.problems)?.flatten();
        report.presets.count(outcome);
        advance();
    }
    durable::sync_file_systems([source.root()])?;
    report.problems.sort();
    Ok(report)
}

/// What the taking of every part needs.
pub(super) struct Taker<'a> {
    pub(super) origin: &'a dyn Origin,
    pub(super) source: &'a SourceTree,
    /// By which the source tree is known.
    id: Option<&'a str>,
    /// The workspace, laid out like a source tree.
    pub(super) staging: SourceTree,
    /// Among ourselves it is quicker than the tree's lock, whose waiters look every now and then.
    turn: Mutex<()>,
}

impl Taker<'_> {
    /// Calls this under the source tree's lock.
    pub(super) fn locked<T>(&self, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let _lock = Lock::take(self.source.root())?;
        if let Some(id) = self.id {
            folders::require_source(self.source.root(), id)?;
        }
        act()
    }

    fn item(&self, offer: &Offer, advance: &dyn Fn()) -> Result<Report> {
        let mut report = Report::default();
        let Some(log) = part(self.source.events(&offer.item), &mut report.problems)? else {
            return Ok(report);
        };
        let mut had = BTreeSet::new();
        for (version, facts) in &offer.versions {
            let release = offer.item.release(version.clone());
            let outcome = self.version(&release, facts, &log, &mut report);
            let outcome = part(outcome, &mut report.problems)?.flatten();
            durable::remove_folder(&self.staging.release(&release))?;
            if outcome.is_some() {
                had.insert(version);
            }
            report.versions.count(outcome);
            advance();
        }
        let later = self.add_later(offer, &had, &mut report.problems);
        part(later, &mut report.problems)?;
        Ok(report)
    }

    /// Takes a version; none if it could not be had, and the report says why.
    fn version(
        &self,
        release: &ReleaseId,
        facts: &Facts,
        log: &[Event],
        report: &mut Report,
    ) -> Result<Option<Outcome>> {
        if let Some(held) = self.held(release, log)?
            && self.origin.agrees(release, facts, &held)?
        {
            return Ok(Some(Outcome::There));
        }
        let problems = &mut report.problems;
        if !self.origin.fetch(release, facts, &self.staging, problems)? {
            return Ok(None);
        }
        let Some(staged) = self.judge(release, problems) else {
            return Ok(None);
        };
        if let Some(told) = facts.digest
            && told != staged.digest
        {
            let why = format!(
                "its digest is {}, that of its publish is {told}",
                staged.digest
            );
            return Err(self.refused(release, why));
        }
        durable::sync_file_systems([&*self.staging.release(release)])?;
        let outcome = self.locked(|| self.admit(release, facts, &staged))?;
        if outcome == Outcome::Taken {
            report.bytes += staged.files.values().map(|file| file.len).sum::<u64>();
        }
        Ok(Some(outcome))
    }

    /// The version as the source tree has it, if it has both folder and event and was not removed for good. One that is
    /// not as it was published is refused: whatever the origin has, it is not that.
    fn held(&self, release: &ReleaseId, log: &[Event]) -> Result<Option<Held>> {
        let folder = self.source.release(release);
        let is_there = folder.symlink_metadata().is_ok_and(|found| found.is_dir());
        if !is_there || events::is_removed(log, &release.version) {
            return Ok(None);
        }
        let Some((by, digest)) = events::publisher(log, &release.version) else {
            return Ok(None);
        };
        if self.source.digest(release)? != Some(digest) {
            let why = format!(
                "{} is there with other content than it was published with, and is left alone; `rackgen verify` names \
                 what changed",
                folder.display()
            );
            return Err(self.refused(release, why));
        }
        Ok(Some(Held { folder, by, digest }))
    }

    /// Loads what was fetched as a build would load it; what is wrong with it is a problem of the origin's.
    fn judge(&self, release: &ReleaseId, problems: &mut Vec<Problem>) -> Option<Loaded> {
        let folder = self.staging.release(release);
        let mut found = Vec::new();
        let loaded = load(&self.staging, release, &mut found);
        problems.extend(found.into_iter().map(|problem| {
            let below = problem.path.strip_prefix(&folder).unwrap_or(Path::new(""));
            Problem {
                path: self.origin.release_address(release, below),
                ..problem
            }
        }));
        loaded
    }

    /// Makes the version and its event part of the source tree, as far as they are not. The lock is held.
    fn admit(&self, release: &ReleaseId, facts: &Facts, staged: &Loaded) -> Result<Outcome> {
        let ReleaseId { item, version } = release;
        self.source.refuse_links(item)?;
        let history = self.source.history(item)?;
        let folder = self.source.release(release);
        let place = folder.display();
        let existing = self.source.existing(release, &history, &staged.digest)?;
        let outcome = match existing {
            Some(Existing::Identical) => Outcome::There,
            None => {
                let fetched = self.staging.release(release);
                self.source.admit(&fetched, &folder)?;
                Outcome::Taken
            }
            Some(obstacle) => {
                let why = match obstacle {
                    Existing::Identical | Existing::Different => {
                        format!("{place} has, or had, other content, and a version never changes")
                    }
                    Existing::Removed => format!("{place} was removed for good"),
                    Existing::Twin(twin) => format!(
                        "it differs from {item}/{twin}, which is there, in build metadata only"
                    ),
                    Existing::Obstacle => {
                        format!("{place} is no version, and in its place; remove it")
                    }
                };
                return Err(self.refused(release, why));
            }
        };
        // A kill may have come between the two.
        if history.of(version).published.is_none() {
            let event = events::publish(version, facts, staged);
            self.source.append(item, &event)?;
        }
        Ok(outcome)
    }

    /// Appends what happened to the versions that were had, and what holds of them, as far as the log does not say it; and
    /// which were removed for good over there, so that none of them comes to be here.
    fn add_later(
        &self,
        offer: &Offer,
        had: &BTreeSet<&Version>,
        problems: &mut Vec<Problem>,
    ) -> Result<()> {
        let counts = |change: &Change| match change.version() {
            Some(version) => had.contains(version) || events::removed(change).is_some(),
            None => !had.is_empty(),
        };
        let later: Vec<_> = offer.later.iter().filter(|it| counts(&it.change)).collect();
        let says_nothing = had.is_empty() || offer.standing == Standing::default();
        if later.is_empty() && says_nothing {
            return Ok(());
        }
        self.locked(|| {
            let item = &offer.item;
            self.source.refuse_links(item)?;
            let log = self.source.events(item)?;
            for event in later {
                let Some(event) = events::unless_known(event, &log) else {
                    continue;
                };
                if let Some(version) = events::removed(&event.change) {
                    if events::is_removed(&log, version) {
                        continue;
                    }
                    let release = item.release(version.clone());
                    let folder = self.source.release(&release);
                    if folder.symlink_metadata().is_ok() {
                        problems.push(self.still_here(&release, &folder));
                        continue;
                    }
                    // There may be none yet.
                    durable::create_folders(&self.source.item(item), 0o755)?;
                }
                self.source.append(item, &event)?;
            }
            let agree = events::to_agree(&offer.standing, &log, had);
            let mut agree = agree.iter();
            agree.try_for_each(|event| self.source.append(item, event))
        })
    }

    /// A version that was removed for good over there: only a hand takes anything away here.
    fn still_here(&self, release: &ReleaseId, folder: &Path) -> Problem {
        let why = format!(
            "it was removed for good, and {} is here still; `rackgen remove` does the same here",
            folder.display()
        );
        Problem::refused(self.origin.release_address(release, Path::new("")), why)
    }

    fn refused(&self, release: &ReleaseId, why: String) -> Error {
        Error::refused(self.origin.release_address(release, Path::new("")), why)
    }
}

/// A version as a build would load it; none if it would refuse it, and the problems say why.
pub(super) fn load(
    tree: &SourceTree,
    id: &ReleaseId,
    problems: &mut Vec<Problem>,
) -> Option<Loaded> {
    match tree.load_release(id) {
        Ok(mut loaded) => {
            problems.append(&mut loaded.problems);
            Some(loaded)
        }
        Err(faults) => {
            problems.extend(faults);
            None
        }
    }
}
