//! Makes the files of one resource: its identity and its variants, in the staging folder. Small ones in memory,
//! large ones in pieces, so that no upload decides how much memory we need.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::OutputSettings;
use crate::coding::Coding;
use crate::compress;
use crate::error::{At, Result};
use crate::hashing::Hashing;
use crate::model::Sha256;
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

/// The files of one resource, written but for their times.
#[derive(Debug)]
pub(super) struct Made {
    files: Vec<(PathBuf, File)>,
    pub(super) sha256: Sha256,
    pub(super) variants: Vec<Coding>,
    pub(super) variants_hash: [u8; 32],
    pub(super) bytes: u64,
}

/// Makes the identity at `path` and the variants beside it.
pub(super) fn make(
    origin: Origin<'_>,
    key: &PublicKey,
    settings: &OutputSettings,
    path: &Path,
) -> Result<Made> {
    match origin {
        Origin::Bytes(identity) => in_memory(identity, key, settings, path),
        Origin::File(source, len) if len <= LARGE => {
            let identity = fs::read(&source).at("read", &source)?;
            in_memory(&identity, key, settings, path)
        }
        Origin::File(source, _) => in_pieces(&source, key, settings, path),
    }
}

/// The staged file of a representation, beside the identity's.
pub(super) fn staged(identity: &Path, coding: Option<Coding>) -> PathBuf {
    coding.map_or_else(
        || identity.to_owned(),
        |coding| identity.with_extension(coding.as_str()),
    )
}

fn in_memory(
    identity: &[u8],
    key: &PublicKey,
    settings: &OutputSettings,
    path: &Path,
) -> Result<Made> {
    let variants = match key.media_type().is_text() {
        false => Vec::new(),
        true => compress::variants(
            identity,
            key.cache_class(),
            &settings.encodings,
            settings.compression,
        )
        .at("compress", path)?,
    };
    let mut made = Made::new(Sha256::of(identity));
    made.add(path.to_owned(), |file| file.write_all(identity))?;
    for (coding, bytes) in &variants {
        made.add(staged(path, Some(*coding)), |file| file.write_all(bytes))?;
        made.variants.push(*coding);
    }
    made.variants_hash = combine(variants.iter().map(|(_, bytes)| blake3::hash(bytes)));
    Ok(made)
}

fn in_pieces(
    source: &Path,
    key: &PublicKey,
    settings: &OutputSettings,
    path: &Path,
) -> Result<Made> {
    let mut made = Made::new(Sha256::of(&[]));
    let mut sha256 = made.sha256;
    let len = made.add(path.to_owned(), |file| {
        let mut hashing = Hashing::new(file);
        io::copy(&mut File::open(source)?, &mut hashing)?;
        sha256 = hashing.finish().sha256;
        Ok(())
    })?;
    made.sha256 = sha256;
    if !key.media_type().is_text() {
        return Ok(made);
    }
    let mut hashes = Vec::new();
    for coding in settings.encodings.iter() {
        let mut hash = blake3::Hasher::new();
        let compressed = made.add(staged(path, Some(coding)), |file| {
            let identity = File::open(path)?;
            compress::stream(
                coding,
                settings.compression.level(coding, key.cache_class(), len),
                (identity, len),
                &mut *file,
            )?;
            file.rewind()?;
            io::copy(file, &mut hash).map(|_| ())
        })?;
        if compressed >= len {
            // All variants or none.
            made.drop_variants()?;
            return Ok(made);
        }
        made.variants.push(coding);
        hashes.push(hash.finalize());
    }
    made.variants_hash = combine(hashes.into_iter());
    Ok(made)
}

impl Made {
    fn new(sha256: Sha256) -> Self {
        Self {
            files: Vec::new(),
            sha256,
            variants: Vec::new(),
            variants_hash: combine(std::iter::empty()),
            bytes: 0,
        }
    }

    /// Makes one file and gives its length.
    fn add(
        &mut self,
        path: PathBuf,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<u64> {
        let make = || {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&path)?;
            write(&mut file)?;
            let len = file.metadata()?.len();
            Ok::<_, io::Error>((file, len))
        };
        let (file, len) = make().at("write", &path)?;
        self.files.push((path, file));
        self.bytes += len;
        Ok(len)
    }

    fn drop_variants(&mut self) -> Result<()> {
        for (path, _) in self.files.drain(1..) {
            fs::remove_file(&path).at("remove", &path)?;
        }
        self.variants.clear();
        Ok(())
    }

    /// Gives every file its mode, whatever the umask was, and its time: the identity `base`, in seconds since
    /// 1970, its variants a little later.
    pub(super) fn finish(self, base: i64, mode: u32) -> Result<()> {
        let offsets = self.variants.iter().map(|coding| coding.mtime_offset());
        for ((path, file), offset) in self.files.iter().zip([0].into_iter().chain(offsets)) {
            let since_1970 = Duration::from_secs((base + offset).max(0).unsigned_abs());
            file.set_permissions(PermissionsExt::from_mode(mode))
                .and_then(|()| file.set_modified(SystemTime::UNIX_EPOCH + since_1970))
                .at("set mode and time of", path)?;
        }
        Ok(())
    }
}

/// One hash over all variants, from theirs.
pub(super) fn combine(hashes: impl Iterator<Item = blake3::Hash>) -> [u8; 32] {
    let mut all = blake3::Hasher::new();
    hashes.for_each(|hash| {
        all.update(hash.as_bytes());
    });
    all.finalize().into()
}
