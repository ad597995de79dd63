//! The one writer: a verified package becomes a version that everybody can read, or nothing happens.
//!
//! The point of no return is the intent (design.md, decision 8). Before it, what can fail fails: the trees'
//! outputs are staged, so a full disk has spoken up. After it, a start after a kill finishes the work.

mod intent;

use std::time::Instant;

use jiff::Timestamp;
use rackgen::build::{Arriving, Registry};
use rackgen::error_code::ErrorCode;
use rackgen::model::event::VersionHistory;
use rackgen::model::{Change, ContentDigest, Event, History, ReleaseId, Sha256, Version};

use crate::answer::Refusal;
use crate::app::App;
use crate::auth::Credential;
use crate::auth::decide::{self, Deed};
use crate::intake::staging::Staging;
use crate::intake::verify::Verified;
use intent::Intent;
pub(crate) use intent::replay;

/// What a client asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A publish.
    Publish,
    /// All its checks.
    DryRun,
}

/// A package that passed every check but those that only the writer can make.
#[derive(Debug)]
pub(crate) struct Upload {
    /// Where it lies.
    pub(crate) staging: Staging,
    /// What it is.
    pub(crate) package: Verified,
    /// SHA-256 of the archive that it came in.
    pub(crate) archive: Sha256,
    /// Who sent it.
    pub(crate) sender: Credential,
}

/// Publishes an upload. When this returns `Ok`, the version is durable and readable.
///
/// # Errors
/// A version that exists, with `identical` where its bytes are the same; a disk that says no.
pub(crate) fn publish(app: &App, upload: Upload, mode: Mode) -> Result<ReleaseId, Refusal> {
    let _writer = app.write();
    let start = Instant::now();
    let registry = &app.registry;
    let _lock = registry.lock_source()?;
    // What an earlier publish could not finish comes first: this one may be its retry.
    replay(app)?;

    let Upload {
        staging,
        package,
        archive,
        sender,
    } = upload;
    let Verified {
        id,
        by,
        digest,
        manifest,
        files,
    } = package;
    // Asked again, and under the lock: the token may have been revoked while the archive was unpacked, and what a
    // build has just gated must not become public again.
    let access = app.decision();
    let caller = app.identify(&access, sender)?;
    decide::decide(&access, Some(&caller), Deed::Publish(&id.item))?;

    registry.source().refuse_links(&id.item)?;
    let mut history = registry.source().history(&id.item)?;
    if let Some(refusal) = refuse_existing(registry, &history, &id, &digest)? {
        if refusal == Existing::Identical {
            // Only what everybody can read is called published.
            let staged = registry.stage_item(&id.item, history, &access, None)?;
            staged.apply(&[registry.source().root()])?;
        }
        return Err(refusal.explain(&id));
    }
    if mode == Mode::DryRun {
        return Ok(id);
    }

    // A version whose folder was lost comes back as what it was.
    let published = history.of(&id.version).published;
    let event = Event {
        change: Change::Publish {
            version: id.version.clone(),
            digest,
            archive: Some(archive),
        },
        time: published.map_or_else(Timestamp::now, |published| published.time),
        by,
    };
    history.apply(event.clone());
    let arriving = Arriving {
        version: id.version.clone(),
        folder: staging.contents(),
        files,
        digest,
        manifest,
    };
    let staged = registry.stage_item(&id.item, history, &access, Some(&arriving))?;
    let intent = Intent::write(registry, &staging, &id, event)?;
    let done = intent
        .admit(registry, &staging)
        .and_then(|()| staged.apply(&[registry.source().root()]));
    if let Err(error) = done {
        // The next publish, or the next start, goes on from the intent.
        staging.leave();
        return Err(Refusal::from(error).may_have_happened());
    }
    intent.done()?;
    app.metrics.build(start.elapsed());
    Ok(id)
}

/// Why a version cannot be published any more.
#[derive(Debug, PartialEq, Eq)]
enum Existing {
    /// It is there, as it was sent.
    Identical,
    /// It is there, or was, with other content.
    Different,
    /// It was removed for good.
    Removed,
    /// This one is there, which differs in build metadata only.
    Twin(Version),
    /// Something that is no version is in its place.
    Obstacle,
}

impl Existing {
    fn explain(&self, id: &ReleaseId) -> Refusal {
        let message = match self {
            Self::Identical => format!("{id} exists already, with the same content"),
            Self::Different => {
                format!("{id} exists already, with other content; publish a new version")
            }
            Self::Removed => {
                format!("{id} was removed for good; publish a new version")
            }
            Self::Twin(twin) => {
                format!(
                    "{}/{twin} exists, which differs in build metadata only",
                    id.item
                )
            }
            Self::Obstacle => {
                format!(
                    "something that is no version is in the place of {id}; the registry's admin must look"
                )
            }
        };
        Refusal::new(ErrorCode::VersionExists, message)
            .detail("identical", *self == Self::Identical)
    }
}

/// A version is what its first publish made it, for ever; build metadata makes no other version.
fn refuse_existing(
    registry: &Registry,
    history: &History,
    id: &ReleaseId,
    digest: &ContentDigest,
) -> Result<Option<Existing>, Refusal> {
    let source = registry.source();
    let on_disk = source.versions(&id.item)?;
    let is_twin = |other: &&Version| **other != id.version && other.is_twin_of(&id.version);
    let twin = on_disk.iter().chain(history.published()).find(is_twin);
    let VersionHistory {
        published, removed, ..
    } = history.of(&id.version);
    let is_as_published = |digest: &ContentDigest| {
        let published = published.as_ref();
        published.is_none_or(|published| published.digest == *digest)
    };
    Ok(match twin {
        _ if removed.is_some() => Some(Existing::Removed),
        Some(twin) => Some(Existing::Twin(twin.clone())),
        None if on_disk.contains(&id.version) => {
            let held = registry.digest(id).filter(is_as_published);
            Some(match held == Some(*digest) {
                true => Existing::Identical,
                false => Existing::Different,
            })
        }
        // Its folder is gone, its event is not: only the same content may come back.
        None if !is_as_published(digest) => Some(Existing::Different),
        None if source.release(id).symlink_metadata().is_ok() => Some(Existing::Obstacle),
        None => None,
    })
}
