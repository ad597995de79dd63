//! Makes the files of one resource: its identity and its variants, in the staging folder. Small ones in memory,
//! large ones in pieces, so that no upload decides how much memory we need.

use std::collections::btree_map::{BTreeMap, Entry};
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::OutputSettings;
use super::folder::{Folder, Mode};
use super::staging::{self, Staging};
use crate::coding::Coding;
use crate::compress::{self, Variant};
use crate::error::{At, Error, Result};
use crate::hashing::Hashing;
use crate::model::{Sha256, StoredFile};
use crate::plan::key::PublicKey;
use crate::plan::part::Part;
use crate::regular;

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
/// What is held of them at once.
const PIECE: u64 = 64 << 10;

/// Makes the files of one part.
pub(super) struct Maker<'a> {
    staging: Staging,
    part: &'a Part,
    file_mode: Mode,
    folder_mode: Mode,
    settings: &'a OutputSettings,
    /// The part's folder for each coding that it has something in.
    folders: BTreeMap<Option<Coding>, Folder>,
    /// The variants of `registry.json`, which is served twice.
    manifest: Option<(Sha256, Vec<Variant>)>,
}

/// The files of one resource, written but for their times.
#[derive(Debug)]
pub(super) struct Made {
    /// See [`staging::path`].
    path: PathBuf,
    files: Vec<(Option<Coding>, File)>,
    pub(super) sha256: Sha256,
    pub(super) variants_hash: [u8; 32],
    pub(super) bytes: u64,
}

impl Made {
    fn new(path: PathBuf, sha256: Sha256) -> Self {
        Self {
            path,
            files: Vec::new(),
            sha256,
            variants_hash: combine(std::iter::empty()),
            bytes: 0,
        }
    }

    /// The variants that there are.
    pub(super) fn variants(&self) -> Vec<Coding> {
        let codings = self.files.iter().filter_map(|(coding, _)| *coding);
        codings.collect()
    }
}

impl<'a> Maker<'a> {
    pub(super) fn new(
        staging: Staging,
        part: &'a Part,
        (file_mode, folder_mode): (u32, u32),
        settings: &'a OutputSettings,
    ) -> Self {
        Self {
            staging,
            part,
            file_mode: Mode::new(file_mode),
            folder_mode: Mode::new(folder_mode),
            settings,
            folders: BTreeMap::new(),
            manifest: None,
        }
    }

    /// Makes the identity and the variants of a resource of the part.
    pub(super) fn make(
        &mut self,
        origin: Origin<'_>,
        key: &PublicKey,
        sha256: Sha256,
    ) -> Result<Made> {
        let mut made = Made::new(staging::path(self.part, key), sha256);
        match origin {
            // The hash was made of these very bytes.
            Origin::Bytes(identity) => self.in_memory(&mut made, identity, key)?,
            Origin::File(source, len) if len <= LARGE => {
                let identity = regular::read_at_most(&source, LARGE)
                    .map_err(|cause| Error::unreadable_now(&source, &cause))?;
                made.sha256 = Sha256::of(&identity);
                self.in_memory(&mut made, &identity, key)?;
            }
            Origin::File(source, _) => self.in_pieces(&mut made, &source, key)?,
        }
        Ok(made)
    }

    fn in_memory(&mut self, made: &mut Made, identity: &[u8], key: &PublicKey) -> Result<()> {
        let variants = match &self.manifest {
            Some((sha256, variants)) if is_manifest(key) && *sha256 == made.sha256 => {
                variants.clone()
            }
            _ => self.compress(identity, key)?,
        };
        self.write(made, None, identity)?;
        for (coding, bytes) in &variants {
            self.write(made, Some(*coding), bytes)?;
        }
        made.variants_hash = combine(variants.iter().map(|(_, bytes)| blake3::hash(bytes)));
        if is_manifest(key) {
            self.manifest = Some((made.sha256, variants));
        }
        Ok(())
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
            .or_else(|cause| Err(cause).at("compress", &key.disk_path()))
    }

    fn in_pieces(&mut self, made: &mut Made, source: &Path, key: &PublicKey) -> Result<()> {
        let mut file = self.create(&made.path, None)?;
        let path = self.path(&made.path, None);
        let unreadable = |cause: io::Error| Error::unreadable_now(source, &cause);
        let mut hashing = Hashing::new(&mut file);
        let mut piece = Vec::new();
        let mut next = regular::open(source).map_err(unreadable)?.take(PIECE);
        while next.read_to_end(&mut piece).map_err(unreadable)? > 0 {
            hashing.write_all(&piece).at("write", &path)?;
            piece.clear();
            next.set_limit(PIECE);
        }
        let StoredFile { sha256, len } = hashing.finish();
        made.sha256 = sha256;
        made.bytes = len;
        made.files.push((None, file));
        if !key.media_type().is_text() {
            return Ok(());
        }
        let mut hashes = Vec::new();
        for coding in self.settings.encodings.iter() {
            let mut file = self.create(&made.path, Some(coding))?;
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
            let compressed = compress().at("write", &self.path(&made.path, Some(coding)))?;
            made.files.push((Some(coding), file));
            if compressed >= len {
                // All variants or none.
                for (coding, _) in made.files.drain(1..) {
                    let path = self.path(&made.path, coding);
                    fs::remove_file(&path).at("remove", &path)?;
                }
                made.bytes = len;
                return Ok(());
            }
            made.bytes += compressed;
            hashes.push(hash.finalize());
        }
        made.variants_hash = combine(hashes.into_iter());
        Ok(())
    }

    fn write(&mut self, made: &mut Made, coding: Option<Coding>, bytes: &[u8]) -> Result<()> {
        let mut file = self.create(&made.path, coding)?;
        file.write_all(bytes)
            .or_else(|cause| Err(cause).at("write", &self.path(&made.path, coding)))?;
        made.bytes += bytes.len() as u64;
        made.files.push((coding, file));
        Ok(())
    }

    fn create(&mut self, path: &Path, coding: Option<Coding>) -> Result<File> {
        let folder = match self.folders.entry(coding) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(free) => {
                let path = self.staging.folder(self.part, coding);
                free.insert(match self.part {
                    Part::Release(_) => Folder::make(&path, &mut self.folder_mode)?,
                    Part::Item(_) | Part::Alone(_) => Folder::staging(&path)?,
                })
            }
        };
        let file = staging::file(self.part, path, coding);
        folder
            .create(&file, &mut self.file_mode, &mut self.folder_mode)
            .or_else(|cause| Err(cause).at("write", &self.path(path, coding)))
    }

    /// All of a path: for messages, and for what is done seldom.
    fn path(&self, path: &Path, coding: Option<Coding>) -> PathBuf {
        let folder = self.staging.folder(self.part, coding);
        folder.join(staging::file(self.part, path, coding))
    }

    /// Gives every file its time: the identity `base`, in seconds since 1970, its variants a little later.
    pub(super) fn finish(&mut self, made: Made, base: i64) -> Result<()> {
        for (coding, file) in made.files {
            let time = base + coding.map_or(0, Coding::mtime_offset);
            let since_1970 = Duration::from_secs(time.max(0).unsigned_abs());
            file.set_modified(SystemTime::UNIX_EPOCH + since_1970)
                .or_else(|cause| {
                    Err(cause).at("set the time of", &self.path(&made.path, coding))
                })?;
        }
        Ok(())
    }
}

/// `registry.json`, under either of its URLs.
fn is_manifest(key: &PublicKey) -> bool {
    match key {
        PublicKey::Manifest(_) => true,
        PublicKey::File(_, path) => path.is_manifest(),
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
