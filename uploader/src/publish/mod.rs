//! The one writer: a verified package becomes a version that everybody can read, or nothing happens.
//!
//! The point of no return is the intent (design.md, decision 8). Before it, what can fail fails: the trees'
//! outputs are staged, so a full disk has spoken up. After it, a start after a kill finishes the work.

mod intent;

use std::time::Instant;

use jiff::Timestamp;
use rackgen::build::Registry;
use rackgen::commit::durable;
use rackgen::error_code::ErrorCode;
use rackgen::model::{Audience, ContentDigest, Event, Item, Release, ReleaseId, Sha256};

use crate::answer::Refusal;
use crate::app::App;
use crate::auth::decide;
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

/// Publishes what lies in the staging folder. When this returns `Ok`, the version is durable and readable.
///
/// # Errors
/// A version that exists, with `identical` where its bytes are the same; a disk that says no.
pub(crate) fn publish(
    app: &App,
    staging: Staging,
    package: Verified,
    archive: Sha256,
    mode: Mode,
) -> Result<ReleaseId, Refusal> {
    let _writer = app.write();
    let start = Instant::now();
    let registry = &app.registry;
    let _lock = registry.lock_source()?;
    // What an earlier publish could not finish comes first: this one may be its retry.
    let access = app.access();
    replay(registry, &access)?;

    let Verified {
        id,
        by,
        digest,
        files,
    } = package;
    // Asked again: a reload may have come between.
    let namespace = &id.item.namespace;
    let audience = access
        .audience(namespace)
        .ok_or_else(|| decide::not_allowed(namespace.as_str()))?;
    let existing = registry.load_item(&id.item)?;
    refuse_existing(registry, audience, &id, existing.as_ref(), &digest)?;
    if mode == Mode::DryRun {
        return Ok(id);
    }

    let time = Timestamp::now();
    let mut item = existing.unwrap_or_else(|| Item {
        id: id.item.clone(),
        releases: Default::default(),
    });
    item.releases.insert(
        id.version.clone(),
        Release {
            published: time,
            digest,
            yanked: false,
            files,
        },
    );
    let contents = staging.contents();
    let staged = registry.stage_item(&item, audience, Some((&id, &contents)))?;
    durable::sync_file_system(&contents)?;
    let intent = Intent::write(
        registry,
        &staging,
        &id,
        Event::Publish {
            version: id.version.clone(),
            time,
            by,
            digest,
            archive: Some(archive),
        },
    )?;
    let done = intent
        .admit(registry, &staging)
        .and_then(|_| staged.apply());
    if let Err(error) = done {
        // The next publish, or the next start, goes on from the intent.
        staging.leave();
        return Err(error.into());
    }
    intent.done()?;
    app.metrics.build(start.elapsed());
    Ok(id)
}

/// A version is what its first publish made it, for ever; build metadata makes no other version.
fn refuse_existing(
    registry: &Registry,
    audience: Audience,
    id: &ReleaseId,
    existing: Option<&Item>,
    digest: &ContentDigest,
) -> Result<(), Refusal> {
    let source = registry.source();
    let on_disk = source.versions(&id.item)?;
    let history = source.history(&id.item)?;
    let published = history
        .published()
        .filter(|version| **version != id.version);
    if let Some(twin) = on_disk
        .iter()
        .chain(published)
        .find(|other| other.is_twin_of(&id.version))
    {
        if *twin != id.version {
            return Err(exists(format!(
                "{}/{twin} exists, which differs in build metadata only",
                id.item
            )));
        }
        let held =
            existing.and_then(|item| item.releases.get(&id.version).map(|held| (item, held)));
        return Err(match held {
            Some((item, held)) if held.digest == *digest => {
                // Only what everybody can read is called published.
                registry.stage_item(item, audience, None)?.apply()?;
                exists(format!("{id} exists already, with the same content"))
                    .detail("identical", true)
            }
            _ => exists(format!(
                "{id} exists already, with other content; publish a new version"
            )),
        });
    }
    // Its folder is gone, its event is not: only the same content may come back.
    match history.of(&id.version).published {
        Some((_, before)) if before != *digest => Err(exists(format!(
            "{id} was published before, with other content; publish a new version"
        ))),
        _ => Ok(()),
    }
}

fn exists(message: String) -> Refusal {
    Refusal::new(ErrorCode::VersionExists, message).detail("identical", false)
}
