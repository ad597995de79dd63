//! A representation in a tree, opened: what its headers say and what is sent come from one file handle, so that
//! a commit in between cannot mix two builds.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::body::SizedStream;
use actix_web::web::{self, Bytes};
use actix_web::{HttpResponse, HttpResponseBuilder};
use futures_util::stream;
use rackgen::coding::Coding;
use rackgen::commit::representation;
use rackgen::plan::key::PublicKey;

/// An open representation.
pub(super) struct Stored {
    file: File,
    len: u64,
    pub(super) modified: SystemTime,
    pub(super) coding: Option<Coding>,
}

/// Files up to this size are read at once; larger ones are sent in pieces of it.
const PIECE: u64 = 64 << 10;

impl Stored {
    /// The best representation that there is and that is accepted; none if there is nothing at all.
    pub(super) fn open(
        tree: &Path,
        key: &PublicKey,
        accepted: &[Coding],
    ) -> io::Result<Option<Self>> {
        for coding in accepted.iter().copied().map(Some).chain([None]) {
            let file = match File::open(representation(tree, key, coding)) {
                Err(cause) if is_absence(&cause) => continue,
                opened => opened?,
            };
            let metadata = file.metadata()?;
            return match metadata.is_file() {
                false => Ok(None),
                true => Ok(Some(Self {
                    len: metadata.len(),
                    modified: metadata.modified()?,
                    file,
                    coding,
                })),
            };
        }
        Ok(None)
    }

    /// nginx's formula: the trees have the same entity tags behind either server (serving.md, "ETags").
    pub(super) fn etag(&self) -> String {
        let seconds = self
            .modified
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        format!("\"{seconds:x}-{:x}\"", self.len)
    }

    /// Sends the bytes behind these headers.
    pub(super) fn send(self, mut response: HttpResponseBuilder) -> HttpResponse {
        if self.len <= PIECE {
            let mut bytes = Vec::with_capacity(self.len as usize);
            return match self.file.take(self.len).read_to_end(&mut bytes) {
                Ok(_) => response.body(bytes),
                Err(_) => HttpResponse::InternalServerError().finish(),
            };
        }
        let pieces = stream::try_unfold((self.file, self.len), |(file, left)| async move {
            if left == 0 {
                return Ok::<_, actix_web::Error>(None);
            }
            let (piece, file) = web::block(move || read_piece(file, left)).await??;
            let left = left - piece.len() as u64;
            Ok(Some((piece, (file, left))))
        });
        response.body(SizedStream::new(self.len, Box::pin(pieces)))
    }
}

fn read_piece(mut file: File, left: u64) -> io::Result<(Bytes, File)> {
    let mut piece = vec![0; left.min(PIECE) as usize];
    file.read_exact(&mut piece)?;
    Ok((piece.into(), file))
}

/// A file where a folder would have to be is as absent as no file.
fn is_absence(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory
    )
}
