//! Variants: how hard each compressor works on what, and when a file has none.
//!
//! Levels and traps are those of limits.md, "Compressing one small file". Output depends on input, level and
//! the compressor's version alone.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Write};

use brotlic::{BrotliEncoder, BrotliEncoderOptions, CompressorWriter, Quality, WindowSize};
use libdeflater::{CompressionLvl, Compressor};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::coding::{Coding, Encodings};
use crate::plan::key::CacheClass;

/// How hard the compressors work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// About 85 µs a small file, 2–10 % larger.
    Fast,
    /// About 145 µs a small file, what never changes within 2 % (brotli 10 %) of the best.
    #[default]
    Balanced,
    /// As small as it gets, at 20 times the work.
    Best,
}

impl Compression {
    /// The level of a compressor. What changes with every publish is compressed fast: it is sent for a minute
    /// and made again.
    pub fn level(self, coding: Coding, class: CacheClass, len: u64) -> i32 {
        let [gzip, br, zstd] = match (self, class) {
            _ if len >= LONG && class != CacheClass::Immutable => [6, 4, 3],
            (Self::Fast, _) | (Self::Balanced, CacheClass::Pointer) => [6, 5, 3],
            (Self::Balanced, _) | (Self::Best, CacheClass::Pointer) => [9, 9, 9],
            (Self::Best, _) => [12, 11, 19],
        };
        match coding {
            Coding::Gzip => gzip,
            Coding::Br => br,
            Coding::Zstd => zstd,
        }
    }
}

/// From so many bytes on a document that changes often is compressed faster still.
const LONG: u64 = 1 << 20;

/// A compressed form of some bytes.
pub type Variant = (Coding, Vec<u8>);

/// Below this a file has no variants: they would hardly be smaller than its headers.
pub const VARIANTS_FROM: usize = 256;

/// All variants of these bytes, or none where one of them would not be smaller.
///
/// # Errors
/// A compressor that fails, which is out of memory.
pub fn variants(
    identity: &[u8],
    class: CacheClass,
    encodings: &Encodings,
    compression: Compression,
) -> io::Result<Vec<Variant>> {
    if identity.len() < VARIANTS_FROM {
        return Ok(Vec::new());
    }
    let make = |coding| {
        let level = compression.level(coding, class, identity.len() as u64);
        let bytes = match coding {
            Coding::Gzip => gzip(identity, level)?,
            Coding::Br => brotli(identity, level)?,
            Coding::Zstd => zstd::bulk::compress(identity, level)?,
        };
        Ok((bytes.len() < identity.len()).then_some((coding, bytes)))
    };
    // Of a small file each is done before another thread would have begun.
    let variants: io::Result<Option<Vec<Variant>>> = match identity.len() as u64 >= LONG {
        true => encodings
            .iter()
            .collect::<Vec<_>>()
            .into_par_iter()
            .map(make)
            .collect(),
        false => encodings.iter().map(make).collect(),
    };
    Ok(variants?.unwrap_or_default())
}

/// The state of a compressor is some hundred kilobytes: each thread makes it once for each level.
fn gzip(identity: &[u8], level: i32) -> io::Result<Vec<u8>> {
    thread_local!(static MADE: RefCell<BTreeMap<i32, Compressor>> = RefCell::default());
    MADE.with_borrow_mut(|made| {
        let compressor = made
            .entry(level)
            .or_insert_with(|| Compressor::new(CompressionLvl::new(level).unwrap_or_default()));
        let mut bytes = vec![0; compressor.gzip_compress_bound(identity.len())];
        let len = compressor
            .gzip_compress(identity, &mut bytes)
            .map_err(io::Error::other)?;
        bytes.truncate(len);
        Ok(bytes)
    })
}

fn brotli(identity: &[u8], level: i32) -> io::Result<Vec<u8>> {
    let mut writer =
        CompressorWriter::with_encoder(brotli_encoder(level, identity.len() as u64)?, Vec::new());
    writer.write_all(identity)?;
    writer.into_inner().map_err(|fault| fault.into_error())
}

/// The window fits the input: at level 9 the default one costs 20 times the time for nothing.
fn brotli_encoder(level: i32, len: u64) -> io::Result<BrotliEncoder> {
    let bits = (u64::BITS - len.leading_zeros()).clamp(16, 22);
    // Up to 8 KB literal context modelling costs more than it saves at the highest levels.
    let small = len <= 8 << 10 && level >= 10;
    BrotliEncoderOptions::new()
        .quality(Quality::new(level as u8).map_err(io::Error::other)?)
        .window_size(WindowSize::new(bits as u8).map_err(io::Error::other)?)
        .disable_context_modeling(small)
        .size_hint(len.try_into().unwrap_or(u32::MAX))
        .build()
        .map_err(io::Error::other)
}

/// Compresses so many bytes in pieces, for what is too large to hold in memory.
///
/// For zstd the size goes along: without it level 19 takes a hundred times as long.
pub fn stream(
    coding: Coding,
    level: i32,
    (mut from, len): (impl Read, u64),
    to: impl Write,
) -> io::Result<()> {
    match coding {
        Coding::Gzip => {
            let level = flate2::Compression::new(level.clamp(1, 9).unsigned_abs());
            let mut encoder = flate2::write::GzEncoder::new(to, level);
            io::copy(&mut from, &mut encoder)?;
            encoder.finish()?;
        }
        Coding::Br => {
            let mut encoder = CompressorWriter::with_encoder(brotli_encoder(level, len)?, to);
            io::copy(&mut from, &mut encoder)?;
            encoder.into_inner().map_err(|fault| fault.into_error())?;
        }
        Coding::Zstd => {
            let mut encoder = zstd::stream::write::Encoder::new(to, level)?;
            encoder.set_pledged_src_size(Some(len))?;
            io::copy(&mut from, &mut encoder)?;
            encoder.finish()?;
        }
    }
    Ok(())
}

/// What a variant decodes to, as it is read.
///
/// # Errors
/// Out of memory; and while it is read, that it is none of that coding.
pub fn decoder<'a>(coding: Coding, variant: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match coding {
        Coding::Gzip => Box::new(flate2::read::GzDecoder::new(variant)),
        Coding::Br => Box::new(brotlic::DecompressorReader::new(BufReader::new(variant))),
        Coding::Zstd => Box::new(zstd::stream::read::Decoder::new(variant)?),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(coding: Coding, bytes: &[u8]) -> Vec<u8> {
        let mut decoded = Vec::new();
        let mut from = super::decoder(coding, bytes).unwrap();
        from.read_to_end(&mut decoded).unwrap();
        decoded
    }

    fn all() -> Encodings {
        "zstd,br,gzip".parse().unwrap()
    }

    #[test]
    fn pieces_decode_to_the_whole() {
        let identity = "all work and no play makes jack a dull boy\n".repeat(50_000);
        for coding in Coding::ALL {
            let mut bytes = Vec::new();
            stream(
                coding,
                5,
                (identity.as_bytes(), identity.len() as u64),
                &mut bytes,
            )
            .unwrap();
            assert!(bytes.len() < identity.len() / 10);
            assert_eq!(decode(coding, &bytes), identity.as_bytes());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_variant_decodes_to_the_identity(
            words in prop::collection::vec("[a-z]{1,8}", 0..400),
            class in prop::sample::select(vec![CacheClass::Immutable, CacheClass::Pointer]),
            compression in prop::sample::select(vec![Compression::Fast, Compression::Balanced, Compression::Best]),
        ) {
            let identity = words.join(" ");
            for (coding, bytes) in variants(identity.as_bytes(), class, &all(), compression).unwrap() {
                prop_assert!(bytes.len() < identity.len());
                prop_assert_eq!(decode(coding, &bytes), identity.as_bytes());
            }
        }
    }

    #[test]
    fn a_file_has_all_variants_or_none() {
        let make = |bytes: &[u8]| {
            variants(bytes, CacheClass::Immutable, &all(), Compression::Balanced)
                .unwrap()
                .len()
        };
        assert_eq!(make(&[b'a'; 255]), 0);
        assert_eq!(make(&[b'a'; 256]), 3);
        let mut noise = vec![0; 4096];
        blake3::Hasher::new().finalize_xof().fill(&mut noise);
        assert_eq!(make(&noise), 0);
    }
}
