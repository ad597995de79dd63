//! Webhooks: what the outbox of the spool announces is spread over the endpoints, signed, sent, and sent again until it
//! arrives or is given up. What is announced, and what the files are, is the generator's.

mod flight;
mod office;
mod schedule;
mod send;
mod sign;
mod spread;

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rackgen::error::{At, Result};
use rackgen::webhook::Spool;
use tokio::runtime::Builder;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::app::{App, Check};
use office::Office;

/// What cannot begin is tried again after so long.
const AGAIN: Duration = Duration::from_secs(5);

/// What an attempt came to, as figures and the log name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Delivered,
    /// It is made again.
    Failed,
    /// It was the last one.
    Dead,
    /// The endpoint answered 410.
    Gone,
}

impl Outcome {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Gone => "gone",
        }
    }

    /// Whether the delivery was given up.
    pub(crate) fn is_dead(self) -> bool {
        matches!(self, Self::Dead | Self::Gone)
    }
}

/// The thread that makes deliveries, apart from those that answer requests.
pub(crate) struct Deliveries {
    stop: Arc<Notify>,
    thread: JoinHandle<()>,
}

impl Deliveries {
    /// Goes on where the last run was; begins when somebody wants to be told.
    pub(crate) fn start(app: Arc<App>) -> Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .at("start", "the runtime of webhooks".as_ref())?;
        let stop = Arc::new(Notify::new());
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            runtime.block_on(deliver(&app, &stopped));
            // A name server that does not answer keeps nobody.
            runtime.shutdown_background();
        });
        Ok(Self { stop, thread })
    }

    /// What ends this when it is notified, as soon as what is on its way has landed.
    pub(crate) fn stop(&self) -> Arc<Notify> {
        self.stop.clone()
    }

    /// Waits for that end.
    pub(crate) fn join(self) {
        // A panic of it has been told already.
        let _ = self.thread.join();
    }
}

async fn deliver(app: &Arc<App>, stop: &Notify) {
    let mut webhooks = app.webhooks.subscribe();
    loop {
        let is_known = webhooks.borrow_and_update().is_some();
        let spool = Spool::of(&app.registry.folders().state);
        let again = match spool.filter(|_| is_known) {
            // Nobody wants to be told yet, or nobody knows who does.
            None => Duration::MAX,
            Some(spool) => match Office::open(app.clone(), spool) {
                Ok(office) => {
                    app.note(Check::Deliveries, None);
                    return office.run(stop).await;
                }
                Err(error) => {
                    app.note(Check::Deliveries, Some(error.to_string()));
                    AGAIN
                }
            },
        };
        tokio::select! {
            () = stop.notified() => return,
            Ok(()) = webhooks.changed() => {}
            () = sleep(again) => {}
        }
    }
}
