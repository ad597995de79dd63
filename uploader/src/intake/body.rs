//! A request's body that can be drained after its reader gave up, so that an early refusal reaches the client:
//! one who is still sending reads no answer (serving.md, "Errors and safety").

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::web::{Bytes, Payload};
use futures_util::{Stream, StreamExt};

/// The body; clones read on where the others stopped.
#[derive(Clone)]
pub(crate) struct Body(Rc<RefCell<Payload>>);

/// Nobody waits longer than this for a client that goes on sending what nobody wants,
const DRAIN_TIME: Duration = Duration::from_secs(30);
/// nor than this for one that does not.
const QUIET: Duration = Duration::from_secs(2);

impl Body {
    pub(crate) fn new(payload: Payload) -> Self {
        Self(Rc::new(RefCell::new(payload)))
    }

    /// Reads and forgets what is left, however much: a client that sends more than is taken has to read just that.
    /// Says whether the end was reached.
    pub(crate) async fn drain(mut self) -> bool {
        let drain = async {
            loop {
                match tokio::time::timeout(QUIET, self.next()).await {
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
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}
