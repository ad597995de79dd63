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
use rackgen::error_code::ErrorCode;
use rackgen::model::{Event, ReleaseId, Sha256};
use rackgen::source::existing::Existing;
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
fn explain(existing: &Existing, id: &ReleaseId) -> Refusal {
    let message = match existing {
        Existing::Identical => format!("{id} exists already, with the same content"),
        Existing::Different => {
            format!("{id} exists already, with other content; publish a new version")
        }
        Existing::Removed => {
            format!("{id} was removed for good; publish a new version")
        }
        Existing::Twin(twin) => {
            format!(
                "{}/{twin} exists, which differs in build metadata only",
                id.item
            )
        }
        Existing::Obstacle => {
            format!(
                "something that is no version is in the place of {id}; the registry's admin must look"
            )
        }
    };
    Refusal::new(ErrorCode::VersionExists, message)
        .detail("identical", *existing == Existing::Identical)
}
