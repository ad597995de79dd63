//! Packs files into an archive that says nothing but the files: no times, owners or machine. The same
//! files give the same bytes, from one build of this program.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};

use super::header::BLOCK;
use crate::model::FilePath;

/// The largest size that a tar header holds in octal; nobody reads more in the same way.
const SIZE_MAX: u64 = 0o77_777_777_777;

/// Why files were not packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// This file could not be read, or is not one that an archive can hold.
    #[error("could not pack `{}`", .path.display())]
    File {
        /// The file on disk.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: io::Error,
    },
    /// The archive could not be written.
    #[error("could not write the archive")]
    Archive(#[from] io::Error),
}

/// Packs `files` (path in the archive to file on disk), sorted by path, and gives `to` back.
///
/// # Errors
///
/// [`PackError`], after which `to` has a part of an archive.
pub fn pack<W: Write>(files: &BTreeMap<FilePath, PathBuf>, to: W) -> Result<W, PackError> {
    // No name and no time of its own goes into the gzip header, and the system is "unknown".
    let mut archive = GzEncoder::new(to, Compression::best());
    for (path, source) in files {
        let (mut file, len) = open(source).map_err(at(source))?;
        write_header(&mut archive, path.as_str(), len)?;
        copy(&mut file, len, &mut archive).map_err(at(source))?;
        archive.write_all(padding(len))?;
    }
    archive.write_all(&[0; 2 * BLOCK])?;
    Ok(archive.finish()?)
}

fn open(source: &Path) -> io::Result<(File, u64)> {
    let file = File::open(source)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a regular file",
        ));
    }
    if metadata.len() > SIZE_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok((file, metadata.len()))
}

fn copy(file: &mut File, len: u64, to: &mut impl Write) -> io::Result<()> {
    if io::copy(&mut file.take(len), to)? < len {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "it shrank while it was read",
        ));
    }
    Ok(())
}

/// A ustar header, and a pax header before it where the path does not fit.
fn write_header(to: &mut impl Write, path: &str, len: u64) -> io::Result<()> {
    let mut header = blank(EntryType::Regular, len);
    if header.set_path(path).is_err() {
        let record = pax_record("path", path);
        let mut pax = blank(EntryType::XHeader, record.len() as u64);
        pax.set_path("PaxHeader")?;
        pax.set_cksum();
        to.write_all(pax.as_bytes())?;
        to.write_all(record.as_bytes())?;
        to.write_all(padding(record.len() as u64))?;
        // Which the header after it then repeats as far as it goes.
        header = blank(EntryType::Regular, len);
        let name = &mut header.as_old_mut().name;
        let shown = path.len().min(name.len());
        name[..shown].copy_from_slice(&path.as_bytes()[..shown]);
    }
    header.set_cksum();
    to.write_all(header.as_bytes())
}

fn blank(kind: EntryType, len: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(len);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

/// `<length> <key>=<value>\n`, where the length counts its own digits.
fn pax_record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len();
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    format!("{length}{rest}")
}

fn padding(len: u64) -> &'static [u8] {
    let missing = len.next_multiple_of(BLOCK as u64) - len;
    &[0; BLOCK][..missing as usize]
}

/// Says which file it was.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> PackError {
    let path = path.to_owned();
    move |source| PackError::File { path, source }
}
