//! Takes up a changed access file or webhooks file while the daemon runs: on SIGHUP, and when one changes.
//!
//! A broken file is refused and shown by `/health` and by a figure; what was in force stays in force. Keys and
//! revocations of minted tokens need no watch: they are looked at with every question (`auth::minted`).
//!
//! Two threads: one puts decisions in force, at once; the other lets the trees follow, which takes as long as a build.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rackgen::access::Access;
use rackgen::audit::{Action, Attempt};
use rackgen::build::{BuildOptions, Scope};
use rackgen::config::AccessSource;
use rackgen::error::Result;
use rackgen::watch::file::FileWatch;

use crate::app::{App, Check};
use crate::metrics::Reloaded;

/// Editors write a file in several steps: the last one counts,
const QUIET: Duration = Duration::from_millis(100);
/// but nobody who writes on and on keeps a revocation from being taken up.
const PATIENCE: Duration = Duration::from_millis(500);

/// Whether a build or a publish left the trees behind is looked at after so long.
const AGAIN: Duration = Duration::from_secs(5);

/// Asks for what is watched to be read again; that is for as long as the process lives.
pub(crate) struct Reloader {
    ask: Sender<()>,
}

impl Reloader {
    /// Starts to watch.
    pub(crate) fn start(app: Arc<App>) -> Result<Self> {
        let (ask, asked) = channel();
        let access = match app.access_source() {
            AccessSource::Open => None,
            AccessSource::File(path) => Some(path),
        };
        let watches = access
            .into_iter()
            .chain([&app.webhook_source().path])
            .map(|path| {
                let ask = ask.clone();
                let tell = move || {
                    let _ = ask.send(());
                };
                FileWatch::start(path, tell)
            })
            .collect::<Result<_>>()?;
        let (follow, decided) = channel();
        let follower = app.clone();
        let built = app.access();
        thread::spawn(move || let_trees_follow(&follower, &decided, built));
        thread::spawn(move || serve(&app, &asked, watches, &follow));
        Ok(Self { ask })
    }

    /// Reloads soon.
    pub(crate) fn ask(&self) {
        // The thread at the other end lives as long as this.
        let _ = self.ask.send(());
    }
}

fn serve(app: &App, asked: &Receiver<()>, mut watches: Vec<FileWatch>, follow: &Sender<()>) {
    loop {
        // At first too: the files may have changed between their first reading and the watch.
        take_up_webhooks(app);
        take_up_access(app, follow);
        if asked.recv().is_err() {
            return;
        }
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until && asked.recv_timeout(QUIET).is_ok() {}
        // Before they are read: what changes from here on is told again.
        for fault in watches.iter_mut().filter_map(|watch| watch.follow().err()) {
            tracing::error!("{fault}; SIGHUP reads it all the same");
        }
    }
}

fn take_up_webhooks(app: &App) {
    let fault = app
        .take_up_webhooks()
        .unwrap_or_else(|error| Some(error.to_string()));
    app.metrics.reload(Reloaded::Webhooks, fault.is_none());
    app.note(Check::Webhooks, fault);
}

/// The decision first: what is gated from now on needs a token at once, before its files have moved. Reads look
/// into both trees meanwhile; for the instant between withdrawal and the private tree there is nothing in either.
fn take_up_access(app: &App, follow: &Sender<()>) {
    let decided = app.decide();
    app.metrics.reload(Reloaded::Access, decided.is_ok());
    match decided {
        // What is in force has been built, or is being; another try waits for another file.
        Err(error) => {
            app.note(Check::Access, Some(error.to_string()));
            app.tell_soon(Attempt::of(Action::Reload).stopped(&error));
        }
        Ok(_) => {
            app.note(Check::Access, None);
            // The thread at the other end lives as long as this one.
            let _ = follow.send(());
        }
    }
}

/// Builds whenever another decision is in force than was built last, and again where that failed or a publish could not
/// tell the record.
fn let_trees_follow(app: &App, decided: &Receiver<()>, mut built: Arc<Access>) {
    loop {
        if decided.recv_timeout(AGAIN) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
        // Taken together: the build reads what the last of them was about.
        decided.try_iter().for_each(drop);
        let is_behind = app.faults().contains_key(&Check::Build);
        let access = app.access();
        // The next start builds too.
        if app.is_stopping() {
            return;
        }
        if (is_behind || access != built) && build_as_writer(app) {
            built = access;
        }
    }
}

fn build_as_writer(app: &App) -> bool {
    let _writer = app.write();
    build(app)
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
