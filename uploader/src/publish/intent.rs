//! Intents: what a publish is about to do, on disk before it is done, and how it is finished after a kill.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rackgen::audit::Line;
use rackgen::build::{ItemChange, Registry};
use rackgen::commit::durable;
use rackgen::error::{At, Error, Result};
use rackgen::folders::intents;
use rackgen::model::{Change, Event, ItemId, ItemPath, Namespace, ReleaseId, Version};
use rackgen::source::SourceTree;
use rackgen::webhook::News;
use serde::{Deserialize, Serialize};

use super::writer::Writer;
use crate::app::{App, Check};
use crate::intake::staging::Staging;

/// A publish past its point of no return, once its file is durable.
#[derive(Debug)]
pub(super) struct Intent {
    pub(super) path: PathBuf,
    facts: Facts,
}

/// What the intent's file says, in its format 2. In format 1 the files were one folder further down.
#[derive(Debug, Serialize, Deserialize)]
struct Facts {
    format: u32,
    namespace: Namespace,
    path: ItemPath,
    version: Version,
    /// The upload's staging folder.
    staging: String,
    event: Event,
    /// What the audit log is to say of it; nothing, if an earlier program wrote this.
    #[serde(default)]
    audit: Option<Line>,
}

const FORMAT: u32 = 2;

impl Facts {
    fn release(&self) -> ReleaseId {
        let item = ItemId {
            namespace: self.namespace.clone(),
            path: self.path.clone(),
        };
        item.release(self.version.clone())
    }
}

impl Intent {
    /// Writes the intent; the barrier that makes the upload durable does the same for it. A power cut may leave the one
    /// without the other, so whoever finishes it looks first at what there is.
    pub(super) fn write(
        registry: &Registry,
        staging: &Staging,
        id: &ReleaseId,
        event: Event,
        line: Line,
    ) -> Result<Self> {
        let folder = folder(registry);
        durable::create_folders(&folder, 0o700)?;
        let facts = Facts {
            format: FORMAT,
            namespace: id.item.namespace.clone(),
            path: id.item.path.clone(),
            version: id.version.clone(),
            staging: staging.name().to_owned(),
            event,
            audit: Some(line),
        };
        let path = folder.join(format!("{}.json", staging.name()));
        let text = serde_json::to_vec(&facts).at("write", &path)?;
        fs::write(&path, text).at("write", &path)?;
        Ok(Self { path, facts })
    }

    /// What the audit log is to say of it.
    pub(super) fn line(&self) -> Option<&Line> {
        self.facts.audit.as_ref()
    }

    /// Moves the version into the source tree and appends its event.
    ///
    /// # Errors
    /// A folder of that version that came from elsewhere meanwhile; the disk. The intent stays, and is replayed.
    pub(super) fn admit(&self, registry: &Registry, staging: &Staging) -> Result<()> {
        let source = registry.source();
        let release = self.facts.release();
        source.admit(staging.contents(), &source.release(&release))?;
        source.append(&release.item, &self.facts.event)
    }

    /// The same, of one that was interrupted anywhere.
    fn admit_again(&self, registry: &Registry, staging: &Staging) -> Result<()> {
        let source = registry.source();
        let release = self.facts.release();
        let contents = staging.contents();
        let target = source.release(&release);
        if is_there(contents)? {
            source.admit(contents, &target)?;
        } else if !is_there(&target)? {
            tracing::error!("{release}: a hand removed it before it was published");
            return Ok(());
        }
        let published = source
            .history(&release.item)?
            .of(&release.version)
            .published;
        match published {
            Some(_) => Ok(()),
            None => source.append(&release.item, &self.facts.event),
        }
    }

    /// Whether what waits in staging is what was to be published: after a power cut before the barrier it need not be, and
    /// then nobody was told that it is published.
    fn is_whole(&self, staging: &Staging) -> Result<bool> {
        let contents = staging.contents();
        let Change::Publish { digest, .. } = &self.facts.event.change else {
            return Ok(false);
        };
        Ok(!is_there(contents)?
            || SourceTree::load_release_in(&self.facts.release(), contents)
                .is_ok_and(|loaded| loaded.digest == *digest))
    }

    /// The publish is complete, and durable; or nothing happened.
    fn done(self) -> Result<()> {
        durable::remove_if_there(&self.path)
    }

    /// The same, where nobody waits for it: one that stays is found complete by the next start.
    pub(super) fn forget(self) {
        if let Err(fault) = self.done() {
            tracing::warn!("{fault}");
        }
    }
}

/// Finishes every publish that was past its point of no return. The caller holds the source tree's lock.
///
/// One that cannot be finished waits for the next time, and `/health` shows it; the others go on.
///
/// # Errors
/// The disk itself failed, and the daemon ends; the intents cannot be read.
pub(crate) fn replay(app: &App, writer: &Writer) -> Result<()> {
    let mut faults = Vec::new();
    let mut finished = Vec::new();
    for path in pending(&app.registry)? {
        if writer.has_shown(&path) {
            continue;
        }
        match finish(app, &path) {
            Ok(intent) => finished.extend(intent),
            Err(error) => faults.push(error),
        }
    }
    // One barrier for all of them, and for their lines.
    if !finished.is_empty() {
        let lines: Vec<Line> = finished.iter().filter_map(Intent::line).cloned().collect();
        let told = app.registry.audit().complete(&lines);
        let secured = told.and_then(|()| app.registry.secure());
        let done = secured.and_then(|()| finished.into_iter().try_for_each(Intent::done));
        faults.extend(done.err());
    }
    let words: Vec<String> = faults.iter().map(Error::to_string).collect();
    app.note(
        Check::Intents,
        (!words.is_empty()).then(|| words.join("; ")),
    );
    let broken = faults.into_iter().find(Error::is_disk_failure);
    broken.map_or(Ok(()), |error| {
        app.end_if_broken(&error);
        Err(error)
    })
}

/// Does what is left to do of one; it is done when that is durable. None where there was nothing to finish.
fn finish(app: &App, path: &Path) -> Result<Option<Intent>> {
    let text = fs::read(path).at("read", path)?;
    if durable::is_torn(&text) {
        // A power cut came before its barrier: nothing happened.
        tracing::warn!("{}: it was never finished, and is dropped", path.display());
        return durable::remove_if_there(path).map(|()| None);
    }
    let facts = match serde_json::from_slice::<Facts>(&text) {
        Ok(facts) if facts.format == FORMAT => facts,
        _ => {
            return Err(Error::refused(
                path,
                "this is no intent that this program can finish",
            ));
        }
    };
    let registry = &app.registry;
    let release = facts.release();
    let staging = Staging::named(registry.source(), &facts.staging);
    let intent = Intent {
        path: path.to_owned(),
        facts,
    };
    let is_whole = intent.is_whole(&staging);
    if let Ok(false) = is_whole {
        tracing::warn!(
            "{release}: its upload was cut short before it was published, and is dropped"
        );
        return intent.done().map(|()| None);
    }
    match is_whole.and_then(|_| intent.admit_again(registry, &staging)) {
        Err(Error::Io { cause, .. }) if cause.kind() == ErrorKind::AlreadyExists => {
            tracing::error!(
                "{release}: its folder was made by another hand; the upload is dropped"
            );
            return intent.done().map(|()| None);
        }
        Err(error) => {
            staging.leave();
            return Err(error);
        }
        Ok(()) => {}
    }
    let access = app.decision();
    let source = registry.source();
    // What is not declared any longer is stored all the same, and shown if it is declared again.
    if access.audience(&release.item.namespace).is_some() {
        let history = source.history(&release.item)?;
        let mut change = ItemChange::of(release.item.clone(), history);
        change.news.push(News {
            event: intent.facts.event.clone(),
            occasion: intent.facts.staging.clone(),
        });
        let ready = registry.stage_items(&[change], &access)?.ready(&[])?;
        ready.show()?.settle()?;
    }
    tracing::info!("{release}: finished a publish that was cut short");
    Ok(Some(intent))
}

/// What cannot be looked at may be there.
fn is_there(path: &Path) -> Result<bool> {
    path.try_exists().at("look for", path)
}

fn folder(registry: &Registry) -> PathBuf {
    intents(&registry.folders().state)
}

/// The files of the intents that are open. What has another name is not ours.
fn pending(registry: &Registry) -> Result<Vec<PathBuf>> {
    let folder = folder(registry);
    let entries = match fs::read_dir(&folder) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.at("read", &folder)?,
    };
    let mut intents = Vec::new();
    for entry in entries {
        let path = entry.at("read", &folder)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            intents.push(path);
        }
    }
    Ok(intents)
}
