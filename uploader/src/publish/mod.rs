//! The one writer: verified packages become versions that everybody can read, or nothing happens.
//!
//! Uploads that arrive while others are written make up the next group: one durability barrier and one look at the
//! record for all of them (limits.md, "Durability"). The point of no return is the intent (design.md, decision 8).
//! Before it, what can fail fails: the trees' outputs are staged, so a full disk has spoken up. After it, a start after
//! a kill or a power cut finishes the work; so it is the group's one barrier that makes a publish last, and the
//! renames after it are only what makes it visible.

mod group;
mod intent;
mod quota;
mod writer;

use rackgen::audit::Attempt;
use rackgen::build::Registry;
use rackgen::error_code::ErrorCode;
use rackgen::model::event::VersionHistory;
use rackgen::model::{ContentDigest, Event, History, ReleaseId, Sha256, Version};
use rackgen::webhook::News;

use crate::answer::Refusal;
use crate::auth::Credential;
use crate::intake::staging::Staging;
use crate::intake::verify::Verified;
pub(crate) use intent::replay;
pub(crate) use writer::{Publisher, Writer};

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
    /// What it came for.
    pub(crate) mode: Mode,
    /// What the audit log is to say of it.
    pub(crate) attempt: Attempt,
}

impl Upload {
    /// What is to be told when this happens.
    fn news(&self, event: &Event) -> News {
        News {
            event: event.clone(),
            occasion: self.staging.name().to_owned(),
        }
    }
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
