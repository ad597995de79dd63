//! Writing so that it is still there after a power cut: the one place that knows how.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use serde::de::IgnoredAny;
use tempfile::NamedTempFile;

use crate::error::{At, Result};

/// What the name of a file begins with that is not in its place yet; a kill may leave it.
pub const STAGED: &str = ".rack-";

/// Replaces a file, or makes it: whoever reads sees the old bytes or the new ones, whole.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let temporary = stage(path, bytes, mode)?;
    temporary.as_file().sync_all().at("sync", path)?;
    temporary.persist(path).at("replace", path)?;
    sync_folder(folder_of(path))
}

/// The same for whom a power cut may take it: because a barrier follows, or because little is lost.
pub fn replace_unsynced(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    stage(path, bytes, mode)?
        .persist(path)
        .at("replace", path)?;
    Ok(())
}

fn stage(path: &Path, bytes: &[u8], mode: u32) -> Result<NamedTempFile> {
    let folder = folder_of(path);
    let mut temporary = tempfile::Builder::new()
        .prefix(STAGED)
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder)
        .at("write into", folder)?;
    temporary.write_all(bytes).at("write", path)?;
    // The creation mode went through the umask.
    let file = temporary.as_file();
    file.set_permissions(Permissions::from_mode(mode))
        .at("set the mode of", path)?;
    Ok(temporary)
}

/// Whether this is the beginning of a JSON file and no more, as a power cut leaves it that came before the barrier. What is
/// something else nobody takes away.
pub fn is_torn(text: &[u8]) -> bool {
    // Some file systems fill up with zeros what never reached the disk.
    let end = text
        .iter()
        .rposition(|b| *b != 0)
        .map_or(0, |last| last + 1);
    serde_json::from_slice::<IgnoredAny>(&text[..end]).is_err_and(|fault| fault.is_eof())
}

/// The folder that a file is in; of a bare name, the working directory.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes the names in a folder durable.
pub fn sync_folder(folder: &Path) -> Result<()> {
    let handle = File::open(folder).at("open", folder)?;
    handle.sync_all().at("sync", folder)
}

/// Makes everything on the file systems of these folders durable: for many files one barrier is several times
/// faster than one each (limits.md, "Durability").
pub fn sync_file_systems<'a>(folders: impl IntoIterator<Item = &'a Path>) -> Result<()> {
    let mut synced = BTreeSet::new();
    for folder in folders {
        let handle = File::open(folder).at("open", folder)?;
        let device = handle.metadata().at("read", folder)?.dev();
        if synced.insert(device) {
            rustix::fs::syncfs(&handle).at("sync the file system of", folder)?;
        }
    }
    Ok(())
}

/// Makes a folder and what is missing above it, readable by `mode` whatever the umask.
pub fn create_folders(folder: &Path, mode: u32) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        create_folders(parent, mode)?;
    }
    create_folder(folder, mode)
}

/// Makes a folder where there is one above it, readable by `mode` whatever the umask.
pub fn create_folder(folder: &Path, mode: u32) -> Result<()> {
    match fs::create_dir(folder) {
        Ok(()) => {
            let mode = Permissions::from_mode(mode);
            fs::set_permissions(folder, mode).at("set the mode of", folder)
        }
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(cause) => Err(cause).at("create", folder),
    }
}

/// Removes a folder with all that is in it, if it is there.
pub fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.at("remove", folder),
    }
}

/// Removes a file, if it is there.
pub fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(cause) if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(())
        }
        removed => removed.at("remove", path),
    }
}

/// Removes a file, if it is there, and the folders above it that are empty then, below `root`.
pub fn remove_file(root: &Path, path: &Path) -> Result<()> {
    remove_if_there(path)?;
    let below_root = |folder: &&Path| folder.starts_with(root) && *folder != root;
    for folder in path.ancestors().skip(1).take_while(below_root) {
        // The first one that still holds something ends it.
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
    Ok(())
}
