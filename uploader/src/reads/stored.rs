//! A representation in a tree, opened: what its headers say and what is sent come from one file handle, so that
//! a commit in between cannot mix two builds.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::body::SizedStream;
use actix_web::web::{self, Bytes};
use actix_web::{HttpResponse, HttpResponseBuilder};
use futures_util::stream;
use rackgen::coding::Coding;
use rackgen::commit::representation;
use rackgen::error::{At, Result};
use rackgen::plan::key::PublicKey;

use crate::answer::Refusal;

/// An open representation.
pub(super) struct Stored {
    file: File,
    path: PathBuf,
    len: u64,
    pub(super) modified: SystemTime,
    pub(super) coding: Option<Coding>,
}

/// Files up to this size are read at once; larger ones are sent in pieces of it.
const PIECE: u64 = 64 << 10;

impl Stored {
    /// The best representation that there is and that is accepted; none if there is nothing at all.
    pub(super) fn open(tree: &Path, key: &PublicKey, accepted: &[Coding]) -> Result<Option<Self>> {
        for coding in accepted.iter().copied().map(Some).chain([None]) {
            let path = representation(tree, key, coding);
            let file = match File::open(&path) {
                Err(cause) if is_absence(&cause) => continue,
                opened => opened.at("open", &path)?,
            };
            let metadata = file.metadata().at("look at", &path)?;
            return match metadata.is_file() {
                false => Ok(None),
                true => Ok(Some(Self {
                    len: metadata.len(),
                    modified: metadata.modified().at("look at", &path)?,
                    file,
                    path,
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
    ///
    /// # Errors
    /// They cannot be read. What comes to light while they are sent ends the connection.
    pub(super) fn send(self, mut response: HttpResponseBuilder) -> Result<HttpResponse, Refusal> {
        if self.len <= PIECE {
            let mut bytes = Vec::with_capacity(self.len as usize);
            let read = self.file.take(self.len).read_to_end(&mut bytes);
            read.at("read", &self.path)?;
            return Ok(response.body(bytes));
        }
        let pieces = stream::try_unfold((self.file, self.len), |(file, left)| async move {
            if left == 0 {
                return Ok::<_, actix_web::Error>(None);
            }
            let (piece, file) = web::block(move || read_piece(file, left)).await??;
            let left = left - piece.len() as u64;
            Ok(Some((piece, (file, left))))
        });
        Ok(response.body(SizedStream::new(self.len, Box::pin(pieces))))
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

#[cfg(test)]
mod tests {
    use rackgen::error_code::ErrorCode;

    use super::*;

    #[test]
    fn what_cannot_be_read_is_refused_as_everything_else() {
        // Nothing is mapped where a process's memory begins: EIO.
        let path = PathBuf::from("/proc/self/mem");
        let stored = Stored {
            file: File::open(&path).unwrap(),
            path,
            len: 1,
            modified: UNIX_EPOCH,
            coding: None,
        };
        let refusal = stored.send(HttpResponse::Ok()).err();
        assert_eq!(
            refusal.map(|refusal| refusal.code),
            Some(ErrorCode::InternalError)
        );
    }
}
