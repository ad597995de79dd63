//! Takes up a changed access file while the daemon runs: on SIGHUP, and when the file changes.
//!
//! A broken file is refused and shown by `/health`; what was in force stays in force.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use rackgen::build::BuildOptions;
use rackgen::config::AccessSource;
use rackgen::error::{Error, Result};

use crate::app::App;

/// Editors write a file in several steps: the last one counts.
const QUIET: Duration = Duration::from_millis(100);

/// Watches the access file; dropping it ends that.
pub(crate) struct Reloader {
    ask: Sender<()>,
    _watcher: Option<RecommendedWatcher>,
}

impl Reloader {
    /// Starts to watch.
    pub(crate) fn start(app: Arc<App>, source: AccessSource) -> Result<Self> {
        let (ask, asked) = channel();
        let watcher = match &source {
            AccessSource::Open => None,
            AccessSource::File(path) => {
                Some(watch(path, ask.clone()).map_err(|fault| Error::refused(path, fault))?)
            }
        };
        thread::spawn(move || serve(&app, &source, &asked));
        Ok(Self {
            ask,
            _watcher: watcher,
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
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    watcher.watch(
        folder.unwrap_or(Path::new(".")),
        RecursiveMode::NonRecursive,
    )?;
    Ok(watcher)
}

fn serve(app: &App, source: &AccessSource, asked: &Receiver<()>) {
    while asked.recv().is_ok() {
        loop {
            match asked.recv_timeout(QUIET) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        let outcome = reload(app, source);
        match &outcome {
            Ok(()) => tracing::info!("the access file was taken up"),
            Err(error) => tracing::error!("the access file was not taken up: {error}"),
        }
        app.set_reload_fault(outcome.err().map(|error| error.to_string()));
    }
}

/// The decision first: what is gated from now on needs a token at once, before its files have moved. Reads find
/// them in either tree meanwhile.
fn reload(app: &App, source: &AccessSource) -> Result<()> {
    let access = Arc::new(source.load()?);
    let _writer = app.write();
    app.set_access(access.clone());
    let report = app
        .registry
        .build(&access, BuildOptions::default(), &|_| ())?;
    tracing::info!("{report}");
    Ok(())
}
