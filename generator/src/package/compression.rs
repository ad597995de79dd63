//! The outer layer of an archive: exactly one gzip member or one zstd frame, decoded as a stream within
//! the limits. Knows nothing of tar.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;
use zstd::zstd_safe::zstd_sys::ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge as WINDOW_TOO_LARGE;

use super::{ArchiveFault, Limits, Reason, UnpackError};

/// Read at once. An archive smaller than this has its expansion judged on its exact size.
const READ_AHEAD: usize = 64 * 1024;

/// 8 MiB, the window that RFC 8878 asks every decoder to support; what is above may fail at clients.
const WINDOW_LOG_MAX: u32 = 23;

/// The decoded bytes of an archive.
pub(super) struct Decoded<'a> {
    stream: Stream<'a>,
    limits: &'a Limits,
    unpacked: u64,
}

impl<'a> Decoded<'a> {
    /// Tells the format by the first bytes.
    pub(super) fn new(archive: &'a mut dyn Read, limits: &'a Limits) -> Result<Self, UnpackError> {
        let source = Source { archive, taken: 0 };
        Ok(Self {
            stream: Stream::open(BufReader::with_capacity(READ_AHEAD, source))?,
            limits,
            unpacked: 0,
        })
    }

    /// Like [`Read::read`]. The end is only reported when the checksum was right and nothing follows.
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<usize, UnpackError> {
        let count = self.stream.read(into).map_err(blame)?;
        if count == 0
            && !into.is_empty()
            && !self.stream.input().fill_buf().map_err(blame)?.is_empty()
        {
            return Err(Reason::CompressFraming
                .fault("goes on after its first gzip member or zstd frame")
                .into());
        }
        self.unpacked += count as u64;
        self.check_limits()?;
        Ok(count)
    }

    fn check_limits(&mut self) -> Result<(), ArchiveFault> {
        let Limits {
            max_unpacked,
            max_expansion,
            ..
        } = *self.limits;
        if self.unpacked > max_unpacked.as_u64() {
            return Err(Reason::ExpandsTooFar.fault(format!("unpacks to more than {max_unpacked}")));
        }
        let packed = self.stream.input().get_ref().taken;
        let allowed = packed
            .saturating_mul(max_expansion)
            .max(Limits::EXPANSION_FREE.as_u64());
        if self.unpacked > allowed {
            let problem = format!("unpacks to more than {max_expansion} times its size");
            return Err(Reason::ExpandsTooFar.fault(problem));
        }
        Ok(())
    }
}

/// The archive's own bytes, counted.
struct Source<'a> {
    archive: &'a mut dyn Read,
    taken: u64,
}

impl Read for Source<'_> {
    /// Fills all of `into` unless the archive ends first, so that a reader's buffer holds a whole header.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < into.len() {
            match self.archive.read(&mut into[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(io::Error::other(SourceFailed(error))),
            }
        }
        self.taken += filled as u64;
        Ok(filled)
    }
}

/// Marks what is not the decoder's complaint about the bytes, on its way through the decoder.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct SourceFailed(io::Error);

enum Stream<'a> {
    Gzip(Box<GzDecoder<BufReader<Source<'a>>>>),
    Zstd(zstd::Decoder<'static, BufReader<Source<'a>>>),
}

impl<'a> Stream<'a> {
    fn open(mut input: BufReader<Source<'a>>) -> Result<Self, UnpackError> {
        match input.fill_buf().map_err(blame)? {
            [0x1f, 0x8b, ..] => Ok(Self::Gzip(Box::new(GzDecoder::new(input)))),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => zstd_decoder(input)
                .map(Self::Zstd)
                .map_err(UnpackError::Source),
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Err(Reason::CompressFraming
                .fault("begins with a zstd frame that is to be skipped")
                .into()),
            _ => Err(Reason::CompressFraming
                .fault("is neither gzip nor zstd")
                .into()),
        }
    }

    fn input(&mut self) -> &mut BufReader<Source<'a>> {
        match self {
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Zstd(decoder) => decoder.get_mut(),
        }
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(decoder) => decoder.read(into),
            Self::Zstd(decoder) => decoder.read(into),
        }
    }
}

/// A decoder without a dictionary, so that a frame that needs one fails.
fn zstd_decoder<R: BufRead>(input: R) -> io::Result<zstd::Decoder<'static, R>> {
    let mut decoder = zstd::Decoder::with_buffer(input)?.single_frame();
    decoder.window_log_max(WINDOW_LOG_MAX)?;
    Ok(decoder)
}

fn blame(error: io::Error) -> UnpackError {
    let error = match error.downcast::<SourceFailed>() {
        Ok(SourceFailed(source)) => return UnpackError::Source(source),
        Err(error) => error,
    };
    let zstd = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<zstd::Error>());
    if zstd.is_some_and(|error| error.is(WINDOW_TOO_LARGE)) {
        return Reason::CompressWindow
            .fault("needs a zstd window of more than 8 MiB")
            .into();
    }
    Reason::CompressFraming
        .fault(format!("is damaged or cut off ({error})"))
        .into()
}
