//! Reading: over all files in order, and on and on while the log grows and its files change their names.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::file::Log;
use crate::error::{At, Result};
use crate::regular;

/// Reads the log from its oldest line on.
#[derive(Debug)]
pub struct Reader {
    log: Log,
    open: Option<Open>,
}

/// The file that is being read.
#[derive(Debug)]
struct Open {
    file: BufReader<File>,
    path: PathBuf,
    /// Device and inode: its name may change.
    id: (u64, u64),
    /// Where the next line begins.
    at: u64,
    /// It has a successor, so nobody appends to it any more.
    is_over: bool,
}

impl Reader {
    pub(super) fn new(log: Log) -> Self {
        Self { log, open: None }
    }

    /// The next line, without its newline; none if it is not written yet.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn next_line(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            let Some(open) = &mut self.open else {
                self.open = self.after(None)?;
                match self.open {
                    Some(_) => continue,
                    None => return Ok(None),
                }
            };
            if let Some(line) = open.line()? {
                return Ok(Some(line));
            }
            let (id, was_over) = (open.id, open.is_over);
            match self.after(Some(id))? {
                None => return Ok(None),
                // What it got before its successor came may not have been read yet.
                Some(_) if !was_over => {
                    if let Some(open) = &mut self.open {
                        open.is_over = true;
                    }
                }
                next => self.open = next,
            }
        }
    }

    /// The file behind that one, or the first one. Those before one that is gone are gone too.
    fn after(&self, id: Option<(u64, u64)>) -> Result<Option<Open>> {
        let mut files = Vec::new();
        for (path, _) in self.log.files()? {
            match regular::open(&path) {
                Err(cause) if cause.kind() == ErrorKind::NotFound => {}
                file => {
                    let file = file.at("open", &path)?;
                    let known = file.metadata().at("read", &path)?;
                    files.push(Open {
                        file: BufReader::new(file),
                        path,
                        id: (known.dev(), known.ino()),
                        at: 0,
                        is_over: false,
                    });
                }
            }
        }
        let here = files.iter().position(|file| Some(file.id) == id);
        Ok(files.into_iter().nth(here.map_or(0, |here| here + 1)))
    }
}

impl Open {
    /// The next line that is whole. What has no end yet is read again: it may be torn, and be cut off.
    fn line(&mut self) -> Result<Option<Vec<u8>>> {
        let mut text = Vec::new();
        self.file
            .read_until(b'\n', &mut text)
            .at("read", &self.path)?;
        if text.pop() == Some(b'\n') {
            self.at += text.len() as u64 + 1;
            return Ok(Some(text));
        }
        self.file
            .seek(SeekFrom::Start(self.at))
            .at("read", &self.path)?;
        Ok(None)
    }
}
