//! The thread that writes: it takes what has come in meanwhile as one group, and makes the last one durable when
//! nothing comes any more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rackgen::error_code::ErrorCode;
use rackgen::lock::PATIENCE;
use rackgen::model::ReleaseId;
use tokio::sync::oneshot;

use super::group::publish;
use super::intent::Intent;
use super::{Upload, replay};
use crate::answer::Refusal;
use crate::app::App;

/// A group is no larger: the first of it waits for the last.
const GROUP: usize = 64;

/// When nothing came for so long, what was shown last gets its barrier, and its intents go.
const QUIET: Duration = Duration::from_secs(1);

/// An upload, and who waits for what becomes of it.
pub(super) struct Job {
    pub(super) upload: Upload,
    pub(super) answer: oneshot::Sender<Result<ReleaseId, Refusal>>,
    arrived: Instant,
}

impl Job {
    /// How long it waits for a lock that was last had then: what others of the queue take is no waiting for a lock.
    pub(super) fn waits_until(&self, had: Instant) -> Instant {
        self.arrived.max(had) + PATIENCE
    }
}

/// What the writer knows besides what is on disk. Whoever holds it is the one who writes.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    /// Publishes that everybody can read, and that a power cut would take back were it not for these.
    shown: Vec<Intent>,
}

impl Writer {
    /// Whether the publish of this intent's file is done but for a barrier.
    pub(super) fn has_shown(&self, intent: &Path) -> bool {
        self.shown.iter().any(|shown| shown.path == intent)
    }

    /// These can be read by everybody.
    pub(super) fn show(&mut self, intents: Vec<Intent>) {
        self.shown.extend(intents);
    }

    /// All that was shown has had its barrier.
    pub(super) fn forget_shown(&mut self) {
        self.shown.drain(..).for_each(Intent::forget);
    }
}

/// Hands uploads to the thread that writes.
#[derive(Debug)]
pub(crate) struct Publisher {
    /// None: it takes no more.
    work: Mutex<Option<Work>>,
}

#[derive(Debug)]
struct Work {
    jobs: Sender<Job>,
    thread: thread::JoinHandle<()>,
}

impl Publisher {
    pub(crate) fn start(app: Arc<App>) -> Self {
        let (jobs, receiver) = channel();
        let thread = thread::spawn(move || write(&app, &receiver));
        Self {
            work: Mutex::new(Some(Work { jobs, thread })),
        }
    }

    /// Publishes an upload. When this returns `Ok`, the version is durable and readable.
    ///
    /// # Errors
    /// A version that exists, with `identical` where its bytes are the same; a disk that says no; a daemon that stops.
    pub(crate) async fn publish(&self, upload: Upload) -> Result<ReleaseId, Refusal> {
        let (answer, outcome) = oneshot::channel();
        match &*self.work.lock().unwrap_or_else(PoisonError::into_inner) {
            // Where nobody receives it any more, nobody answers either.
            Some(work) => drop(work.jobs.send(Job {
                upload,
                answer,
                arrived: Instant::now(),
            })),
            None => {
                let message = "the registry is stopping; try again";
                return Err(Refusal::new(ErrorCode::Unavailable, message));
            }
        }
        outcome
            .await
            .unwrap_or_else(|_| Err(Refusal::internal(&"the writer stopped").may_have_happened()))
    }

    /// Takes no more, and waits until what was taken is done, durable, and known to the record.
    pub(crate) fn finish(&self) {
        let work = self
            .work
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(Work { jobs, thread }) = work {
            drop(jobs);
            // One that panicked is done too.
            let _ = thread.join();
        }
    }
}

fn write(app: &App, jobs: &Receiver<Job>) {
    let mut waiting = Vec::new();
    let mut had = Instant::now();
    loop {
        if waiting.is_empty() {
            match jobs.recv_timeout(QUIET) {
                Ok(job) => waiting.push(job),
                Err(end) => {
                    secure(app);
                    if end == RecvTimeoutError::Disconnected {
                        return;
                    }
                    continue;
                }
            }
        }
        waiting.extend(jobs.try_iter().take(GROUP.saturating_sub(waiting.len())));
        let group = std::mem::take(&mut waiting);
        // Whoever of a group that panicked has no answer hears that it may have happened.
        match catch_unwind(AssertUnwindSafe(|| publish(app, group, &mut had))) {
            Ok(later) => waiting = later,
            Err(_) => tracing::error!("the writer panicked"),
        }
    }
}

fn secure(app: &App) {
    let until = Instant::now() + PATIENCE;
    // Who writes now makes it durable too, or the next time does.
    let Ok(mut writer) = app.write_until(until) else {
        return;
    };
    if writer.shown.is_empty() {
        return;
    }
    let secured = app
        .lock_source_until(until)
        .and_then(|_lock| replay(app, &writer).and_then(|()| app.registry.secure()));
    match secured {
        Ok(()) => writer.forget_shown(),
        // The intents stay, and are found complete.
        Err(fault) => {
            app.end_if_broken(&fault);
            tracing::warn!("{fault}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::iter;

    use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
    use futures_util::FutureExt;
    use rackgen::audit::{Action, Attempt, By};
    use rackgen::model::{ContentDigest, ItemId, Sha256, StoredFile};
    use rackgen::source::SourceTree;

    use super::*;
    use crate::auth::Credential;
    use crate::intake::staging::Staging;
    use crate::intake::verify::Verified;
    use crate::publish::Mode;

    fn upload(source: &SourceTree) -> Upload {
        let item: ItemId = "@open/features/item".parse().unwrap();
        let sha256 = Sha256::of(b"");
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer x"));
        Upload {
            staging: Staging::new(source).unwrap(),
            package: Verified {
                id: item.release("1.0.0".parse().unwrap()),
                by: By::named("x"),
                digest: ContentDigest::of(iter::empty()),
                manifest: StoredFile { sha256, len: 0 },
                files: BTreeMap::new(),
            },
            archive: sha256,
            sender: Credential::from_headers(&headers).unwrap().unwrap(),
            mode: Mode::Publish,
            attempt: Attempt::of(Action::Publish),
        }
    }

    #[test]
    fn a_publisher_that_takes_no_more_refuses_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let publisher = Publisher {
            work: Mutex::new(None),
        };
        let upload = upload(&SourceTree::at(folder.path()));
        let answer = publisher.publish(upload).now_or_never();
        let refusal = answer.expect("no waiting").unwrap_err();
        assert_eq!(refusal.code, ErrorCode::Unavailable);
    }
}
