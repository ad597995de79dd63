//! The archive of an upload, until it is unpacked: what there is of it in memory, and what is too much for that in a
//! file without a name, of which nothing is left whatever happens to the process (`O_TMPFILE`; where there is none, what a
//! kill leaves is removed by the next start).

use std::io::{self, Cursor, Read, Seek};

use rackgen::error::{At, Result};
use rackgen::source::SourceTree;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::task::spawn_blocking;

/// Bytes that are held in memory: a file would cost a small publish more than all else that comes before the disk. As many
/// as the server buffers of any body, so that `max_uploads` (1024) of them are 32 MiB.
const HELD_MAX: usize = 32 << 10;

/// An archive that is being received.
#[derive(Debug)]
pub(crate) struct Archive {
    /// In whose staging folder its file is made, if it comes to that.
    source: SourceTree,
    held: Vec<u8>,
    /// What follows.
    rest: Option<File>,
}

impl Archive {
    /// An empty one, which may need a file in this tree's staging folder.
    pub(crate) fn new(source: SourceTree) -> Self {
        Self {
            source,
            held: Vec::new(),
            rest: None,
        }
    }

    /// Appends to it.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let rest = match &mut self.rest {
            None if self.held.len() + bytes.len() <= HELD_MAX => {
                self.held.extend_from_slice(bytes);
                return Ok(());
            }
            None => {
                let source = self.source.clone();
                let file = spawn_blocking(move || {
                    let folder = source.make_staging()?;
                    tempfile::tempfile_in(&folder).at("write into", &folder)
                });
                let file = file.await.map_err(io::Error::other);
                let file = written(&self.source, file)??;
                self.rest.insert(File::from_std(file))
            }
            Some(rest) => rest,
        };
        written(&self.source, rest.write_all(bytes).await)
    }

    /// All of it, from the beginning.
    pub(crate) async fn read(self) -> Result<Box<dyn Read + Send>> {
        let held = Cursor::new(self.held);
        let Some(mut rest) = self.rest else {
            return Ok(Box::new(held));
        };
        written(&self.source, rest.flush().await)?;
        let mut rest = rest.into_std().await;
        rest.rewind().at("read from", &self.source.staging())?;
        Ok(Box::new(held.chain(rest)))
    }
}

/// Says where it failed, if it did.
fn written<T>(source: &SourceTree, result: io::Result<T>) -> Result<T> {
    result.or_else(|cause| Err(cause).at("write into", &source.staging()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::collection::vec;
    use proptest::prelude::*;
    use tokio::runtime::Builder;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_holds_what_was_written(pieces in vec(vec(any::<u8>(), 0..HELD_MAX / 4), 0..12)) {
            let folder = tempfile::tempdir()?;
            let source = SourceTree::at(folder.path());
            let mut read = Vec::new();
            Builder::new_current_thread().build()?.block_on(async {
                let mut archive = Archive::new(source.clone());
                for piece in &pieces {
                    archive.write(piece).await.unwrap();
                }
                archive.read().await.unwrap().read_to_end(&mut read).unwrap();
            });
            prop_assert_eq!(read, pieces.concat());
            let left = fs::read_dir(source.staging()).into_iter().flatten();
            prop_assert_eq!(left.count(), 0);
        }
    }
}
