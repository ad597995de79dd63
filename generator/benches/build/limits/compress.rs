//! The compressors themselves, one thread, their state reused where they can.

use brotlic::{BrotliEncoderOptions, CompressorWriter, Quality, WindowSize};
use libdeflater::{CompressionLvl, Compressor};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Write;

use rackgen::coding::Coding;

use crate::Result;
use crate::library::{self, CacheClass, VARIANTS_FROM};

/// Compressors by level, kept between files.
#[derive(Default)]
pub(crate) struct Compressors {
    gzip: HashMap<i32, Compressor>,
    zstd: HashMap<i32, zstd::bulk::Compressor<'static>>,
}

impl Compressors {
    /// The variants that a build with the default settings makes of these bytes.
    pub(crate) fn variants(
        &mut self,
        identity: &[u8],
        class: CacheClass,
    ) -> Result<Vec<(Coding, Vec<u8>)>> {
        if identity.len() < VARIANTS_FROM {
            return Ok(Vec::new());
        }
        let variants = library::levels(class, identity.len())
            .into_iter()
            .map(|(coding, level)| {
                let bytes = match coding {
                    Coding::Gzip => self.gzip(identity, level)?,
                    Coding::Br => brotli(identity, level)?,
                    Coding::Zstd => self.zstd(identity, level)?,
                };
                Ok((coding, bytes))
            });
        let variants = variants.collect::<Result<Vec<_>>>()?;
        let all_smaller = variants
            .iter()
            .all(|(_, bytes)| bytes.len() < identity.len());
        Ok(if all_smaller { variants } else { Vec::new() })
    }

    pub(crate) fn gzip(&mut self, identity: &[u8], level: i32) -> Result<Vec<u8>> {
        let made = || Compressor::new(CompressionLvl::new(level).unwrap_or_default());
        let compressor = self.gzip.entry(level).or_insert_with(made);
        let mut bytes = vec![0; compressor.gzip_compress_bound(identity.len())];
        let len = compressor.gzip_compress(identity, &mut bytes)?;
        bytes.truncate(len);
        Ok(bytes)
    }

    pub(crate) fn zstd(&mut self, identity: &[u8], level: i32) -> Result<Vec<u8>> {
        let compressor = match self.zstd.entry(level) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(place) => place.insert(zstd::bulk::Compressor::new(level)?),
        };
        Ok(compressor.compress(identity)?)
    }
}

/// In one call, with a window that fits.
pub(crate) fn brotli(identity: &[u8], level: i32) -> Result<Vec<u8>> {
    let quality = Quality::new(level.try_into()?)?;
    let bound = brotlic::compress_bound(identity.len(), quality).ok_or("it is too large")?;
    let mut bytes = vec![0; bound];
    let mode = brotlic::CompressionMode::Generic;
    let len = brotlic::compress(identity, &mut bytes, quality, window(identity.len())?, mode)?;
    bytes.truncate(len);
    Ok(bytes)
}

/// As small as brotli gets, with literal context modelling or without.
pub(crate) fn smallest_brotli(identity: &[u8]) -> Result<usize> {
    let len = |without: bool| -> Result<usize> {
        let encoder = BrotliEncoderOptions::new()
            .quality(Quality::best())
            .window_size(window(identity.len())?)
            .disable_context_modeling(without)
            .size_hint(identity.len().try_into()?)
            .build()?;
        let mut writer = CompressorWriter::with_encoder(encoder, Vec::new());
        writer.write_all(identity)?;
        Ok(writer.into_inner()?.len())
    };
    Ok(len(false)?.min(len(true)?))
}

fn window(len: usize) -> Result<WindowSize> {
    let bits = (usize::BITS - len.leading_zeros()).clamp(16, 22);
    Ok(WindowSize::new(bits.try_into()?)?)
}
