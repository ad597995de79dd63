//! How much an upload may ask for. Numbers only: the rooms that read archives, and the daemon, enforce them.

use std::time::Duration;

use bytesize::ByteSize;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// The limits of uploads; sizes are written `"512MiB"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of the tar inside the archive, headers and padding included: all of it is work for us.
    pub max_unpacked: ByteSize,
    /// Bytes of one file.
    pub max_file: ByteSize,
    /// Files and folders, those that are only implied by a path included: each may cost an inode.
    pub max_entries: u64,
    /// How many times its own size an archive may unpack to, judged once it is past
    /// [`Limits::EXPANSION_FREE`].
    pub max_expansion: u64,
    /// Bytes of `registry.json`, which is read into memory.
    #[serde(deserialize_with = "readable")]
    pub max_manifest: ByteSize,
    /// How many may be on their way at once.
    pub max_uploads: u32,
    /// How many seconds one may take to arrive.
    pub max_seconds: u32,
    /// Bytes a second that one must bring on average, once [`Limits::PATIENCE`] is over.
    pub min_rate: ByteSize,
    /// How many seconds the head of a request may take to arrive.
    pub header_time: u32,
    /// Items that a namespace may have; none: as many as there is room for.
    pub max_items: Option<u64>,
    /// Bytes of files that a namespace may have, of all versions of all its items; likewise.
    pub max_bytes: Option<ByteSize>,
}

impl Limits {
    /// Bytes of a document of the source tree, read into memory whoever put it there. What a publish takes by `max_manifest`
    /// has to be served, also once that is lower: so this is no setting, and `max_manifest` cannot be more.
    pub const DOCUMENT: ByteSize = ByteSize::mib(16);

    /// Small packages compress very well (a tar of one short file is mostly zeros), and do no harm.
    pub const EXPANSION_FREE: ByteSize = ByteSize::mib(1);

    /// For so long an upload may be as slow as it likes: connections begin slowly, and small ones are over by then.
    pub const PATIENCE: Duration = Duration::from_secs(10);

    /// How long the head of a request may take to arrive.
    pub fn head_time(&self) -> Duration {
        Duration::from_secs(self.header_time.into())
    }

    /// How long an upload may take to arrive.
    pub fn max_time(&self) -> Duration {
        Duration::from_secs(self.max_seconds.into())
    }
}

fn readable<'de, D: Deserializer<'de>>(from: D) -> Result<ByteSize, D::Error> {
    let size = ByteSize::deserialize(from)?;
    match size <= Limits::DOCUMENT {
        true => Ok(size),
        false => Err(D::Error::custom(format_args!(
            "it is {} at most, since a build reads it whole",
            Limits::DOCUMENT
        ))),
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_unpacked: ByteSize::mib(512),
            max_file: ByteSize::mib(64),
            max_entries: 10_000,
            max_expansion: 200,
            max_manifest: ByteSize::mib(1),
            max_uploads: 1024,
            max_seconds: 600,
            min_rate: ByteSize::kib(1),
            header_time: 10,
            max_items: None,
            max_bytes: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_with_their_unit_and_the_rest_defaults() {
        let limits: Limits = serde_json::from_str(r#"{"max_file": "8MiB"}"#).unwrap();
        let expected = Limits {
            max_file: ByteSize::mib(8),
            ..Limits::default()
        };
        assert_eq!(limits, expected);
    }

    #[test]
    fn no_manifest_may_be_larger_than_a_build_reads() {
        let parse = serde_json::from_str::<Limits>;
        assert!(parse(r#"{"max_manifest": "16MiB"}"#).is_ok());
        let fault = parse(r#"{"max_manifest": "17MiB"}"#).unwrap_err();
        assert!(fault.to_string().contains("16.0 MiB"), "{fault}");
    }

    #[test]
    fn a_limit_that_does_not_exist_is_an_error() {
        assert!(serde_json::from_str::<Limits>(r#"{"max_flie": "8MiB"}"#).is_err());
    }
}
