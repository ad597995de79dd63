//! The multipart form of a publish (protocol.md, "Publishing"): streamed and hashed on the way, so that memory stays flat
//! however large the archive.

use std::io::Read;

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::error::PayloadError;
use actix_web::http::header::HeaderMap;
use actix_web::web::Bytes;
use bytesize::ByteSize;
use futures_util::{Stream, StreamExt};
use rackgen::error_code::ErrorCode;
use rackgen::model::Sha256;
use sha2::Digest as _;

use super::archive::Archive;
use crate::answer::Refusal;

/// The part types that an archive may come as.
const ARCHIVE_TYPES: [&str; 6] = [
    "application/gzip",
    "application/x-gzip",
    "application/x-tar",
    "application/x-compressed",
    "application/zstd",
    "application/octet-stream",
];

/// Bytes of a field that is no file; a checksum has 64.
const FIELD_MAX: usize = 1 << 10;

/// What came.
pub(crate) struct Received {
    /// The archive, from its beginning.
    pub(crate) archive: Box<dyn Read + Send>,
    /// What it and its checksum say that it is.
    pub(crate) sha256: Sha256,
}

/// Receives the form into `archive`, at most `max` bytes.
///
/// # Errors
/// In the order of protocol.md: the file part and its type, then the checksum; and 413 as soon as it is too much.
pub(crate) async fn receive(
    headers: &HeaderMap,
    body: impl Stream<Item = Result<Bytes, PayloadError>> + 'static,
    mut archive: Archive,
    max: ByteSize,
) -> Result<Received, Refusal> {
    let mut form = Multipart::new(headers, body);
    let mut actual = None;
    let mut expected = None;
    while let Some(field) = form.next().await {
        let field = field.map_err(malformed)?;
        let is_file = field
            .content_disposition()
            .is_some_and(|disposition| disposition.get_filename().is_some());
        match (is_file, field.name()) {
            (false, Some("checksum")) => expected = Some(text(field).await?),
            (false, _) => drop(text(field).await?),
            (true, _) if actual.is_some() => {
                return Err(Refusal::new(
                    ErrorCode::BadRequest,
                    "the form has more than one file part",
                ));
            }
            (true, _) => {
                refuse_other_types(&field)?;
                actual = Some(store(field, &mut archive, max).await?);
            }
        }
    }
    let actual = actual.ok_or_else(|| {
        Refusal::new(
            ErrorCode::MissingFile,
            "the form has no file part; send the archive as one",
        )
    })?;
    let expected = expected.ok_or_else(|| {
        Refusal::new(
            ErrorCode::MissingChecksum,
            "the form has no `checksum`; send the archive's SHA-256 in lower-case hex",
        )
    })?;
    if expected.trim() != actual.to_string() {
        let message = "the archive is not what its checksum says; it was changed on the way, or the \
                       checksum is of something else";
        return Err(Refusal::new(ErrorCode::ChecksumMismatch, message)
            .detail("expected", expected.trim())
            .detail("actual", actual.to_string()));
    }
    Ok(Received {
        archive: archive.read().await?,
        sha256: actual,
    })
}

/// A part that does not say its type is taken for bytes.
fn refuse_other_types(field: &Field) -> Result<(), Refusal> {
    match field.content_type().map(|mime| mime.essence_str()) {
        Some(other) if !ARCHIVE_TYPES.contains(&other) => Err(Refusal::new(
            ErrorCode::InvalidFileType,
            format!(
                "the file part is `{other}`; it must be one of {}",
                ARCHIVE_TYPES.join(", ")
            ),
        )),
        _ => Ok(()),
    }
}

async fn text(mut field: Field) -> Result<String, Refusal> {
    let mut text = Vec::new();
    while let Some(bytes) = field.next().await {
        text.extend_from_slice(&bytes.map_err(malformed)?);
        if text.len() > FIELD_MAX {
            return Err(Refusal::new(
                ErrorCode::BadRequest,
                "a field of the form that is no file is over 1 KiB long",
            ));
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

async fn store(mut field: Field, archive: &mut Archive, max: ByteSize) -> Result<Sha256, Refusal> {
    let mut state = sha2::Sha256::new();
    let mut received = 0;
    while let Some(bytes) = field.next().await {
        let bytes = bytes.map_err(malformed)?;
        received += bytes.len() as u64;
        if received > max.as_u64() {
            return Err(too_large(max));
        }
        state.update(&bytes);
        archive.write(&bytes).await?;
    }
    Ok(state.into())
}

/// The archive is larger than this registry takes.
fn too_large(max: ByteSize) -> Refusal {
    Refusal::new(
        ErrorCode::PayloadTooLarge,
        format!("the archive is over {max}, the most that this registry takes"),
    )
}

/// What is no form has no file part; what breaks off in the middle is a bad request.
fn malformed(fault: MultipartError) -> Refusal {
    match fault {
        MultipartError::ContentTypeMissing
        | MultipartError::ContentTypeParse
        | MultipartError::ContentTypeIncompatible
        | MultipartError::BoundaryMissing => Refusal::new(
            ErrorCode::MissingFile,
            "the request is no `multipart/form-data`; send the archive as its file part",
        ),
        fault => Refusal::new(
            ErrorCode::BadRequest,
            format!("the form cannot be read: {fault}"),
        ),
    }
}
