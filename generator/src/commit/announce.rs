//! What a commit has to announce: gathered while its parts are journaled, staged with them, due when they can be read.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::record::KnownRelease;
use super::representation;
use super::session::Unit;
use super::stage::Shown;
use super::staging::Staging;
use crate::error::Result;
use crate::folders::{Checked, random_hex};
use crate::model::{Audience, Change, ContentDigest, ItemId, ReleaseId, Version};
use crate::plan::Plan;
use crate::plan::key::PublicKey;
use crate::plan::part::Part;
use crate::webhook::announcement::{Announcement, EventKind, Latest, News};
use crate::webhook::spool::{Spool, Staged};

/// URL paths that one `build.completed` names at most; the rest comes with the next page.
const PAGE: usize = 1000;

/// What stands in a path as it is (RFC 3986, 3.3), `/` between segments included.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@')
    .remove(b'/')
    .remove(b'+');

/// What is to be announced of a commit.
#[derive(Debug)]
pub(super) struct Announcer {
    spool: Spool,
    news: Vec<(ItemId, News)>,
    created: Vec<Created>,
    removed: Vec<ReleaseId>,
    paths: Vec<(Fate, String)>,
}

/// A version that can be read from now on.
#[derive(Debug)]
struct Created {
    release: ReleaseId,
    digest: Option<ContentDigest>,
    urls: Vec<String>,
}

/// What becomes of a public URL, by its name in `build.completed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Written,
    Replaced,
    Removed,
    Withdrawn,
}

impl Fate {
    const ALL: [Self; 4] = [
        Self::Written,
        Self::Replaced,
        Self::Removed,
        Self::Withdrawn,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Replaced => "replaced",
            Self::Removed => "removed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl Announcer {
    /// One where somebody wants to be told.
    pub(super) fn of(folders: &Checked) -> Option<Self> {
        Some(Self {
            spool: Spool::of(&folders.state)?,
            news: Vec::new(),
            created: Vec::new(),
            removed: Vec::new(),
            paths: Vec::new(),
        })
    }

    /// What a killed commit left.
    pub(super) fn left_behind(&self) -> Result<Vec<Staged>> {
        self.spool.left_behind()
    }

    /// Something happens to an item.
    pub(super) fn news(&mut self, item: &ItemId, news: News) {
        self.news.push((item.clone(), news));
    }

    /// A part changes.
    pub(super) fn note(&mut self, part: &Part, plan: &Plan, known: Option<&KnownRelease>) {
        let is_public = |write: &&crate::plan::Write| write.resource.audience == Audience::Public;
        let written = plan.writes.iter().filter(is_public);
        self.paths.extend(written.map(|write| {
            let fate = match write.row.held_in.contains(&Audience::Public) {
                true => Fate::Replaced,
                false => Fate::Written,
            };
            (fate, url(&write.key))
        }));
        // What stands in the way of something public goes early too, and is not withdrawn.
        let withdrawn = match plan.writes.iter().any(|write| is_public(&write)) {
            true => Fate::Removed,
            false => Fate::Withdrawn,
        };
        let removals = [
            (&plan.withdrawals, withdrawn),
            (&plan.removals, Fate::Removed),
        ];
        for (removals, fate) in removals {
            let public = removals
                .iter()
                .filter(|gone| gone.audience == Audience::Public);
            self.paths.extend(public.map(|gone| (fate, url(&gone.key))));
        }

        let Part::Release(release) = part else {
            return;
        };
        let manifest = PublicKey::Manifest(release.clone());
        let mut writes = plan.writes.iter();
        if writes.any(|write| write.key == manifest && write.row.held_in.is_empty()) {
            self.created.push(Created {
                release: release.clone(),
                digest: known.map(|known| known.digest),
                urls: plan.writes.iter().map(|write| url(&write.key)).collect(),
            });
        }
        let is_withdrawn = withdrawn == Fate::Withdrawn && !plan.withdrawals.is_empty();
        if !is_withdrawn && plan.gone().any(|gone| gone.key == manifest) {
            self.removed.push(release.clone());
        }
    }

    /// Writes down what all of it comes to, if it is anything.
    pub(super) fn stage(mut self, units: &[Unit], folders: &Checked) -> Result<Option<Staged>> {
        let now = Timestamp::now();
        let mut latest = Latests::of(units, folders);
        let mut announcements = Vec::new();
        let news = std::mem::take(&mut self.news);
        for (item, News { event, occasion }) in &news {
            let kind = match kind(&event.change) {
                Some(kind) => kind,
                // The trees show it.
                None => continue,
            };
            let version = event.change.version();
            let id = Announcement::id(kind, occasion, version);
            let announcement = Announcement::of_item(kind, id, event.time, item, version)
                .with("latest", latest.of_item(item))
                .with("by", &event.by);
            let announcement = match &event.change {
                Change::Publish {
                    version, digest, ..
                } => {
                    let release = item.release(version.clone());
                    let mut created = self.created.iter();
                    let created = created.find(|created| created.release == release);
                    announcement
                        .with("digest", digest)
                        .with("urls", created.map(|created| &created.urls))
                }
                Change::Yank { reason, .. } => announcement.with("reason", reason),
                Change::Deprecate { message, .. } => announcement.with("message", message),
                Change::Tag { tag, .. } | Change::Untag { tag } => announcement.with("tag", tag),
                _ => announcement,
            };
            announcements.push(Announcement {
                because: Some(event.clone()),
                ..announcement
            });
        }
        let because = |release: &ReleaseId, is_it: fn(&Change) -> bool| {
            let about = |(item, news): &&(ItemId, News)| {
                let change = &news.event.change;
                *item == release.item && change.version() == Some(&release.version) && is_it(change)
            };
            news.iter().find(about).map(|(_, news)| news)
        };
        for Created {
            release,
            digest,
            urls,
        } in &self.created
        {
            let kind = EventKind::VersionCreated;
            let news = because(release, |change| matches!(change, Change::Publish { .. }));
            announcements.push(
                about(kind, release, news, now)?
                    .with("latest", latest.of_item(&release.item))
                    .with("digest", digest)
                    .with("urls", urls),
            );
        }
        for release in &self.removed {
            let kind = EventKind::VersionRemoved;
            let news = because(release, |change| matches!(change, Change::Remove { .. }));
            let reason = news.and_then(|news| match &news.event.change {
                Change::Remove { reason, .. } => Some(reason),
                _ => None,
            });
            announcements.push(
                about(kind, release, news, now)?
                    .with("latest", latest.of_item(&release.item))
                    .with("reason", reason),
            );
        }
        self.paths.sort();
        let pages = self.paths.len().div_ceil(PAGE);
        for page in 0..pages {
            let from = page * PAGE;
            let to = self.paths.len().min(from + PAGE);
            let mut announcement = Announcement::of_build(random_hex::<16>()?, now)
                .with("page", page + 1)
                .with("pages", pages);
            for fate in Fate::ALL {
                let paths = self.paths[from..to].iter();
                let paths = paths.filter(|(of, _)| *of == fate).map(|(_, path)| path);
                announcement = announcement.with(fate.as_str(), paths.collect::<Vec<_>>());
            }
            announcements.push(announcement);
        }
        match announcements.is_empty() {
            true => Ok(None),
            false => self.spool.stage(announcements).map(Some),
        }
    }
}

/// What the trees show of a version, and the log maybe too.
fn about(
    kind: EventKind,
    release: &ReleaseId,
    news: Option<&News>,
    now: Timestamp,
) -> Result<Announcement> {
    let version = Some(&release.version);
    let id = match news {
        Some(news) => Announcement::id(kind, &news.occasion, version),
        None => random_hex::<16>()?,
    };
    let event = news.map(|news| &news.event);
    let time = event.map_or(now, |event| event.time);
    let announcement = Announcement::of_item(kind, id, time, &release.item, version);
    Ok(announcement.with("by", event.map(|event| &event.by)))
}

/// What a line of an item's log is announced as; none where the trees show it.
fn kind(change: &Change) -> Option<EventKind> {
    Some(match change {
        Change::Publish { .. } => EventKind::Uploaded,
        Change::Yank { .. } => EventKind::VersionYanked,
        Change::Unyank { .. } => EventKind::VersionUnyanked,
        Change::Deprecate { .. } => EventKind::VersionDeprecated,
        Change::Undeprecate { .. } => EventKind::VersionUndeprecated,
        Change::Tag { .. } | Change::Untag { .. } => EventKind::TagUpdated,
        Change::Remove { .. } => return None,
    })
}

fn url(key: &PublicKey) -> String {
    utf8_percent_encode(&key.to_string(), PATH).to_string()
}

/// What whoever asks an item for no version got and will get.
struct Latests<'a> {
    units: BTreeMap<&'a ItemId, &'a Unit>,
    folders: &'a Checked,
    found: BTreeMap<ItemId, Latest>,
}

impl<'a> Latests<'a> {
    fn of(units: &'a [Unit], folders: &'a Checked) -> Self {
        let items = units.iter().filter_map(|unit| match &unit.part {
            Part::Item(item) => Some((item, unit)),
            _ => None,
        });
        Self {
            units: items.collect(),
            folders,
            found: BTreeMap::new(),
        }
    }

    fn of_item(&mut self, item: &ItemId) -> &Latest {
        let Self {
            units,
            folders,
            found,
        } = self;
        found.entry(item.clone()).or_insert_with(|| {
            let key = PublicKey::Latest(item.clone());
            let mut trees = Audience::ALL.into_iter();
            let before = trees.find_map(|audience| {
                version_in(&representation(folders.tree(audience), &key, None))
            });
            let after = match units.get(item) {
                Some(unit)
                    if unit
                        .removals
                        .iter()
                        .any(|gone| gone.key == key && gone.last) =>
                {
                    None
                }
                Some(unit) => match &unit.shown {
                    Shown::Files(audience, files) if files.iter().any(|file| file.key == key) => {
                        let staging = Staging::of(folders, *audience);
                        version_in(&staging.representation(&unit.part, &key, None))
                    }
                    _ => before.clone(),
                },
                None => before.clone(),
            };
            Latest { before, after }
        })
    }
}

/// What a manifest says that it is.
fn version_in(manifest: &Path) -> Option<Version> {
    #[derive(Deserialize)]
    struct Manifest {
        version: Version,
    }
    let text = fs::read(manifest).ok()?;
    let manifest: Manifest = serde_json::from_slice(&text).ok()?;
    Some(manifest.version)
}
