//! What the machine can do at all: the same compressors, files and walks, bare, with nothing of the library around them.

pub(crate) mod build;
pub(crate) mod compress;
pub(crate) mod create;
pub(crate) mod walk;
