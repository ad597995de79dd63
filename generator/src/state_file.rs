//! Files of the state folder that people may have to look at: JSON with a format version, for its owner's eyes only. What
//! stands in them is each file's own.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::commit::durable;
use crate::error::{At, Error, Result};

const FORMAT: u32 = 1;

/// Of their folders.
pub(crate) const FOLDER_MODE: u32 = 0o700;
pub(crate) const MODE: u32 = 0o600;

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

/// What stands in a file, if it is there. `advice` says what to do about one that cannot be read.
///
/// # Errors
/// One of another format, or that is none of ours. What is in it is not quoted.
pub(crate) fn read<T: DeserializeOwned>(path: &Path, advice: &str) -> Result<Option<T>> {
    let text = match fs::read(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.at("read", path)?,
    };
    let broken = |fault: serde_json::Error| {
        let (line, column) = (fault.line(), fault.column());
        let why = format!("this is no file of ours (line {line}, column {column}); {advice}");
        Error::refused(path, why)
    };
    let Head { format } = serde_json::from_slice(&text).map_err(broken)?;
    if format != FORMAT {
        let why = format!("format {format} is none that this program knows; it knows {FORMAT}");
        return Err(Error::refused(path, why));
    }
    let whole: Whole<T> = serde_json::from_slice(&text).map_err(broken)?;
    Ok(Some(whole.contents))
}

/// A file's text.
pub(crate) fn text<T: Serialize>(path: &Path, contents: &T) -> Result<Vec<u8>> {
    let whole = Whole {
        format: FORMAT,
        contents,
    };
    let mut text = serde_json::to_vec_pretty(&whole).map_err(|why| Error::refused(path, why))?;
    text.push(b'\n');
    Ok(text)
}

/// Replaces a file, so that it lasts.
pub(crate) fn write<T: Serialize>(path: &Path, contents: &T) -> Result<()> {
    durable::replace(path, &text(path, contents)?, MODE)
}
