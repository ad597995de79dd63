//! What happens to versions after their publish: yanks, deprecations, tags, removals (design.md, decision 1).
//!
//! One place for the rules; `rackgen` and the daemon both ask here. Who may is not asked here.

use jiff::Timestamp;
use serde::Serialize;

use crate::access::Access;
use crate::audit::{Attempt, By};
use crate::build::{ItemChange, Registry};
use crate::commit::durable;
use crate::error::{At, Error};
use crate::error_code::ErrorCode;
use crate::model::event::Notice;
use crate::model::{Change, Event, History, ItemId, ReleaseId, Tag, Version};
use crate::source::SourceTree;
use crate::webhook::News;

/// Why an item stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// There is no such version.
    #[error("there is no {0}")]
    NoSuchVersion(ReleaseId),
    /// There is no such item, and there never was.
    #[error("there is no {0}")]
    NoSuchItem(ItemId),
    /// A tag is to name a version that is not offered.
    #[error("{0} is yanked; a tag names a version that is offered")]
    Yanked(ReleaseId),
    /// A tag is to name a version that is there and cannot be served.
    #[error(
        "{0} cannot be served as it is, which `rackgen check` explains; a tag names a version that can be read"
    )]
    Unservable(ReleaseId),
    /// A version is to be withdrawn that tags name.
    #[error("{release} has the tag `{tag}`; move the tag first")]
    Tagged {
        /// The version.
        release: ReleaseId,
        /// One of its tags.
        tag: Tag,
    },
    /// A deprecation is what whoever uses the version is told.
    #[error("{0} can only be deprecated with a message, which says what to use instead")]
    NothingToTell(ReleaseId),
    /// The disk, a lock, the access file: nothing was changed.
    #[error(transparent)]
    Stopped(#[from] Error),
    /// The same, past the point of no return: the next build shows what this one could not.
    #[error("the change is noted, and the trees do not show it yet; the next build does: {0}")]
    Unfinished(#[source] Error),
}

impl LifecycleError {
    /// The code under which it is told.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NoSuchVersion(_) | Self::NoSuchItem(_) => ErrorCode::NotFound,
            Self::Yanked(_)
            | Self::Unservable(_)
            | Self::Tagged { .. }
            | Self::NothingToTell(_) => ErrorCode::BadRequest,
            Self::Stopped(error) | Self::Unfinished(error) => error.code(),
        }
    }
}

/// What is known of a version, or of an item's tags, now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Standing {
    /// Of a version.
    Release {
        /// Its address.
        path: String,
        /// That it is not offered, why and since when.
        yanked: Option<Notice>,
        /// What whoever uses it is told.
        deprecated: Option<String>,
        /// That it is gone for good.
        #[serde(skip_serializing_if = "Option::is_none")]
        removed: Option<Notice>,
    },
    /// Of an item.
    Tags {
        /// Its address.
        path: String,
        /// What its tags name.
        tags: std::collections::BTreeMap<Tag, Version>,
    },
}

impl Registry {
    /// Makes a change to an item, durably and visibly; one that is made already is only made visible. The audit log
    /// has a line of it then, made of the attempt and of who it is `by`; that of a refusal is the caller's to write.
    ///
    /// After a kill between the event and the trees, the next build sees the event. There is no event without its
    /// line, and a kill between the two leaves a line without its event.
    pub fn change(
        &self,
        item: &ItemId,
        change: Change,
        by: By,
        attempt: Attempt,
        access: &Access,
    ) -> Result<Standing, LifecycleError> {
        let source = self.source();
        source.refuse_links(item)?;
        let mut history = source.history(item)?;
        refuse(source, item, &history, &change)?;
        if let Change::Tag { version, .. } = &change {
            let release = item.release(version.clone());
            if source.digest(&release)?.is_none() {
                return Err(LifecycleError::Unservable(release));
            }
        }
        let is_news = !is_so(&history, &change);
        let event = Event {
            change: change.clone(),
            time: Timestamp::now(),
            by: by.name.clone(),
        };
        if is_news {
            history.apply(event.clone());
        }
        // Before the event, so that a full disk speaks up before the point of no return.
        let mut changed = ItemChange::of(item.clone(), history.clone());
        if is_news {
            changed.news.push(News::now(event.clone())?);
        }
        let ready = self.stage_items(&[changed], access)?.ready(&[])?;
        let by = Some(by);
        let line = Attempt { by, ..attempt }.succeeded();
        self.audit().append_durably(&line)?;
        if is_news {
            source.append(item, &event)?;
        }
        let removed = match &change {
            Change::Remove { version, .. } => Some(item.release(version.clone())),
            _ => None,
        };
        ready
            .apply(&[source.root()])
            .and_then(|_| removed.map_or(Ok(()), |release| delete(source, &release)))
            .map_err(LifecycleError::Unfinished)?;
        Ok(standing(item, &history, &change))
    }
}

/// Whether a change may be made.
fn refuse(
    source: &SourceTree,
    item: &ItemId,
    history: &History,
    change: &Change,
) -> Result<(), LifecycleError> {
    let here = source.versions(item)?;
    let Some(version) = change.version() else {
        return match here.is_empty() && history.whole == 0 {
            true => Err(LifecycleError::NoSuchItem(item.clone())),
            false => Ok(()),
        };
    };
    let release = item.release(version.clone());
    let of = history.of(version);
    let is_there = here.contains(version) && of.removed.is_none();
    match change {
        // What is gone may be gone for good, and so may what was never published.
        Change::Remove { .. } if is_there || of.removed.is_some() || of.published.is_some() => {}
        _ if is_there => {}
        _ => return Err(LifecycleError::NoSuchVersion(release)),
    }
    match change {
        Change::Tag { .. } if of.yanked.is_some() => Err(LifecycleError::Yanked(release)),
        Change::Deprecate { message, .. } if message.trim().is_empty() => {
            Err(LifecycleError::NothingToTell(release))
        }
        Change::Yank { .. } => match history.tags_of(version).next().cloned() {
            Some(tag) => Err(LifecycleError::Tagged { release, tag }),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Whether the item is already as the change would make it.
fn is_so(history: &History, change: &Change) -> bool {
    let of = |version| history.of(version);
    match change {
        Change::Publish {
            version, digest, ..
        } => of(version).published.is_some_and(|it| it.digest == *digest),
        // Whoever gives no reason leaves the one that is there.
        Change::Yank { version, reason } => of(version)
            .yanked
            .is_some_and(|it| reason.is_empty() || it.reason == *reason),
        Change::Unyank { version } => of(version).yanked.is_none(),
        Change::Deprecate { version, message } => of(version).deprecated.as_ref() == Some(message),
        Change::Undeprecate { version } => of(version).deprecated.is_none(),
        Change::Tag { tag, version } => history.tags().get(tag) == Some(version),
        Change::Untag { tag } => !history.tags().contains_key(tag),
        Change::Remove { version, .. } => of(version).removed.is_some(),
    }
}

fn standing(item: &ItemId, history: &History, change: &Change) -> Standing {
    match (change, change.version()) {
        (Change::Tag { .. }, _) | (_, None) => Standing::Tags {
            path: item.to_string(),
            tags: history.tags().clone(),
        },
        (_, Some(version)) => {
            let of = history.of(version);
            Standing::Release {
                path: item.release(version.clone()).to_string(),
                yanked: of.yanked,
                deprecated: of.deprecated,
                removed: of.removed,
            }
        }
    }
}

/// Takes a version's folder out of the source tree: at once, and then all that was in it.
fn delete(source: &SourceTree, release: &ReleaseId) -> Result<(), Error> {
    let folder = source.release(release);
    let aside = source
        .make_staging()?
        .join(format!("removed-{}", crate::folders::random_hex::<8>()?));
    match std::fs::rename(&folder, &aside) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        renamed => renamed.at("remove", &folder)?,
    }
    durable::sync_file_systems([source.root()])?;
    durable::remove_folder(&aside)
}
