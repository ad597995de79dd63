//! A package: a release's files in one compressed tar, unpacked with suspicion and packed so that the
//! same files give the same bytes (hostile-archives.md).
//!
//! Archives and the one folder that they are unpacked into. What a manifest says about the files, and
//! who may publish them, is decided elsewhere.

mod compression;
mod entry_path;
mod fault;
mod foresee;
mod header;
mod layout;
mod limits;
mod pack;
mod pax;
mod tar_reader;
mod target;
mod unpack;

#[cfg(test)]
mod tests;

pub use fault::{ArchiveFault, Reason, UnpackError};
pub use foresee::foresee;
pub use limits::Limits;
pub use pack::{PackError, pack};
pub use unpack::{Inspected, Unpacked, inspect, unpack};
