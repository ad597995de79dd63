//! Makes the files of one resource: its identity and its variants, in the staging folder. Small ones in memory,
//! large ones in pieces, so that no upload decides how much memory we need.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{OutputSettings, durable, representation};
use crate::coding::Coding;
use crate::compress::{self, Variant};
use crate::error::{At, Result};
use crate::hashing::Hashing;
use crate::model::manifest::MANIFEST_FILE;
use crate::model::{Sha256, StoredFile};
use crate::plan::key::PublicKey;

/// Where the bytes of a resource are.
#[derive(Debug)]
pub enum Origin<'a> {
    /// Here.
    Bytes(&'a [u8]),
    /// In this file of so many bytes.
    File(PathBuf, u64),
}

/// Files above this are never held in memory.
const LARGE: u64 = 1 << 20;

/// Makes the files of one part in a staging folder that is laid out like the tree.
pub(super) struct Maker<'a> {
    staging: PathBuf,
    file_mode: Mode,
    folder_mode: Mode,
    settings: &'a OutputSettings,
    /// Those that are made.
    folders: HashSet<OsString>,
    /// The variants of `registry.json`, which is served twice.
    manifest: Option<(Sha256, Vec<Variant>)>,
}

/// The files of one resource, written but for their times.
#[derive(Debug)]
pub(super) struct Made {
    files: Vec<(Option<Coding>, PathBuf, File)>,
    pub(super) sha256: Sha256,
    pub(super) variants_hash: [u8; 32],
    pub(super) bytes: u64,
}

impl Made {
    fn new(sha256: Sha256) -> Self {
        Self {
            files: Vec::new(),
            sha256,
            variants_hash: combine(std::iter::empty()),
            bytes: 0,
        }
    }

    /// The variants that there are.
    pub(super) fn variants(&self) -> Vec<Coding> {
        let codings = self.files.iter().filter_map(|(coding, ..)| *coding);
        codings.collect()
    }
}

impl<'a> Maker<'a> {
    pub(super) fn new(
        staging: PathBuf,
        (file_mode, folder_mode): (u32, u32),
        settings: &'a OutputSettings,
    ) -> Self {
        Self {
            staging,
            file_mode: Mode::new(file_mode),
            folder_mode: Mode::new(folder_mode),
            settings,
            folders: HashSet::new(),
            manifest: None,
        }
    }

    /// Makes the identity and the variants of a resource.
    pub(super) fn make(
        &mut self,
        origin: Origin<'_>,
        key: &PublicKey,
        sha256: Sha256,
    ) -> Result<Made> {
        match origin {
            // The hash was made of these very bytes.
            Origin::Bytes(identity) => self.in_memory(identity, sha256, key),
            Origin::File(source, len) if len <= LARGE => {
                let identity = fs::read(&source).at("read", &source)?;
                self.in_memory(&identity, Sha256::of(&identity), key)
            }
            Origin::File(source, _) => self.in_pieces(&source, key),
        }
    }

    fn in_memory(&mut self, identity: &[u8], sha256: Sha256, key: &PublicKey) -> Result<Made> {
        let mut made = Made::new(sha256);
        let variants = match &self.manifest {
            Some((sha256, variants)) if is_manifest(key) && *sha256 == made.sha256 => {
                variants.clone()
            }
            _ => self.compress(identity, key)?,
        };
        self.write(&mut made, key, None, identity)?;
        for (coding, bytes) in &variants {
            self.write(&mut made, key, Some(*coding), bytes)?;
        }
        made.variants_hash = combine(variants.iter().map(|(_, bytes)| blake3::hash(bytes)));
        if is_manifest(key) {
            self.manifest = Some((made.sha256, variants));
        }
        Ok(made)
    }

    fn compress(&self, identity: &[u8], key: &PublicKey) -> Result<Vec<Variant>> {
        if !key.media_type().is_text() {
            return Ok(Vec::new());
        }
        let OutputSettings {
            encodings,
            compression,
        } = self.settings;
        compress::variants(identity, key.cache_class(), encodings, *compression)
            .at("compress", key.disk_path().as_path())
    }

    fn in_pieces(&mut self, source: &Path, key: &PublicKey) -> Result<Made> {
        let mut made = Made::new(Sha256::of(&[]));
        let (path, mut file) = self.create(key, None)?;
        let mut hashing = Hashing::new(&mut file);
        File::open(source)
            .and_then(|mut source| io::copy(&mut source, &mut hashing))
            .at("write", &path)?;
        let StoredFile { sha256, len } = hashing.finish();
        made.sha256 = sha256;
        made.bytes = len;
        made.files.push((None, path.clone(), file));
        if !key.media_type().is_text() {
            return Ok(made);
        }
        let mut hashes = Vec::new();
        for coding in self.settings.encodings.iter() {
            let (variant, mut file) = self.create(key, Some(coding))?;
            let level = self
                .settings
                .compression
                .level(coding, key.cache_class(), len);
            let mut hash = blake3::Hasher::new();
            let mut compress = || {
                compress::stream(coding, level, (File::open(&path)?, len), &mut file)?;
                file.rewind()?;
                io::copy(&mut file, &mut hash)
            };
            let compressed = compress().at("write", &variant)?;
            made.files.push((Some(coding), variant, file));
            if compressed >= len {
                // All variants or none.
                for (_, path, _) in made.files.drain(1..) {
                    fs::remove_file(&path).at("remove", &path)?;
                }
                made.bytes = len;
                return Ok(made);
            }
            made.bytes += compressed;
            hashes.push(hash.finalize());
        }
        made.variants_hash = combine(hashes.into_iter());
        Ok(made)
    }

    fn write(
        &mut self,
        made: &mut Made,
        key: &PublicKey,
        coding: Option<Coding>,
        bytes: &[u8],
    ) -> Result<()> {
        let (path, mut file) = self.create(key, coding)?;
        file.write_all(bytes).at("write", &path)?;
        made.bytes += bytes.len() as u64;
        made.files.push((coding, path, file));
        Ok(())
    }

    fn create(&mut self, key: &PublicKey, coding: Option<Coding>) -> Result<(PathBuf, File)> {
        let path = representation(&self.staging, key, coding);
        if let Some(folder) = path.parent() {
            self.make_folder(folder)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let file = options
            .mode(self.file_mode.wanted)
            .open(&path)
            .at("write", &path)?;
        Ok((path, file))
    }

    /// Most folders above a part are there: a call that fails costs as much as one that does not.
    fn make_folder(&mut self, folder: &Path) -> Result<()> {
        if self.folders.contains(folder.as_os_str()) {
            return Ok(());
        }
        match self.try_folder(folder) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => {
                match folder.parent() {
                    Some(parent) if folder != self.staging => self.make_folder(parent)?,
                    _ => durable::create_folders(folder, 0o700)?,
                }
                self.try_folder(folder)
            }
            made => made,
        }
        .at("create", folder)?;
        self.folders.insert(folder.as_os_str().to_owned());
        Ok(())
    }

    fn try_folder(&mut self, folder: &Path) -> io::Result<()> {
        let mode = match folder == self.staging {
            // Nobody but us has anything to look for in there.
            true => &mut Mode::new(0o700),
            false => &mut self.folder_mode,
        };
        match DirBuilder::new().mode(mode.wanted).create(folder) {
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => Ok(()),
            made => made.and_then(|()| mode.give(folder)),
        }
    }

    /// Gives every file its mode, whatever the umask was, and its time: the identity `base`, in seconds since
    /// 1970, its variants a little later.
    pub(super) fn finish(&mut self, made: Made, base: i64) -> Result<()> {
        for (coding, path, file) in made.files {
            let time = base + coding.map_or(0, Coding::mtime_offset);
            let since_1970 = Duration::from_secs(time.max(0).unsigned_abs());
            self.file_mode
                .give(&path)
                .and_then(|()| file.set_modified(SystemTime::UNIX_EPOCH + since_1970))
                .at("set mode and time of", &path)?;
        }
        Ok(())
    }
}

/// A mode that is asked for at creation. The first one shows whether it is had at once: a umask, or an access list of
/// the file system, takes the same from all that follow.
struct Mode {
    wanted: u32,
    is_given: Option<bool>,
}

impl Mode {
    fn new(wanted: u32) -> Self {
        let is_given = None;
        Self { wanted, is_given }
    }

    fn give(&mut self, path: &Path) -> io::Result<()> {
        let is_given = match self.is_given {
            Some(is_given) => is_given,
            None => fs::symlink_metadata(path)?.mode() & 0o7777 == self.wanted,
        };
        self.is_given = Some(is_given);
        match is_given {
            true => Ok(()),
            false => fs::set_permissions(path, Permissions::from_mode(self.wanted)),
        }
    }
}

/// `registry.json`, under either of its URLs.
fn is_manifest(key: &PublicKey) -> bool {
    match key {
        PublicKey::Manifest(_) => true,
        PublicKey::File(_, path) => path.as_str() == MANIFEST_FILE,
        _ => false,
    }
}

/// One hash over all variants, from theirs.
pub(crate) fn combine(hashes: impl Iterator<Item = blake3::Hash>) -> [u8; 32] {
    let mut all = blake3::Hasher::new();
    hashes.for_each(|hash| {
        all.update(hash.as_bytes());
    });
    all.finalize().into()
}
