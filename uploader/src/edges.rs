//! What the bytes of strangers meet first, for the targets in `fuzz/`: the daemon's own functions, and nothing that the
//! daemon itself uses.

use std::io::Read;

use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use actix_web::web::Bytes;
use bytesize::ByteSize;
use futures_util::stream;
use rackgen::coding::Coding;
use rackgen::error_code::ErrorCode;
use rackgen::model::Sha256;
use rackgen::source::SourceTree;

use crate::intake::archive::Archive;
use crate::intake::receive::{Received, receive};
use crate::reads::negotiate;

/// The codings that these lines of `Accept-Encoding` accept, the preferred first; none where one is no header's value.
pub fn accepted_codings(lines: &[&[u8]]) -> Option<Vec<Coding>> {
    let values: Result<Vec<_>, _> = lines
        .iter()
        .map(|line| HeaderValue::from_bytes(line))
        .collect();
    Some(negotiate::accepted(values.ok()?.iter()))
}

/// Receives the body of a publish, which comes in `pieces`: its archive, which may be `max` bytes long, and the digest
/// that goes with it. None where `content_type` is no header's value.
///
/// # Errors
/// The code of the answer.
pub async fn receive_form(
    content_type: &[u8],
    pieces: Vec<Vec<u8>>,
    max: u64,
) -> Option<Result<(Vec<u8>, Sha256), ErrorCode>> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_bytes(content_type).ok()?);
    let body = stream::iter(pieces.into_iter().map(|piece| Ok(Bytes::from(piece))));
    let archive = Archive::new(SourceTree::at(std::env::temp_dir()));
    let received = receive(&headers, body, archive, ByteSize::b(max)).await;
    Some(
        received
            .map_err(|refusal| refusal.code)
            .and_then(|received| {
                let Received {
                    mut archive,
                    sha256,
                } = received;
                let mut bytes = Vec::new();
                let read = archive.read_to_end(&mut bytes);
                read.map_err(|_| ErrorCode::InternalError)?;
                Ok((bytes, sha256))
            }),
    )
}
