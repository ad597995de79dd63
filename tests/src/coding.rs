//! Content codings, taken off again.

use std::io::{self, Read};

/// The bytes behind a `Content-Encoding`; without one they are what they are.
pub fn decode(coding: Option<&str>, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut decoded = Vec::new();
    match coding {
        None => decoded.extend_from_slice(bytes),
        Some("gzip") => drop(flate2::read::GzDecoder::new(bytes).read_to_end(&mut decoded)?),
        Some("br") => drop(brotlic::DecompressorReader::new(bytes).read_to_end(&mut decoded)?),
        Some("zstd") => decoded = zstd::stream::decode_all(bytes)?,
        Some(other) => return Err(io::Error::other(format!("unknown coding {other}"))),
    }
    Ok(decoded)
}
