//! A request's body that can be drained after its reader gave up, so that an early refusal reaches the client:
//! one who is still sending reads no answer (serving.md, "Errors and safety").

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::error::PayloadError;
use actix_web::web::{Bytes, Payload};
use futures_util::{Stream, StreamExt};
use rackgen::error_code::ErrorCode;
use rackgen::package::Limits;

use crate::answer::Refusal;

/// The body; clones read on where the others stopped.
#[derive(Clone)]
pub(crate) struct Body {
    payload: Rc<RefCell<Payload>>,
    /// Bytes that have arrived.
    arrived: Rc<Cell<u64>>,
}

/// How often it is looked at how an upload comes on.
const PACE: Duration = Duration::from_secs(1);

/// Nobody waits longer than this for a client that goes on sending what nobody wants,
const DRAIN_TIME: Duration = Duration::from_secs(30);
/// nor than this for one that does not.
const QUIET: Duration = Duration::from_secs(2);

impl Body {
    pub(crate) fn new(payload: Payload) -> Self {
        Self {
            payload: Rc::new(RefCell::new(payload)),
            arrived: Rc::default(),
        }
    }

    /// Waits until it is clear that the body takes too long to arrive; for as long as it does not, in other words.
    pub(crate) async fn too_slow(&self, limits: &Limits) -> Refusal {
        let start = Instant::now();
        loop {
            tokio::time::sleep(PACE).await;
            let took = start.elapsed();
            if took >= limits.max_time() {
                let message = format!("the upload took longer than {} seconds", limits.max_seconds);
                return Refusal::new(ErrorCode::RequestTimeout, message);
            }
            let counted = took.saturating_sub(Limits::PATIENCE).as_secs();
            if self.arrived.get() < limits.min_rate.as_u64().saturating_mul(counted) {
                let message = format!(
                    "the upload arrives too slowly, at less than {} a second",
                    limits.min_rate
                );
                return Refusal::new(ErrorCode::RequestTimeout, message);
            }
        }
    }

    /// Bytes that have arrived.
    pub(crate) fn arrived(&self) -> u64 {
        self.arrived.get()
    }

    /// Reads and forgets what is left, however much: a client that sends more than is taken has to read just that.
    /// Says whether the end was reached.
    pub(crate) async fn drain(&self) -> bool {
        let mut body = self.clone();
        let drain = async move {
            loop {
                match tokio::time::timeout(QUIET, body.next()).await {
                    Ok(Some(Ok(_))) => {}
                    Ok(None) => return true,
                    Ok(Some(Err(_))) | Err(_) => return false,
                }
            }
        };
        tokio::time::timeout(DRAIN_TIME, drain)
            .await
            .unwrap_or(false)
    }
}

impl Stream for Body {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut *self.payload.borrow_mut()).poll_next(context);
        if let Poll::Ready(Some(Ok(bytes))) = &next {
            self.arrived.set(self.arrived.get() + bytes.len() as u64);
        }
        next
    }
}
