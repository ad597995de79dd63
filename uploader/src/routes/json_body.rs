//! Small bodies of JSON: received within bounds, and parsed into what an address takes.

use std::time::Duration;

use actix_web::web::Bytes;
use futures_util::StreamExt;
use rackgen::error_code::ErrorCode;
use serde::de::DeserializeOwned;

use crate::answer::Refusal;
use crate::intake::body::Body;

/// Bytes; a reason is a sentence.
const BODY_MAX: usize = 64 << 10;

/// Nobody takes longer to send that much.
const BODY_TIME: Duration = Duration::from_secs(30);

/// All of a body.
///
/// # Errors
/// It is too long, or takes too long.
pub(super) async fn receive(body: Body) -> Result<Bytes, Refusal> {
    tokio::time::timeout(BODY_TIME, collect(body))
        .await
        .map_err(|_| {
            let message = "the body took longer than 30 seconds";
            Refusal::new(ErrorCode::RequestTimeout, message)
        })?
}

async fn collect(mut body: Body) -> Result<Bytes, Refusal> {
    let mut received = Vec::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|fault| Refusal::new(ErrorCode::BadRequest, fault))?;
        if received.len() + piece.len() > BODY_MAX {
            return Err(Refusal::new(
                ErrorCode::PayloadTooLarge,
                "this body is longer than the 64 KiB that it may have",
            ));
        }
        received.extend_from_slice(&piece);
    }
    Ok(received.into())
}

/// What a body says; the shape is what it is to look like, for people.
///
/// # Errors
/// It says something else: `BAD_REQUEST`.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8], shape: &str) -> Result<T, Refusal> {
    let wrong = |fault: &dyn std::fmt::Display| {
        let message = format!("the body is to be {shape}: {fault}");
        Refusal::new(ErrorCode::BadRequest, message)
    };
    // A list of the values would do for serde.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(wrong(&"this is a list"));
    }
    serde_json::from_slice(body).map_err(|fault| wrong(&fault))
}
