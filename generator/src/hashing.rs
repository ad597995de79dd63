//! Bytes hashed on their way: the one place where a stream becomes a [`StoredFile`].

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::model::StoredFile;

/// Passes bytes on, and tells at the end what they were.
#[derive(Debug)]
pub struct Hashing<W> {
    to: W,
    state: Sha256,
    len: u64,
}

impl<W: Write> Hashing<W> {
    /// Hashes what is written to `to` from here on.
    pub fn new(to: W) -> Self {
        Self {
            to,
            state: Sha256::new(),
            len: 0,
        }
    }

    /// What was written.
    pub fn finish(self) -> StoredFile {
        StoredFile {
            sha256: self.state.into(),
            len: self.len,
        }
    }
}

/// What comes out of a stream, read in pieces.
pub fn read(mut from: impl Read) -> io::Result<StoredFile> {
    let mut hashing = Hashing::new(io::sink());
    io::copy(&mut from, &mut hashing)?;
    Ok(hashing.finish())
}

/// What a file holds, read in pieces.
pub fn of_file(path: &Path) -> io::Result<StoredFile> {
    read(File::open(path)?)
}

/// The BLAKE3 hash of a file, read in pieces.
pub fn blake3_of(path: &Path) -> io::Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize())
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.state.update(&bytes[..written]);
        self.len += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
