//! The folder that an archive is unpacked into: the only code here that writes. What may be written, and
//! under which name, was decided before.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::Digest as _;

use super::UnpackError;
use crate::model::{FilePath, StoredFile};

/// Set on every file whatever the umask is: the web server is another user.
const FILE_MODE: u32 = 0o644;
const FOLDER_MODE: u32 = 0o755;

/// No file path has a `~`, so nothing from an archive is ever in the way of this one.
const ASIDE: &str = "~";

/// A folder that is ours alone and was empty, so no path in it leads through a link.
pub(super) struct Target<'a> {
    root: &'a Path,
    buffer: Vec<u8>,
}

impl<'a> Target<'a> {
    pub(super) fn new(root: &'a Path) -> Self {
        Self {
            root,
            buffer: vec![0; 64 * 1024],
        }
    }

    /// Writes a new file from `payload`, which is called like [`io::Read::read`], and tells what it holds.
    ///
    /// Folders come with the files in them, so that an empty one in an archive leaves nothing behind.
    pub(super) fn write(
        &mut self,
        path: &FilePath,
        mut payload: impl FnMut(&mut [u8]) -> Result<usize, UnpackError>,
    ) -> Result<StoredFile, UnpackError> {
        let target = self.root.join(path.as_str());
        let mut file = match create(&target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.make_folders(path)?;
                create(&target)
            }
            created => created,
        }
        .map_err(at(&target))?;
        let mut sha256 = sha2::Sha256::new();
        let mut len = 0;
        loop {
            let count = payload(&mut self.buffer)?;
            if count == 0 {
                break;
            }
            let bytes = &self.buffer[..count];
            file.write_all(bytes).map_err(at(&target))?;
            sha256.update(bytes);
            len += count as u64;
        }
        Ok(StoredFile {
            sha256: sha256.into(),
            len,
        })
    }

    /// Moves what is in the folder `name` up into the root, in place of that folder.
    pub(super) fn lift(&self, name: &str) -> Result<(), UnpackError> {
        // Aside first: the folder may hold a thing of its own name.
        let aside = self.root.join(ASIDE);
        fs::rename(self.root.join(name), &aside).map_err(at(&aside))?;
        for child in fs::read_dir(&aside).map_err(at(&aside))? {
            let child = child.map_err(at(&aside))?;
            let target = self.root.join(child.file_name());
            fs::rename(child.path(), &target).map_err(at(&target))?;
        }
        fs::remove_dir(&aside).map_err(at(&aside))
    }

    fn make_folders(&self, path: &FilePath) -> Result<(), UnpackError> {
        for (end, _) in path.as_str().match_indices('/') {
            let folder = self.root.join(&path.as_str()[..end]);
            match fs::create_dir(&folder) {
                Ok(()) => fs::set_permissions(&folder, Permissions::from_mode(FOLDER_MODE)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                Err(error) => Err(error),
            }
            .map_err(at(&folder))?;
        }
        Ok(())
    }
}

fn create(target: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(target)?;
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    Ok(file)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> UnpackError {
    let path: PathBuf = path.to_owned();
    move |source| UnpackError::Disk { path, source }
}
