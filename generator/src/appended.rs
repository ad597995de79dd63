//! Files that grow by whole lines: what a power cut left of the last one is no line.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

/// Cuts off what stands behind the last newline. Whether the lines mean anything nobody asks here.
pub(crate) fn cut_torn_end(log: &mut File) -> io::Result<()> {
    let len = log.seek(SeekFrom::End(0))?;
    let mut last = [b'\n'];
    if len > 0 {
        log.read_exact_at(&mut last, len - 1)?;
    }
    if last == [b'\n'] {
        return Ok(());
    }
    let mut lines = Vec::new();
    log.rewind()?;
    log.read_to_end(&mut lines)?;
    let end = lines.iter().rposition(|b| *b == b'\n');
    log.set_len(end.map_or(0, |end| end as u64 + 1))
}
