//! One attempt from file to file: read, send, write down what it came to. What follows from that for others is the office's.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rackgen::error::{Error, Result};
use rackgen::webhook::settings::Wait;
use rackgen::webhook::shelves::Shelf;
use rackgen::webhook::{Delivery, DeliveryId, Endpoint, EndpointId, EventKind, Shelves, Try};
use tokio::task::spawn_blocking;

use super::send::{Sender, Verdict};

/// An attempt on its way.
pub(super) struct Flight {
    pub(super) shelves: Shelves,
    pub(super) sender: Arc<Sender>,
    pub(super) retry_after: Arc<[Wait]>,
    pub(super) endpoint: EndpointId,
    /// None: nobody listens there, and it is given up.
    pub(super) listener: Option<Endpoint>,
    pub(super) id: DeliveryId,
}

/// An attempt that is over.
pub(super) struct Landed {
    pub(super) id: DeliveryId,
    pub(super) endpoint: EndpointId,
    pub(super) is_ping: bool,
    pub(super) fate: Fate,
    /// What the disk said to that.
    pub(super) noted: Result<()>,
}

/// What an attempt came to, and what follows.
pub(super) enum Fate {
    /// It arrived.
    Delivered(Try),
    /// To be tried again then.
    Failed(Try, Timestamp),
    /// Given up.
    Dead(Try),
    /// Given up, because the endpoint wants to hear no more.
    Gone(Try),
    /// Given up without being sent.
    Unheard(Try),
    /// Somebody took its file away, or it cannot be read.
    Vanished,
}

impl Flight {
    /// Makes it, and writes down what it came to.
    pub(super) async fn fly(self) -> Landed {
        let (shelves, id) = (self.shelves.clone(), self.id.clone());
        let read = blocking(move || shelves.read(Shelf::Pending, &id)).await;
        let is_ping = matches!(&read, Ok(Some(delivery)) if delivery.event == EventKind::Ping);
        let (fate, noted) = match read {
            Ok(Some(delivery)) => self.deliver(delivery).await,
            Ok(None) => (Fate::Vanished, Ok(())),
            Err(error) => (Fate::Vanished, Err(error)),
        };
        Landed {
            id: self.id,
            endpoint: self.endpoint,
            is_ping,
            fate,
            noted,
        }
    }

    async fn deliver(&self, mut delivery: Delivery) -> (Fate, Result<()>) {
        let (attempt, verdict) = match &self.listener {
            Some(listener) => self.sender.send(listener, &delivery).await,
            None => unheard(),
        };
        delivery.attempts.push(attempt.clone());
        delivery.next = match verdict {
            Verdict::Delivered | Verdict::Gone | Verdict::Unheard => None,
            Verdict::Failed(asked) => delivery.pause(&self.retry_after).map(|pause| {
                // Those that failed together do not come together again.
                let pause = pause.duration().mul_f64(1.0 + fastrand::f64() / 5.0);
                later(pause.max(asked.unwrap_or_default()))
            }),
        };
        let fate = match (verdict, delivery.next) {
            (Verdict::Delivered, _) => Fate::Delivered(attempt),
            (Verdict::Gone, _) => Fate::Gone(attempt),
            (Verdict::Unheard, _) => Fate::Unheard(attempt),
            (Verdict::Failed(_), Some(next)) => Fate::Failed(attempt, next),
            (Verdict::Failed(_), None) => Fate::Dead(attempt),
        };
        let (shelves, is_delivered) = (self.shelves.clone(), matches!(fate, Fate::Delivered(_)));
        let noted = blocking(move || match (is_delivered, delivery.next) {
            (true, _) => shelves.deliver(&delivery),
            (false, Some(_)) => shelves.keep(&delivery),
            (false, None) => shelves.bury(&delivery),
        });
        (fate, noted.await)
    }
}

fn unheard() -> (Try, Verdict) {
    let why = "not sent: its endpoint is not configured, or answered 410";
    let attempt = Try::ended(Timestamp::now(), Duration::ZERO, None, Some(why.into()));
    (attempt, Verdict::Unheard)
}

/// In so long, or at the end of time.
fn later(pause: Duration) -> Timestamp {
    let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
    Timestamp::now()
        .checked_add(pause)
        .unwrap_or(Timestamp::MAX)
}

/// What waits for the disk keeps nothing else waiting.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|fault| Err(Error::refused("webhooks", fault)))
}
