//! From the bytes of a request to a checked package in the staging folder. Nothing here touches what readers
//! see, and nothing that is in here is believed.

pub(crate) mod archive;
pub(crate) mod body;
pub(crate) mod receive;
pub(crate) mod staging;
pub(crate) mod verify;

use bytesize::ByteSize;
use rackgen::package::Limits;

/// How much an upload may be.
#[derive(Debug, Clone)]
pub(crate) struct IntakeLimits {
    /// The archive, as it is sent.
    pub(crate) archive: ByteSize,
    /// What comes out of it.
    pub(crate) contents: Limits,
}
