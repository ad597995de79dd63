//! What has to happen: public keys, and the difference between a catalog and the last build.
//!
//! No I/O and no bytes of files: a plan says which, never what.

pub mod key;
pub mod url;
