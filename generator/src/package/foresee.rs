//! What a registry would refuse files for once they are packed: the rules of `unpack` for a folder that is no archive
//! yet. New rules may not enter.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Seek;
use std::path::PathBuf;

use super::compression::Decoded;
use super::header::BLOCK;
use super::layout::Layout;
use super::pack::at;
use super::unpack::check_size;
use super::{ArchiveFault, Limits, PackError, UnpackError, pack};
use crate::model::FilePath;
use crate::model::manifest::MANIFEST_FILE;

/// Everything that an archive of `files` would be refused for. Without `limits`, where the registry's are not known,
/// sizes and numbers are left to it.
///
/// # Errors
///
/// Those of [`pack`]: whether files unpack to too much is only known when they are packed.
pub fn foresee(
    files: &BTreeMap<FilePath, PathBuf>,
    limits: Option<&Limits>,
) -> Result<Vec<ArchiveFault>, PackError> {
    let mut layout = Layout::new(limits.map_or(u64::MAX, |limits| limits.max_entries));
    let mut faults: Vec<_> = files
        .keys()
        .filter_map(|path| layout.add_file(path).err())
        .collect();
    // Past the limit of entries, each further one is the same fault.
    faults.dedup();
    let Some(limits) = limits else {
        return Ok(faults);
    };
    let mut total = 0;
    for (path, source) in files {
        let size = fs::metadata(source).map_err(at(source))?.len();
        total += size;
        let max = match path.as_str() {
            MANIFEST_FILE => limits.max_manifest.min(limits.max_file),
            _ => limits.max_file,
        };
        faults.extend(check_size(path.as_str().as_bytes(), size, max).err());
    }
    let largest = total + END + ENTRY_MAX * files.len() as u64;
    let harmless = limits.max_unpacked.min(Limits::EXPANSION_FREE);
    if faults.is_empty() && largest > harmless.as_u64() {
        faults.extend(expansion(files, limits)?);
    }
    Ok(faults)
}

/// Bytes of a tar that an entry takes beside the file: header and padding, and again for the longest path.
const ENTRY_MAX: u64 = 5 * BLOCK as u64;
const END: u64 = 2 * BLOCK as u64;

/// What the archive is refused for as a whole: packed to see.
fn expansion(
    files: &BTreeMap<FilePath, PathBuf>,
    limits: &Limits,
) -> Result<Option<ArchiveFault>, PackError> {
    let mut archive = pack(files, tempfile::tempfile()?)?;
    archive.rewind()?;
    match decode(&mut archive, limits) {
        Ok(()) => Ok(None),
        Err(UnpackError::Refused(fault)) => Ok(Some(fault)),
        Err(UnpackError::Source(cause) | UnpackError::Disk { source: cause, .. }) => {
            Err(cause.into())
        }
    }
}

fn decode(archive: &mut File, limits: &Limits) -> Result<(), UnpackError> {
    let mut decoded = Decoded::new(archive, limits)?;
    let mut scrap = vec![0; 64 * 1024];
    while decoded.read(&mut scrap)? > 0 {}
    Ok(())
}
