//! Intents: what a publish is about to do, on disk before it is done, and how it is finished after a kill.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rackgen::build::Registry;
use rackgen::commit::durable;
use rackgen::error::{At, Error, Result};
use rackgen::model::{Event, ItemId, ItemPath, Namespace, ReleaseId, Version};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::intake::staging::Staging;

/// A publish past its point of no return.
#[derive(Debug)]
pub(super) struct Intent {
    path: PathBuf,
    facts: Facts,
}

/// What the intent's file says, in its format 1.
#[derive(Debug, Serialize, Deserialize)]
struct Facts {
    format: u32,
    namespace: Namespace,
    path: ItemPath,
    version: Version,
    /// The upload's staging folder.
    staging: String,
    event: Event,
}

const FORMAT: u32 = 1;

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
    /// Writes the intent, durably.
    pub(super) fn write(
        registry: &Registry,
        staging: &Staging,
        id: &ReleaseId,
        event: Event,
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
        };
        let path = folder.join(format!("{}.json", staging.name()));
        let text = serde_json::to_vec(&facts).unwrap_or_default();
        durable::replace(&path, &text, 0o600)?;
        Ok(Self { path, facts })
    }

    /// Moves the version into the source tree and appends its event; may be repeated. The caller makes it durable.
    ///
    /// # Errors
    /// A folder of that version that came from elsewhere meanwhile; the disk. The intent stays, and is replayed.
    pub(super) fn admit(&self, registry: &Registry, staging: &Staging) -> Result<()> {
        let source = registry.source();
        let release = self.facts.release();
        let target = source.release(&release);
        let contents = staging.contents();
        if contents.exists() {
            source.admit(&contents, &target)?;
        } else if !target.exists() {
            tracing::error!("{release}: a hand removed it before it was published");
            return Ok(());
        }
        if source
            .history(&release.item)?
            .of(&release.version)
            .published
            .is_none()
        {
            source.append(&release.item, &self.facts.event)?;
        }
        Ok(())
    }

    /// The publish is complete.
    pub(super) fn done(self) -> Result<()> {
        fs::remove_file(&self.path).at("remove", &self.path)
    }
}

/// Finishes every publish that was past its point of no return. The caller holds the source tree's lock.
///
/// One that cannot be finished waits for the next time, and `/health` shows it; the others go on.
pub(crate) fn replay(app: &App) -> Result<()> {
    let mut faults = Vec::new();
    for path in pending(&app.registry)? {
        if let Err(error) = finish(app, &path) {
            faults.push(error.to_string());
        }
    }
    let fault = (!faults.is_empty()).then(|| faults.join("; "));
    app.note("intents", fault);
    Ok(())
}

fn finish(app: &App, path: &Path) -> Result<()> {
    let text = fs::read(path).at("read", path)?;
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
    match intent.admit(registry, &staging) {
        Err(Error::Io { cause, .. }) if cause.kind() == ErrorKind::AlreadyExists => {
            tracing::error!(
                "{release}: its folder was made by another hand; the upload is dropped"
            );
            return intent.done();
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
        let staged = registry.stage_item(&release.item, history, &access, None)?;
        staged.apply(&[source.root()])?;
    }
    durable::sync_file_systems([source.root()])?;
    tracing::info!("{release}: finished a publish that was cut short");
    intent.done()
}

fn folder(registry: &Registry) -> PathBuf {
    registry.folders().state.join("intents")
}

/// The files of the intents that are open. What a kill left half-written is no intent.
fn pending(registry: &Registry) -> Result<Vec<PathBuf>> {
    let folder = folder(registry);
    let entries = match fs::read_dir(&folder) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.at("read", &folder)?,
    };
    let mut intents = Vec::new();
    for entry in entries {
        let path = entry.at("read", &folder)?.path();
        match path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            true => intents.push(path),
            false => durable::remove_if_there(&path)?,
        }
    }
    Ok(intents)
}
