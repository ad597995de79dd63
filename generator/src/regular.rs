//! Files that somebody else may have put there, opened only if they are regular: no link is followed, no pipe
//! waited for.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

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
    let refusal = |what| io::Error::new(ErrorKind::InvalidInput, what);
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

/// Reads a file that was just opened whole.
pub fn read_to_end(file: File, metadata: &Metadata) -> io::Result<Vec<u8>> {
    // One byte more shows the end; `take`, since a file alone asks the system for its length again.
    let len: usize = metadata.len().try_into().unwrap_or_default();
    let mut bytes = Vec::with_capacity(len + 1);
    file.take(u64::MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether a file was refused for what it is, not by the disk.
pub fn is_refusal(cause: &io::Error) -> bool {
    cause.kind() == ErrorKind::InvalidInput
}
