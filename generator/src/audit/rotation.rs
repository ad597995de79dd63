//! How much of the audit log is kept: `[audit]` of the configuration file. Numbers only; the file itself obeys them.

use bytesize::ByteSize;
use jiff::Timestamp;
use serde::Deserialize;

use crate::token::lifetime::Lifetime;

/// When the log begins anew, and how much of before stays.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rotation {
    /// Bytes; a file that has so many gets no more lines.
    pub max_size: ByteSize,
    /// How old its first line may be.
    pub max_age: Lifetime,
    /// How many files of before stay.
    pub keep: usize,
}

impl Rotation {
    /// Whether a file that is so long, and began then, is to get no more lines.
    pub(super) fn is_due(&self, len: u64, first: Option<Timestamp>, now: Timestamp) -> bool {
        let is_old = |first| self.max_age.end(first).is_ok_and(|end| end <= now);
        len >= self.max_size.as_u64() || first.is_some_and(is_old)
    }
}

impl Default for Rotation {
    fn default() -> Self {
        Self {
            max_size: ByteSize::mib(64),
            max_age: Lifetime::days(30),
            keep: 12,
        }
    }
}
