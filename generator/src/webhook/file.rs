//! The files of the spool: JSON with a format version, for its owner's eyes only, and for `cat`.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::commit::durable::{self, STAGED};
use crate::error::{At, Error, Result};

const FORMAT: u32 = 1;

pub(super) const FOLDER_MODE: u32 = 0o700;
pub(super) const MODE: u32 = 0o600;

#[derive(Deserialize)]
struct Head {
    format: u32,
}

#[derive(Serialize, Deserialize)]
struct Whole<T> {
    format: u32,
    #[serde(flatten)]
    contents: T,
}

/// What stands in a file, if it is there.
///
/// # Errors
/// One of another format, or that is none of ours. What is in it is not quoted.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let text = match fs::read(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.at("read", path)?,
    };
    let Head { format } = parse(&text, path)?;
    if format != FORMAT {
        let why = format!("format {format} is none that this program knows; it knows {FORMAT}");
        return Err(Error::refused(path, why));
    }
    parse(&text, path).map(|whole: Whole<T>| Some(whole.contents))
}

fn parse<T: DeserializeOwned>(text: &[u8], path: &Path) -> Result<T> {
    serde_json::from_slice(text).map_err(|fault| {
        let why = format!(
            "this is no file of webhooks of ours (line {}, column {}); mend it, or move it away, and what it tells is \
             not delivered",
            fault.line(),
            fault.column()
        );
        Error::refused(path, why)
    })
}

/// A file's text.
pub(super) fn text<T: Serialize>(path: &Path, contents: &T) -> Result<Vec<u8>> {
    let whole = Whole {
        format: FORMAT,
        contents,
    };
    let mut text = serde_json::to_vec_pretty(&whole).map_err(|why| Error::refused(path, why))?;
    text.push(b'\n');
    Ok(text)
}

/// Replaces a file, so that it lasts.
pub(super) fn write<T: Serialize>(path: &Path, contents: &T) -> Result<()> {
    durable::replace(path, &text(path, contents)?, MODE)
}

/// Clears away what a kill left half-written in a folder that nobody else writes to.
pub(super) fn clear(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).at("read", folder)? {
        let entry = entry.at("read", folder)?;
        if entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(STAGED.as_bytes())
        {
            durable::remove_if_there(&entry.path())?;
        }
    }
    Ok(())
}
