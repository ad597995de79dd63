//! The narrow tar dialect: blocks to entries (hostile-archives.md). Paths stay raw bytes here, and nothing
//! is written.
//!
//! A loop of our own, since a lenient reader hides what two readers would read differently.

use tar::{EntryType, Header};

use super::compression::Decoded;
use super::header::{self, BLOCK, Kind, is_zero};
use super::pax::{self, Extension};
use super::{ArchiveFault, Reason, UnpackError};

/// Bytes in one extension header: room for the longest path many times over, none for gigabytes.
const EXTENSION_MAX: u64 = 8 * 1024;

/// An entry, its payload to be read from the [`TarReader`] that gave it.
#[derive(Debug)]
pub(super) struct Entry {
    /// As the archive has it.
    pub(super) path: Vec<u8>,
    /// What it is.
    pub(super) kind: Kind,
    /// Bytes of its payload.
    pub(super) size: u64,
}

/// Reads the entries of a tar one after the other.
pub(super) struct TarReader<'a> {
    stream: Decoded<'a>,
    /// Bytes of the present payload that were not read yet.
    payload: u64,
    /// Bytes that then fill its last block.
    padding: u64,
}

impl<'a> TarReader<'a> {
    pub(super) fn new(stream: Decoded<'a>) -> Self {
        Self {
            stream,
            payload: 0,
            padding: 0,
        }
    }

    /// The next entry; `None` once the tar has ended as it should and the archive with it.
    ///
    /// # Errors
    ///
    /// The inner one is of this entry alone: the next one may still be read.
    pub(super) fn next_entry(
        &mut self,
    ) -> Result<Option<Result<Entry, ArchiveFault>>, UnpackError> {
        let mut extension = None;
        loop {
            self.skip_payload()?;
            let Some(header) = self.header()? else {
                return match extension {
                    Some(_) => Err(framing(
                        "ends with an extension header that belongs to no entry",
                    )),
                    None => Ok(None),
                };
            };
            match header.entry_type() {
                EntryType::XHeader | EntryType::XGlobalHeader | EntryType::GNULongName
                    if extension.is_some() =>
                {
                    return Err(framing("has an entry with more than one extension header"));
                }
                EntryType::XGlobalHeader => pax::check_global(&self.extension(&header)?)?,
                EntryType::XHeader => {
                    extension = Some(Extension::from_pax(&self.extension(&header)?)?);
                }
                EntryType::GNULongName => {
                    extension = Some(Extension::from_gnu(&self.extension(&header)?))
                }
                _ => {
                    return match entry(&header, extension.unwrap_or_default()) {
                        Ok(entry) => {
                            self.expect_payload(entry.size);
                            Ok(Some(Ok(entry)))
                        }
                        Err(fault) if is_of_entry_alone(&fault, &header) => Ok(Some(Err(fault))),
                        Err(fault) => Err(fault.into()),
                    };
                }
            }
        }
    }

    /// Reads from the payload of the last entry, like [`std::io::Read::read`].
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<usize, UnpackError> {
        let wanted = into
            .len()
            .min(usize::try_from(self.payload).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let count = self.stream.read(&mut into[..wanted])?;
        if count == 0 {
            return Err(framing("ends in the middle of an entry"));
        }
        self.payload -= count as u64;
        Ok(count)
    }

    fn expect_payload(&mut self, size: u64) {
        self.payload = size;
        self.padding = size.next_multiple_of(BLOCK as u64) - size;
    }

    /// What fills the last block is nothing to any reader, so its bytes do not matter.
    fn skip_payload(&mut self) -> Result<(), UnpackError> {
        self.payload += std::mem::take(&mut self.padding);
        let mut scrap = [0; BLOCK];
        while self.read(&mut scrap)? > 0 {}
        Ok(())
    }

    /// The payload of an extension header, with nothing behind it in its last block: GNU tar and Python
    /// read on to there, whatever the size says.
    fn extension(&mut self, header: &Header) -> Result<Vec<u8>, UnpackError> {
        let size = header::size(header)?;
        if size > EXTENSION_MAX {
            return Err(framing("has an extension header of more than 8 KiB"));
        }
        let mut payload = vec![0; size.next_multiple_of(BLOCK as u64) as usize];
        self.fill(&mut payload)?;
        if !is_zero(&payload.split_off(size as usize)) {
            return Err(framing(
                "has an extension header that is longer than it says",
            ));
        }
        Ok(payload)
    }

    /// The next header, or `None` at two zero blocks with nothing but zeros behind them.
    fn header(&mut self) -> Result<Option<Header>, UnpackError> {
        let header = self.block()?;
        if !is_zero(header.as_bytes()) {
            header::check(&header)?;
            return Ok(Some(header));
        }
        if !is_zero(self.block()?.as_bytes()) {
            return Err(framing("has a lone zero block"));
        }
        let mut rest = [0; 16 * BLOCK];
        loop {
            match self.stream.read(&mut rest)? {
                0 => return Ok(None),
                count if is_zero(&rest[..count]) => {}
                _ => return Err(framing("goes on after its end")),
            }
        }
    }

    fn block(&mut self) -> Result<Header, UnpackError> {
        let mut block = Header::new_old();
        self.fill(block.as_mut_bytes())?;
        Ok(block)
    }

    fn fill(&mut self, blocks: &mut [u8]) -> Result<(), UnpackError> {
        let mut filled = 0;
        while filled < blocks.len() {
            match self.stream.read(&mut blocks[filled..])? {
                0 => return Err(framing("ends without two zero blocks, so it was cut off")),
                count => filled += count,
            }
        }
        Ok(())
    }
}

/// The entry of this header, blamed by its path if it is none that a package may hold.
fn entry(header: &Header, extension: Extension) -> Result<Entry, ArchiveFault> {
    let shape = shape(header, &extension);
    let path = match extension.path {
        Some(path) => path,
        None => header.path_bytes().into_owned(),
    };
    match shape {
        Ok((kind, size)) => Ok(Entry { path, kind, size }),
        Err(fault) => Err(fault.at(&path)),
    }
}

/// Whether every reader finds the next header in the same place: right behind one that has no payload.
fn is_of_entry_alone(fault: &ArchiveFault, header: &Header) -> bool {
    fault.reason() == Reason::EntryType && header::size(header) == Ok(0)
}

fn shape(header: &Header, extension: &Extension) -> Result<(Kind, u64), ArchiveFault> {
    let kind = header::kind(header)?;
    if let Some(what) = extension.foreign {
        return Err(Reason::EntryType.fault(what));
    }
    if header::is_old_folder(header) {
        return Err(Reason::EntryType.fault("is a file by its type and a folder by its name"));
    }
    let size = header::size(header)?;
    if extension.size.is_some_and(|said| said != size) {
        return Err(Reason::TarFraming.fault("has one size in its header and another in pax"));
    }
    if kind == Kind::Folder && size > 0 {
        return Err(Reason::EntryType.fault("is a folder with a payload"));
    }
    Ok((kind, size))
}

fn framing(problem: &'static str) -> UnpackError {
    Reason::TarFraming.fault(problem).into()
}
