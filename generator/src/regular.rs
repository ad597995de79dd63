//! Files that somebody else may have put there, opened only if they are regular: no link is followed, no pipe
//! waited for.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use bytesize::ByteSize;
use rustix::fs::OFlags;
use rustix::io::Errno;

/// Opens a file for reading.
///
/// # Errors
/// Those of [`File::open`], and [`is_refusal`] for what is no regular file.
pub fn open(path: &Path) -> io::Result<File> {
    open_with(OpenOptions::new().read(true), path)
}

/// Opens a file with these options, as [`open`] does.
pub fn open_with(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    open_and_look(options, path).map(|(file, _)| file)
}

/// The same, and what the system knows of the file.
pub fn open_and_look(options: &mut OpenOptions, path: &Path) -> io::Result<(File, Metadata)> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = options
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(|cause| match cause.raw_os_error() {
            Some(code) if code == Errno::LOOP.raw_os_error() => {
                refusal("it is a symbolic link, which is not followed")
            }
            _ => cause,
        })?;
    let metadata = file.metadata()?;
    match metadata.is_file() {
        true => Ok((file, metadata)),
        false => Err(refusal("it is no regular file")),
    }
}

/// Reads a file whole.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let (file, metadata) = open_and_look(OpenOptions::new().read(true), path)?;
    read_to_end(file, &metadata)
}

/// Reads a file whole that is to be held in memory, if it has no more than so many bytes.
///
/// # Errors
/// As [`open`], and [`is_refusal`] for a larger one.
pub fn read_at_most(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let (file, metadata) = open_and_look(OpenOptions::new().read(true), path)?;
    // It may grow meanwhile.
    let bytes = match metadata.len() > most {
        true => None,
        false => Some(collect(file.take(most + 1), &metadata)?),
    };
    bytes
        .filter(|bytes| bytes.len() as u64 <= most)
        .ok_or_else(|| {
            let most = ByteSize::b(most);
            refusal(format!("it is larger than {most}, and is not read"))
        })
}

/// Reads a file that was just opened whole.
pub fn read_to_end(file: File, metadata: &Metadata) -> io::Result<Vec<u8>> {
    // `take`, since a file alone asks the system for its length again.
    collect(file.take(u64::MAX), metadata)
}

fn collect(mut from: impl Read, metadata: &Metadata) -> io::Result<Vec<u8>> {
    // One byte more shows the end.
    let len: usize = metadata.len().try_into().unwrap_or_default();
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len.saturating_add(1))?;
    from.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn refusal(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, what)
}

/// Whether a file was refused for what it is, not by the disk.
pub fn is_refusal(cause: &io::Error) -> bool {
    cause.kind() == ErrorKind::InvalidInput
}
