//! What the daemon tells the audit log, and what becomes of requests while it cannot.
//!
//! A publish has its line in its intent, so that none is lost ([`crate::publish`]); a yank or a tag has it before its
//! event ([`rackgen::lifecycle`]). What is noted here is noted after the fact, by a thread of its own: no worker that
//! serves reads waits for a log that is slow, or held by somebody.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use actix_web::HttpRequest;
use rackgen::access::Access;
use rackgen::audit::{Action, Attempt, Line, Subject};
use rackgen::error::Error;
use rackgen::error_code::ErrorCode;
use rackgen::model::Audience;
use tokio::sync::oneshot;

use crate::answer::Refusal;
use crate::app::{App, Check};

/// So many lines wait at most: a few MiB.
const ROOM: usize = 4096;

/// Lines that wait for the thread that writes them.
#[derive(Debug)]
pub(crate) struct Notes {
    queue: SyncSender<Note>,
    /// For the thread, when it starts.
    waiting: Mutex<Option<Receiver<Note>>>,
}

#[derive(Debug)]
enum Note {
    /// A line, and who waits until it was tried to write it.
    Line(Box<Line>, Option<oneshot::Sender<()>>),
    /// There are no more.
    End,
}

impl Default for Notes {
    fn default() -> Self {
        let (queue, waiting) = sync_channel(ROOM);
        Self {
            queue,
            waiting: Mutex::new(Some(waiting)),
        }
    }
}

/// The thread that writes what the workers note.
pub(crate) struct NoteTaker {
    app: Arc<App>,
    thread: JoinHandle<()>,
}

impl NoteTaker {
    pub(crate) fn start(app: Arc<App>) -> Self {
        let waiting = app.notes.waiting.lock();
        let waiting = waiting.unwrap_or_else(PoisonError::into_inner).take();
        let notes = app.clone();
        let thread = thread::spawn(move || {
            waiting
                .into_iter()
                .for_each(|waiting| take(&notes, &waiting));
        });
        Self { app, thread }
    }

    /// Waits until all is written that was noted.
    pub(crate) fn finish(self) {
        // Where nobody receives it, nothing is written any more.
        let _ = self.app.notes.queue.send(Note::End);
        let _ = self.thread.join();
    }
}

fn take(app: &App, waiting: &Receiver<Note>) {
    let mut is_over = false;
    while !is_over && let Ok(first) = waiting.recv() {
        let (mut lines, mut askers) = (Vec::new(), Vec::new());
        for note in std::iter::once(first).chain(waiting.try_iter().take(ROOM)) {
            match note {
                Note::Line(line, asker) => {
                    lines.push(*line);
                    askers.extend(asker);
                }
                Note::End => is_over = true,
            }
        }
        if !app.tell(&lines) {
            app.metrics.audit_lost(lines.len());
            tracing::error!(lines = lines.len(), "these lines of refusals are lost");
            // Who holds the log may hold it for long, and a stop waits for nobody.
            is_over |= app.is_stopping();
        }
        for asker in askers {
            // Whoever asked may have gone away.
            let _ = asker.send(());
        }
    }
}

impl App {
    /// What a request tries, before anybody knows more of it.
    pub(crate) fn attempt(&self, request: &HttpRequest, id: &str, action: Action) -> Attempt {
        Attempt {
            request_id: Some(id.to_owned()),
            client: Some(self.client(request)),
            ..Attempt::of(action)
        }
    }

    /// Whether what is about to be done can be noted; asked before the point of no return.
    ///
    /// # Errors
    /// It cannot: `UNAVAILABLE`, or `STORAGE_FULL`.
    pub(crate) fn require_audit(&self) -> Result<(), Refusal> {
        self.noted(self.registry.audit().check())
    }

    /// Notes what happened, for good: whoever is told of it afterwards is told of what has its line.
    ///
    /// # Errors
    /// It cannot be noted: `UNAVAILABLE`, or `STORAGE_FULL`.
    pub(crate) fn tell_durably(&self, line: &Line) -> Result<(), Refusal> {
        self.noted(self.registry.audit().append_durably(line))
    }

    fn noted(&self, outcome: Result<(), Error>) -> Result<(), Refusal> {
        self.remember(&outcome);
        outcome.map_err(|error| match error.code() {
            ErrorCode::StorageFull => error.into(),
            _ => Refusal::new(
                ErrorCode::Unavailable,
                "the registry cannot write its audit log, so it takes no changes; its own log says why",
            ),
        })
    }

    /// Notes what happened; says whether that stands in the log now. If not, `/health` says so.
    pub(crate) fn tell(&self, lines: &[Line]) -> bool {
        let told = self.registry.audit().append(lines);
        self.remember(&told);
        told.is_ok()
    }

    /// Notes what happened as soon as the log takes it. Nobody waits for that.
    pub(crate) fn tell_soon(&self, line: Line) {
        self.queue(line, None);
    }

    /// Notes what happened before it is answered; only the answer waits for that.
    pub(crate) async fn tell_first(&self, line: Line) {
        let (told, done) = oneshot::channel();
        self.queue(line, Some(told));
        // An error: it was lost.
        let _ = done.await;
    }

    fn queue(&self, line: Line, asker: Option<oneshot::Sender<()>>) {
        let note = Note::Line(Box::new(line), asker);
        if self.notes.queue.try_send(note).is_err() {
            self.metrics.audit_lost(1);
        }
    }

    /// Notes that a change was refused, before that is answered.
    pub(crate) async fn tell_refusal(&self, attempt: Attempt, refusal: &Refusal) {
        if let Some(line) = line_of(attempt, refusal) {
            self.tell_first(line).await;
        }
    }

    /// Notes that somebody was not let in to read what needs a token.
    pub(crate) fn tell_refused_read(
        &self,
        request: &HttpRequest,
        id: &str,
        access: &Access,
        subject: Subject,
        refusal: &Refusal,
    ) {
        let namespace = subject.namespace();
        if access.audience(namespace) != Some(Audience::Private) {
            return;
        }
        let caller = self.caller(access, request.headers()).ok().flatten();
        let attempt = Attempt {
            by: caller.map(|caller| caller.by(Some(namespace))),
            item: Some(subject),
            ..self.attempt(request, id, Action::Read)
        };
        if let Some(line) = line_of(attempt, refusal) {
            self.tell_soon(line);
        }
    }

    fn remember<T>(&self, outcome: &Result<T, Error>) {
        let error = outcome.as_ref().err();
        self.note(Check::Audit, error.map(ToString::to_string));
        if let Some(error) = error {
            self.end_if_broken(error);
        }
    }
}

/// The line of a refusal. Of those who ask too often there is none, or they could push out all others: the log has only
/// so much room.
fn line_of(attempt: Attempt, refusal: &Refusal) -> Option<Line> {
    (refusal.code != ErrorCode::RateLimitExceeded)
        .then(|| attempt.refused(refusal.code, refusal.message()))
}
