//! Files made bare: staged by folder descriptor with bytes, mode and time, then renamed.

use std::path::{Path, PathBuf};

use rackgen::coding::Coding;
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, Mode, OFlags, Timespec, Timestamps};
use rustix::fs::{fchmod, futimens, mkdirat, openat, renameat, syncfs};
use rustix::io::{Errno, write};

use crate::Result;
use crate::corpus::Texts;
use crate::library::CacheClass;
use crate::limits::compress::Compressors;

/// A file to be: in which root, where below its folder, its bytes.
pub(crate) type Output = (&'static str, PathBuf, Vec<u8>);

/// The roots of a tree that has the default variants.
pub(crate) const ROOTS: [&str; 3] = ["identity", "br", "gzip"];

fn root(coding: Coding) -> &'static str {
    match coding {
        Coding::Br => "br",
        Coding::Gzip => "gzip",
        Coding::Zstd => "zstd",
    }
}

/// All representations of a text at one path, compressed once.
fn outputs(
    compressors: &mut Compressors,
    path: &str,
    text: &[u8],
    class: CacheClass,
) -> Result<Vec<Output>> {
    let variants = compressors.variants(text, class)?;
    let variants = variants
        .into_iter()
        .map(|(coding, bytes)| (root(coding), path.into(), bytes));
    Ok([("identity", path.into(), text.to_vec())]
        .into_iter()
        .chain(variants)
        .collect())
}

/// The outputs of a version, below its folder. The manifest is compressed once and served twice.
pub(crate) fn version_outputs(compressors: &mut Compressors, texts: &Texts) -> Result<Vec<Output>> {
    let mut all = Vec::new();
    for (file, text) in texts {
        let made = outputs(
            compressors,
            &format!("files/{file}"),
            text,
            CacheClass::Immutable,
        )?;
        if *file == "registry.json" {
            all.extend(
                made.iter()
                    .map(|(root, _, bytes)| (*root, "index.json".into(), bytes.clone())),
            );
        }
        all.extend(made);
    }
    Ok(all)
}

/// What changes with each publish, below the item's folder: latest and the list of versions.
pub(crate) fn pointer_outputs(
    compressors: &mut Compressors,
    texts: &Texts,
    versions: usize,
) -> Result<Vec<Output>> {
    let manifest = texts.iter().find(|(file, _)| *file == "registry.json");
    let (_, manifest) = manifest.ok_or("a version without a manifest")?;
    let newest_first: Vec<String> = (0..versions).rev().map(crate::synthetic::version).collect();
    let list = serde_json::to_vec(&serde_json::json!({ "versions": newest_first }))?;
    let mut all = outputs(compressors, "index.json", manifest, CacheClass::Pointer)?;
    all.extend(outputs(
        compressors,
        "versions/index.json",
        &list,
        CacheClass::Pointer,
    )?);
    Ok(all)
}

/// A folder, and what is missing above it.
pub(crate) fn folders(path: &Path) -> Result<()> {
    match mkdirat(CWD, path, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(Errno::NOENT) => {
            folders(path.parent().ok_or("there is no folder above")?)?;
            folders(path)
        }
        Err(fault) => Err(fault.into()),
    }
}

pub(crate) fn open_folder(path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat(CWD, path, flags, Mode::empty())?)
}

/// Makes these files in a new folder, one subfolder a root.
pub(crate) fn stage(folder: &Path, outputs: &[Output]) -> Result<()> {
    folders(folder)?;
    let folder = open_folder(folder)?;
    for root in ROOTS {
        mkdirat(&folder, root, Mode::from_raw_mode(0o755))?;
    }
    for (root, path, bytes) in outputs {
        make(&folder, &Path::new(root).join(path), bytes)?;
    }
    Ok(())
}

fn make(folder: &OwnedFd, path: &Path, bytes: &[u8]) -> Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o644);
    let file = match openat(folder, path, flags, mode) {
        Err(Errno::NOENT) => {
            folders_below(folder, path.parent().ok_or("there is no folder above")?)?;
            openat(folder, path, flags, mode)?
        }
        opened => opened?,
    };
    if write(&file, bytes)? != bytes.len() {
        return Err("a short write".into());
    }
    fchmod(&file, mode)?;
    let time = Timespec {
        tv_sec: 1_700_000_000,
        tv_nsec: 0,
    };
    futimens(
        &file,
        &Timestamps {
            last_access: time,
            last_modification: time,
        },
    )?;
    Ok(())
}

fn folders_below(folder: &OwnedFd, path: &Path) -> Result<()> {
    match mkdirat(folder, path, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(_) => {
            folders_below(folder, path.parent().ok_or("there is no folder above")?)?;
            folders_below(folder, path)
        }
    }
}

/// Renames the subfolders of a staged folder to `target` below each root of a tree; they must not be there.
pub(crate) fn admit(staged: &Path, tree: &Path, target: &Path) -> Result<()> {
    for root in ROOTS {
        let to = tree.join(root).join(target);
        match renameat(CWD, staged.join(root), CWD, &to) {
            Err(Errno::NOENT) => {
                folders(to.parent().ok_or("there is no folder above")?)?;
                renameat(CWD, staged.join(root), CWD, &to)?;
            }
            renamed => renamed?,
        }
    }
    Ok(())
}

/// Renames single staged files over those that are below `target` in each root.
pub(crate) fn replace(staged: &Path, tree: &Path, target: &Path, outputs: &[Output]) -> Result<()> {
    for (root, path, _) in outputs {
        let to = tree.join(root).join(target).join(path);
        renameat(CWD, staged.join(root).join(path), CWD, to)?;
    }
    Ok(())
}

/// Everything on the file system of this folder is durable.
pub(crate) fn barrier(folder: &Path) -> Result<()> {
    Ok(syncfs(open_folder(folder)?)?)
}
