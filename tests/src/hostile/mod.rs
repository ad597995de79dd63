//! Archives that are refused: every row of the table in hostile-archives.md, each shape made from raw bytes. One file
//! for some rows that belong together; what a daemon makes of them is not told here.

mod compression;
mod entries;
mod framing;
mod limits;
mod paths;

use crate::package::{gzip, zstd};
use crate::random::Random;
use crate::raw_tar::{file, tar};
use crate::release::Release;

/// The status, the code and the reason of an answer.
pub type Answer = (u16, &'static str, &'static str);

const PATH_ESCAPE: Answer = (400, "UNSAFE_FILE", "path_escape");
const PATH_ILLEGAL: Answer = (400, "UNSAFE_FILE", "path_illegal");
const PATH_TOO_LONG: Answer = (400, "UNSAFE_FILE", "path_too_long");
const PATH_COLLISION: Answer = (400, "UNSAFE_FILE", "path_collision");
const ENTRY_TYPE: Answer = (400, "UNSAFE_FILE", "entry_type");
const TAR_FRAMING: Answer = (400, "INVALID_ARCHIVE", "tar_framing");
const COMPRESS_FRAMING: Answer = (400, "INVALID_ARCHIVE", "compress_framing");
const COMPRESS_WINDOW: Answer = (400, "INVALID_ARCHIVE", "compress_window");
const EXPANDS_TOO_FAR: Answer = (413, "PAYLOAD_TOO_LARGE", "expands_too_far");

/// An archive that is refused.
#[derive(Debug, Clone)]
pub struct Hostile {
    /// What is wrong with it.
    pub shape: String,
    /// What is sent.
    pub bytes: Vec<u8>,
    /// What is answered.
    pub answer: Answer,
}

impl Hostile {
    fn new(shape: impl Into<String>, answer: Answer, bytes: Vec<u8>) -> Self {
        Self {
            shape: shape.into(),
            bytes,
            answer,
        }
    }

    /// A sound package with these entries behind its manifest.
    fn package(shape: impl Into<String>, answer: Answer, entries: &[Vec<u8>]) -> Self {
        Self::new(shape, answer, packed(&package(entries)))
    }
}

/// The limits that they are refused under, for `rack.toml`: smaller than by default, so that little is sent.
pub const LIMITS: &str = "[limits]\n\
                          max_unpacked = \"4MiB\"\n\
                          max_file = \"1MiB\"\n\
                          max_entries = 50\n\
                          max_manifest = \"32KiB\"\n";

/// All of them.
pub fn archives() -> Vec<Hostile> {
    [
        paths::cases(),
        entries::cases(),
        framing::cases(),
        compression::cases(),
        limits::cases(),
    ]
    .concat()
}

/// What they would publish if they were not refused.
pub fn release() -> Release {
    Release::new("@open", "hostile", "1.0.0").declared("a")
}

fn manifest() -> Vec<u8> {
    file("registry.json", release().manifest())
}

/// The tar of a sound package with these entries behind its manifest.
fn package(entries: &[Vec<u8>]) -> Vec<u8> {
    tar(&[&[manifest()], entries].concat())
}

/// One gzip member, the same in every run.
fn packed(tar: &[u8]) -> Vec<u8> {
    gzip(tar, &mut Random::seeded(1))
}

/// One zstd frame.
fn packed_as_zstd(tar: &[u8]) -> Vec<u8> {
    zstd(tar)
}
