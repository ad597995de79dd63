//! One group of uploads, from the lock to the answers.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Instant;

use jiff::Timestamp;
use rackgen::access::Access;
use rackgen::audit::Line;
use rackgen::build::{Arriving, ItemChange};
use rackgen::commit::apply::Visible;
use rackgen::error::Error;
use rackgen::model::{Change, Event, ItemId, ReleaseId, Version};
use rackgen::source::existing::Existing;

use super::intent::Intent;
use super::quota::Quotas;
use super::writer::{Job, Writer};
use super::{Mode, explain, replay};
use crate::answer::Refusal;
use crate::app::{App, Check};
use crate::auth::decide::{self, Deed};

/// Publishes what can be of these, and answers all but those that it gives back: they are to come next. `had` is when
/// the lock was last had.
pub(super) fn publish(app: &App, jobs: Vec<Job>, had: &mut Instant) -> Vec<Job> {
    let start = Instant::now();
    if let Err(refusal) = app.require_writable() {
        refuse(jobs, &refusal);
        return Vec::new();
    }
    let ends = jobs.iter().map(|job| job.waits_until(*had));
    let until = ends.min().unwrap_or_else(Instant::now);
    let turn = app.write_until(until).and_then(|writer| {
        let lock = app.lock_source_until(until);
        // What an earlier publish could not finish comes first: one of these may be its retry.
        let lock = lock.and_then(|lock| replay(app, &writer).map(|()| lock));
        let lock = lock.inspect_err(|error| app.end_if_broken(error))?;
        Ok((writer, lock))
    });
    let (mut writer, lock) = match turn {
        Ok(turn) => turn,
        Err(refusal) => {
            let now = Instant::now();
            // Who came later may wait on, if it is a lock that was waited for.
            let is_refused =
                |job: &Job| now < until || app.is_stopping() || job.waits_until(*had) <= now;
            let (refused, later): (Vec<_>, Vec<_>) = jobs.into_iter().partition(is_refused);
            refuse(refused, &refusal);
            return later;
        }
    };
    // Asked again, and under the lock: a token may have been revoked while an archive was unpacked, and what a build
    // has just gated must not become public again.
    let access = app.decision();
    let mut group = Group::default();
    for job in jobs {
        group.take(app, &access, job);
    }
    let committed = group.commit(app, &access, &mut writer);
    *had = Instant::now();
    match committed {
        Ok(visible) => {
            app.metrics.build(start.elapsed());
            let later = group.succeed();
            // They are told before the record is. If it cannot be, a build makes them once more (`reload`).
            match visible.map(Visible::settle) {
                Some(Ok(changes)) => app.metrics.outputs(&changes),
                Some(Err(error)) => {
                    app.end_if_broken(&error);
                    app.note(Check::Build, Some(error.to_string()));
                }
                None => {}
            }
            later
        }
        // One of them is to blame, and the others are not to suffer.
        Err(Failure::Before(_)) if group.len() > 1 => {
            drop(lock);
            drop(writer);
            let (alone, mut later) = group.split();
            for job in alone {
                later.extend(publish(app, vec![job], had));
            }
            later
        }
        Err(failure) => group.fail(failure),
    }
}

/// What became of a group that did not work out.
enum Failure {
    /// Nothing has happened.
    Before(Refusal),
    /// The point of no return was passed: the next publish, or the next start, goes on from the intents.
    After(Refusal),
}

/// Uploads that share a barrier.
#[derive(Default)]
struct Group {
    /// What becomes of their items.
    changes: BTreeMap<ItemId, ItemChange>,
    quotas: Quotas,
    publishes: Vec<(Job, Event)>,
    /// What they bring is there. Only what everybody can read is called so.
    identical: Vec<Job>,
    /// One of the group is in the way, and nobody knows yet whether it will be there.
    later: Vec<Job>,
}

impl Group {
    fn take(&mut self, app: &App, access: &Access, job: Job) {
        match self.judge(app, access, &job) {
            Ok(Verdict::Publish(event)) => self.publishes.push((job, event)),
            Ok(Verdict::Identical) => self.identical.push(job),
            Ok(Verdict::Later) => self.later.push(job),
            Ok(Verdict::Checked) => succeed(job),
            Err(refusal) => refuse([job], &refusal),
        }
    }

    /// Every check that only the writer can make; what is to be published is among the changes then.
    fn judge(&mut self, app: &App, access: &Access, job: &Job) -> Result<Verdict, Refusal> {
        let upload = &job.upload;
        let package = &upload.package;
        let ReleaseId { item, version } = &package.id;
        let registry = &app.registry;
        let source = registry.source();

        let caller = app.identify(access, upload.sender.clone())?;
        decide::decide(access, Some(&caller), Deed::Publish(item))?;
        source.refuse_links(item)?;
        let change = match self.changes.entry(item.clone()) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(place) => {
                let history = source.history(item)?;
                place.insert(ItemChange::of(item.clone(), history))
            }
        };
        let is_in_the_way = |other: &Version| other == version || other.is_twin_of(version);
        if change.arriving.iter().any(|it| is_in_the_way(&it.version)) {
            return Ok(Verdict::Later);
        }
        match source.existing(&package.id, &change.history, &package.digest)? {
            Some(Existing::Identical) => return Ok(Verdict::Identical),
            Some(existing) => return Err(explain(&existing, &package.id)),
            None => {}
        }
        let is_new = || Ok(change.arriving.is_empty() && source.versions(item)?.is_empty());
        let usage = self.quotas.with(app, package, is_new)?;
        if upload.mode == Mode::DryRun {
            return Ok(Verdict::Checked);
        }
        if let Some(usage) = usage {
            self.quotas.set(&item.namespace, usage);
        }
        // A version whose folder was lost comes back as what it was.
        let published = change.history.of(version).published;
        let event = Event {
            change: Change::Publish {
                version: version.clone(),
                digest: package.digest,
                archive: Some(upload.archive),
            },
            time: published.map_or_else(Timestamp::now, |published| published.time),
            by: package.by.name.clone(),
        };
        change.history.apply(event.clone());
        change.news.push(upload.news(&event));
        change.arriving.push(Arriving {
            version: version.clone(),
            folder: upload.staging.contents().to_owned(),
            files: package.files.clone(),
            digest: package.digest,
            manifest: package.manifest.clone(),
        });
        Ok(Verdict::Publish(event))
    }

    /// None where there is nothing to commit.
    fn commit<'a>(
        &mut self,
        app: &'a App,
        access: &Access,
        writer: &mut Writer,
    ) -> Result<Option<Visible<'a>>, Failure> {
        if self.len() == 0 {
            return Ok(None);
        }
        let before = |error: Error| {
            app.end_if_broken(&error);
            Failure::Before(error.into())
        };
        let after = |error: Error| {
            app.end_if_broken(&error);
            Failure::After(error.into())
        };
        app.require_audit().map_err(Failure::Before)?;
        let registry = &app.registry;
        let changes = std::mem::take(&mut self.changes).into_values();
        let is_touched = |change: &ItemChange| {
            let mut identical = self.identical.iter();
            !change.arriving.is_empty()
                || identical.any(|job| job.upload.package.id.item == change.id)
        };
        let changes: Vec<ItemChange> = changes.filter(is_touched).collect();
        let session = registry.stage_items(&changes, access).map_err(before)?;
        let mut intents = Vec::new();
        let ready = self
            .intend(app, &mut intents)
            .and_then(|()| session.ready(&[registry.source().root()]));
        let ready = match ready {
            Ok(ready) => ready,
            // Whether the intents are durable nobody knows.
            Err(error) if error.is_disk_failure() => return Err(after(error)),
            Err(error) => {
                intents.into_iter().for_each(Intent::forget);
                return Err(before(error));
            }
        };
        writer.forget_shown();
        for (intent, (job, _)) in intents.iter().zip(&self.publishes) {
            intent.admit(registry, &job.upload.staging).map_err(after)?;
        }
        let visible = ready.show().map_err(after)?;
        let lines: Vec<Line> = intents.iter().filter_map(Intent::line).cloned().collect();
        // The intents of what could not be told stay, and whoever replays them tells it.
        if app.tell(&lines) {
            writer.show(intents);
        }
        Ok(Some(visible))
    }

    fn intend(&self, app: &App, intents: &mut Vec<Intent>) -> Result<(), Error> {
        for (Job { upload, .. }, event) in &self.publishes {
            let id = &upload.package.id;
            let event = event.clone();
            let line = upload.attempt.clone().succeeded();
            let intent = Intent::write(&app.registry, &upload.staging, id, event, line)?;
            intents.push(intent);
        }
        Ok(())
    }

    /// How many wait for the commit.
    fn len(&self) -> usize {
        self.publishes.len() + self.identical.len()
    }

    fn succeed(self) -> Vec<Job> {
        for (job, _) in self.publishes {
            succeed(job);
        }
        for job in self.identical {
            let refusal = explain(&Existing::Identical, &job.upload.package.id);
            refuse([job], &refusal);
        }
        self.later
    }

    fn fail(self, failure: Failure) -> Vec<Job> {
        match failure {
            Failure::Before(refusal) => {
                let (jobs, later) = self.split();
                refuse(jobs, &refusal);
                later
            }
            Failure::After(refusal) => {
                let refusal = refusal.may_have_happened();
                for (Job { upload, answer, .. }, _) in self.publishes {
                    upload.staging.leave();
                    let _ = answer.send(Err(refusal.clone()));
                }
                refuse(self.identical, &refusal);
                self.later
            }
        }
    }

    /// Those that waited for the commit, and the others.
    fn split(self) -> (Vec<Job>, Vec<Job>) {
        let jobs = self.publishes.into_iter().map(|(job, _)| job);
        (jobs.chain(self.identical).collect(), self.later)
    }
}

/// What is to become of a job.
enum Verdict {
    /// It is published with this event.
    Publish(Event),
    Identical,
    /// All checks are passed, and no more was asked for.
    Checked,
    Later,
}

/// Tells that it is done, and only then takes away what it leaves behind. Whoever went away hears nothing.
fn succeed(job: Job) {
    let id = job.upload.package.id.clone();
    let _ = job.answer.send(Ok(id));
}

fn refuse(jobs: impl IntoIterator<Item = Job>, refusal: &Refusal) {
    for job in jobs {
        let _ = job.answer.send(Err(refusal.clone()));
    }
}
