//! Takes up a changed access file or webhooks file while the daemon runs: on SIGHUP, and when one changes.
//!
//! A broken file is refused and shown by `/health` and by a figure; what was in force stays in force. Keys and
//! revocations of minted tokens need no watch: they are looked at with every question (`auth::minted`).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use rackgen::audit::{Action, Attempt};
use rackgen::build::{BuildOptions, Scope};
use rackgen::commit::durable::folder_of;
use rackgen::config::AccessSource;
use rackgen::error::{Error, Result};

use crate::app::{App, Check};
use crate::metrics::Reloaded;

/// Editors write a file in several steps: the last one counts.
const QUIET: Duration = Duration::from_millis(100);

/// A build that failed is tried again after so long.
const AGAIN: Duration = Duration::from_secs(5);

/// Watches both files; dropping it ends that.
pub(crate) struct Reloader {
    ask: Sender<()>,
    _watchers: Vec<RecommendedWatcher>,
}

impl Reloader {
    /// Starts to watch.
    pub(crate) fn start(app: Arc<App>) -> Result<Self> {
        let (ask, asked) = channel();
        let access = match app.access_source() {
            AccessSource::Open => None,
            AccessSource::File(path) => Some(path),
        };
        let watchers = access
            .into_iter()
            .chain([&app.webhook_source().path])
            // Webhooks may be nowhere yet; SIGHUP looks again.
            .filter(|path| folder_of(path).is_dir())
            .map(|path| watch(path, ask.clone()).map_err(|fault| Error::refused(path, fault)))
            .collect::<Result<_>>()?;
        thread::spawn(move || serve(&app, &asked));
        Ok(Self {
            ask,
            _watchers: watchers,
        })
    }

    /// Reloads soon.
    pub(crate) fn ask(&self) {
        // The thread at the other end lives as long as this.
        let _ = self.ask.send(());
    }
}

/// The folder is watched, since a file that is replaced by a rename is another file.
fn watch(path: &Path, ask: Sender<()>) -> notify::Result<RecommendedWatcher> {
    let name = path.file_name().map(ToOwned::to_owned);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let concerns = |path: &PathBuf| path.file_name() == name.as_deref();
        if let Ok(event) = event
            && !event.kind.is_access()
            && event.paths.iter().any(concerns)
        {
            let _ = ask.send(());
        }
    })?;
    watcher.watch(folder_of(path), RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

fn serve(app: &App, asked: &Receiver<()>) {
    // The files may have changed between their first reading and the watch.
    take_up_webhooks(app);
    let mut behind = !reload(app);
    loop {
        let next = match behind {
            true => asked.recv_timeout(AGAIN),
            false => asked.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        if next == Err(RecvTimeoutError::Disconnected) {
            return;
        }
        while asked.recv_timeout(QUIET).is_ok() {}
        take_up_webhooks(app);
        behind = !reload(app);
    }
}

fn take_up_webhooks(app: &App) {
    let fault = app.take_up_webhooks().err();
    app.metrics.reload(Reloaded::Webhooks, fault.is_none());
    app.note(Check::Webhooks, fault.map(|error| error.to_string()));
}

/// The decision first: what is gated from now on needs a token at once, before its files have moved. Reads look
/// into both trees meanwhile; for the instant between withdrawal and the private tree there is nothing in either.
/// Says whether the trees have followed.
fn reload(app: &App) -> bool {
    let before = app.access();
    let decided = app.decide();
    app.metrics.reload(Reloaded::Access, decided.is_ok());
    match decided {
        Err(error) => {
            app.note(Check::Access, Some(error.to_string()));
            app.tell(&[Attempt::of(Action::Reload).stopped(&error)]);
            // What is in force has been built; another try waits for another file.
            true
        }
        Ok(access) => {
            app.note(Check::Access, None);
            if access != *before {
                app.tell(&[Attempt::of(Action::Reload).succeeded()]);
            }
            if access == *before && !app.faults().contains_key(&Check::Build) {
                return true;
            }
            let _writer = app.write();
            build(app)
        }
    }
}

/// Brings the trees to what source and access file say, and remembers how that went.
pub(crate) fn build(app: &App) -> bool {
    let options = BuildOptions::default();
    let start = Instant::now();
    let outcome = app
        .registry
        .build(&Scope::Everything, &|| app.decide(), &options, &|_| ());
    match &outcome {
        Ok(report) => {
            report
                .problems
                .iter()
                .for_each(|problem| tracing::warn!("{problem}"));
            tracing::info!("{report}");
            app.metrics.build(start.elapsed());
            app.metrics.outputs(&report.changes);
        }
        Err(error) => {
            app.end_if_broken(error);
            tracing::warn!("the trees stay as they are until a build succeeds");
        }
    }
    app.note(
        Check::Build,
        outcome.as_ref().err().map(ToString::to_string),
    );
    outcome.is_ok()
}
