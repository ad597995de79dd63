//! One item: which of its versions are served, what becomes of each, and its own documents. Works on any thread.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use rayon::prelude::*;

use super::release::{Before, Fate, Made as MadeRelease};
use super::{Arriving, Context};
use crate::commit::make::Origin;
use crate::commit::record::{KnownRelease, Record};
use crate::commit::representation;
use crate::commit::stage::StagedPart;
use crate::error::{Error, Result};
use crate::hashing;
use crate::model::event::VersionHistory;
use crate::model::manifest::MANIFEST_FILE;
use crate::model::{Audience, Event, History, Item, ItemId, ReleaseId, Sha256, Version};
use crate::plan::Plan;
use crate::plan::key::PublicKey;
use crate::plan::part::{Part, Recorded};
use crate::render::{self, Body, Resources};
use crate::report::Problem;
use crate::source::load::better_twin;
use crate::source::signature::{Sight, Signature};
use crate::source::walk::Seen;

/// An item that is to be looked into, with all that the record knows of it.
#[derive(Debug)]
pub(super) struct Work<'a> {
    pub(super) id: ItemId,
    pub(super) audience: Audience,
    /// None where nothing can be known.
    history: Option<History>,
    releases: BTreeMap<Version, Fate<'a>>,
    documents: Recorded,
    whole: Whole,
    problems: Vec<Problem>,
}

/// What came of an item.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) id: ItemId,
    /// How many versions are served.
    pub(super) served: usize,
    /// What the record may say that it looks like.
    pub(super) sight: Option<Signature>,
    pub(super) releases: Vec<MadeRelease>,
    pub(super) documents: Option<StagedPart>,
    pub(super) problems: Vec<Problem>,
}

/// What all of an item looks like.
#[derive(Debug)]
enum Whole {
    /// It was seen.
    Seen(Sight),
    /// This is its log, and its versions are looked at when they are read.
    Log(Option<Sight>),
    /// It does not matter, or nobody can say.
    Unknown,
}

impl<'a> Work<'a> {
    /// Gathers what has to be known before an item can be made.
    pub(super) fn gather(
        context: &Context<'_>,
        record: &Record,
        id: ItemId,
        audience: Audience,
        seen: Seen,
        history: Option<History>,
        arriving: &'a [Arriving],
    ) -> Result<Self> {
        let mut problems = Vec::new();
        let history = match history.map_or_else(|| context.source.history(&id), Ok) {
            Ok(history) => history,
            Err(error) => {
                problems.push(unreadable(context, &id, error));
                return Self::left(context, record, id, audience, problems);
            }
        };
        let known = record.releases(&id, audience)?;
        let here: BTreeSet<&Version> = seen.versions().into_iter().collect();
        let twins = twins(&here);
        let versions = here.iter().copied().chain(known.keys());
        let versions = versions
            .chain(history.published())
            .chain(arriving.iter().map(|a| &a.version));
        let mut releases = BTreeMap::new();
        for version in versions {
            if releases.contains_key(version) {
                continue;
            }
            let release = id.release(version.clone());
            let recorded = || context.recorded(record, &Part::Release(release.clone()));
            let known = known.get(version).cloned().flatten();
            let before = |known| -> Result<Before> {
                let recorded = recorded()?;
                Ok(Before { recorded, known })
            };
            let of = history.of(version);
            let twin = twins
                .get(version)
                .and_then(|alike| better_twin(version, alike.iter().copied(), &history));
            let folder = context.source.release(&release);
            let is_as_published = |known: &KnownRelease| {
                of.published
                    .as_ref()
                    .is_none_or(|published| published.digest == known.digest)
            };
            let fate = if let Some(arriving) = arriving.iter().find(|a| a.version == *version) {
                Fate::Arriving(recorded()?, arriving)
            } else if let Some(problem) = left_out(folder, &of, here.contains(version), twin) {
                Fate::Gone(recorded()?, problem)
            } else {
                match (&seen, known) {
                    (Seen::Named(_), Some(known)) if is_as_published(&known) => Fate::Stands(known),
                    (Seen::Named(_) | Seen::Listed(..), known) => Fate::Load(before(known)?),
                    (Seen::Walked(walked, _), known) => match walked.get(version) {
                        Some(Err(problem)) => Fate::Kept(before(known)?, problem.clone()),
                        Some(Ok(sight)) => {
                            let now = Some(context.circumstances(sight.signature, audience));
                            match known {
                                Some(known)
                                    if known.sight == now
                                        && is_as_published(&known)
                                        && !context.full =>
                                {
                                    Fate::Stands(known)
                                }
                                known => Fate::Load(before(known)?),
                            }
                        }
                        None => Fate::Gone(recorded()?, None),
                    },
                }
            };
            releases.insert(version.clone(), fate);
        }
        Ok(Self {
            documents: context.recorded(record, &Part::Item(id.clone()))?,
            id,
            audience,
            history: Some(history),
            releases,
            whole: match seen {
                Seen::Walked(_, sight) => Whole::Seen(sight),
                Seen::Listed(_, log) => Whole::Log(log),
                Seen::Named(_) => Whole::Unknown,
            },
            problems,
        })
    }

    /// An item of which nothing can be known now: what stands for its audience stays, the rest goes.
    pub(super) fn left(
        context: &Context<'_>,
        record: &Record,
        id: ItemId,
        audience: Audience,
        problems: Vec<Problem>,
    ) -> Result<Self> {
        let mut releases = BTreeMap::new();
        for (version, known) in record.releases(&id, audience)? {
            let part = Part::Release(id.release(version.clone()));
            let recorded = context.recorded(record, &part)?;
            releases.insert(version, Fate::Left(Before { recorded, known }));
        }
        Ok(Self {
            documents: context.recorded(record, &Part::Item(id.clone()))?,
            id,
            audience,
            history: None,
            releases,
            whole: Whole::Unknown,
            problems,
        })
    }

    /// An item that is not there any longer.
    pub(super) fn gone(
        context: &Context<'_>,
        record: &Record,
        id: ItemId,
        audience: Audience,
    ) -> Result<Self> {
        let mut work = Self::left(context, record, id, audience, Vec::new())?;
        work.history = Some(History::default());
        for fate in work.releases.values_mut() {
            if let Fate::Left(before) = fate {
                *fate = Fate::Gone(std::mem::take(&mut before.recorded), None);
            }
        }
        Ok(work)
    }

    /// How many versions there are to think about.
    pub(super) fn len(&self) -> usize {
        self.releases.len()
    }

    /// Makes all that has to be made of it.
    pub(super) fn make(self, context: &Context<'_>) -> Result<Made> {
        let Self {
            id,
            audience,
            history,
            releases,
            documents,
            whole,
            mut problems,
        } = self;
        let is_left = history.is_none();
        let history = history.unwrap_or_default();
        let is_to_be_made = |fate: &&Fate<'_>| !matches!(fate, Fate::Stands(_));
        let to_be_made = releases.values().filter(is_to_be_made).count();
        let make = |(version, fate): (Version, Fate<'_>)| {
            let made = fate.make(context, &id, version, &history, audience);
            (context.progress)();
            made
        };
        let mut releases: Vec<MadeRelease> = match to_be_made {
            // For one, a publish in other words, no thread has to be woken.
            ..=1 => releases.into_iter().map(make).collect::<Result<_>>()?,
            _ => releases.into_par_iter().map(make).collect::<Result<_>>()?,
        };
        let sight = whole.after(&releases);
        let mut item = Item {
            id: id.clone(),
            releases: BTreeMap::new(),
            tags: history.tags().clone(),
        };
        let mut folders = BTreeMap::new();
        for made in &mut releases {
            problems.append(&mut made.problems);
            if let Some((release, folder)) = made.served.take() {
                item.releases.insert(made.version.clone(), release);
                folders.insert(made.version.clone(), folder);
            }
        }
        item.tags.retain(|tag, version| {
            let is_there = item.releases.contains_key(version);
            if !is_there && !is_left {
                let why = format!("the tag `{tag}` names {version}, which is not served");
                problems.push(Problem::warning(context.source.item(&id), why));
            }
            is_there
        });
        let served = item.releases.len();
        let stand = documents.stands_for(audience);
        let documents = match is_left && stand && served > 0 {
            true => None,
            false => match stage_documents(context, &item, &folders, audience, documents) {
                Err(Error::Changed { path, how }) if stand => {
                    let why = format!("a manifest that it is made of {how}; what is served stays");
                    problems.push(Problem::refused(path, why));
                    None
                }
                staged => staged?,
            },
        };
        Ok(Made {
            id,
            served,
            sight: sight
                .filter(|_| problems.is_empty())
                .and_then(|sight| context.lasting(sight, audience)),
            releases,
            documents,
            problems,
        })
    }
}

impl Whole {
    /// When its versions are done. It counts only if there is nothing to report: then all of them were read.
    fn after(self, releases: &[MadeRelease]) -> Option<Sight> {
        match self {
            Self::Seen(sight) => Some(sight),
            Self::Log(log) => {
                let read = releases
                    .iter()
                    .filter_map(|made| Some((&made.version, made.sight?)));
                Some(Sight::of_item(log, read))
            }
            Self::Unknown => None,
        }
    }
}

/// Whether a version is not served whatever is in its folder, and what there is to report of that.
fn left_out(
    folder: PathBuf,
    of: &VersionHistory,
    is_here: bool,
    better: Option<&Version>,
) -> Option<Option<Problem>> {
    if !is_here {
        let published = of.published.as_ref().filter(|_| of.removed.is_none());
        return Some(published.map(|published| {
            let why = format!(
                "it was published at {:.0}, and its folder is gone: it is not served until the same files are back; \
                 `rackgen remove` says that they will not be",
                published.time
            );
            Problem::warning(folder, why)
        }));
    }
    let why = match (&of.removed, better) {
        (Some(removed), _) => format!(
            "it was removed for good at {:.0}, and its folder is still there; delete it",
            removed.time
        ),
        (None, Some(better)) => {
            format!("it differs from {better} in build metadata only, and that one comes first")
        }
        (None, None) => return None,
    };
    Some(Some(Problem::refused(folder, why)))
}

/// Versions that differ in build metadata only, by each of them: in order they follow each other.
fn twins<'v>(here: &BTreeSet<&'v Version>) -> BTreeMap<&'v Version, Vec<&'v Version>> {
    let here: Vec<&Version> = here.iter().copied().collect();
    let alike = here.chunk_by(|a, b| a.is_twin_of(b));
    let several = alike.filter(|alike| alike.len() > 1);
    several
        .flat_map(|alike| alike.iter().map(|version| (*version, alike.to_vec())))
        .collect()
}

/// `folders` has the folder of each version that was read; of the others the tree holds the manifest, as a rule.
fn stage_documents(
    context: &Context<'_>,
    item: &Item,
    folders: &BTreeMap<Version, Option<PathBuf>>,
    audience: Audience,
    recorded: Recorded,
) -> Result<Option<StagedPart>> {
    let wanted = match item.releases.is_empty() {
        true => Resources::new(),
        false => render::item(item, audience),
    };
    let plan = Plan::between(wanted, &recorded, context.rules);
    let manifest = |id: &ReleaseId, sha256: &Sha256| match folders.get(&id.version) {
        Some(Some(folder)) => folder.join(MANIFEST_FILE),
        _ => {
            let key = PublicKey::Manifest(id.clone());
            let served = representation(context.folders.tree(audience), &key, None);
            // What is derived may be damaged, and is nothing to stop for while its source is there.
            match hashing::of_file(&served).is_ok_and(|there| there.sha256 == *sha256) {
                true => served,
                false => context.source.release(id).join(MANIFEST_FILE),
            }
        }
    };
    let part = Part::Item(item.id.clone());
    context.stage(part, recorded, plan, &|resource| match &resource.body {
        Body::Manifest(id) => Origin::File(manifest(id, &resource.sha256), resource.len),
        // Nothing else is an item's own but documents.
        _ => Origin::Bytes(&[]),
    })
}

fn unreadable(context: &Context<'_>, id: &ItemId, error: Error) -> Problem {
    let (path, why) = match error {
        Error::Refused { path, why } => (path, why),
        error => (context.source.item(id), error.to_string()),
    };
    Problem::refused(path, format!("{why}; what is served of the item stays"))
}

impl Made {
    /// The events of what was accepted of it.
    pub(super) fn accepted(&self) -> impl Iterator<Item = (ItemId, Event)> {
        let events = self
            .releases
            .iter()
            .filter_map(|made| made.accepted.clone());
        events.map(|event| (self.id.clone(), event))
    }
}
