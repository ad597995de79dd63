//! The size of the variants of what never changes, at `compression = best`, against the compressors called directly.

use rackgen::coding::Coding;
use rayon::prelude::*;

use crate::Result;
use crate::corpus::Corpus;
use crate::library::{self, VARIANTS_FROM};
use crate::limits::compress::{Compressors, smallest_brotli};
use crate::synthetic::{Address, version};
use crate::table::{Goal, Table, Unit};

const VERSIONS: usize = 70;

pub(crate) fn run(corpus: &Corpus, table: &mut Table) -> Result<()> {
    let texts = (0..VERSIONS).flat_map(|item| {
        let address = Address::of(item);
        corpus.version(&address.namespace, &address.path, &version(0))
    });
    let texts: Vec<Vec<u8>> = texts
        .map(|(_, text)| text)
        .filter(|text| text.len() >= VARIANTS_FROM)
        .collect();
    let sizes = texts
        .par_iter()
        .map(|text| sizes(text))
        .collect::<Result<Vec<_>>>()?;
    let identity: usize = texts.iter().map(Vec::len).sum();
    for coding in Coding::ALL {
        let of_coding = || sizes.iter().flatten().filter(|size| size.coding == coding);
        let ours: usize = of_coding().map(|size| size.ours).sum();
        let best: usize = of_coding().map(|size| size.best).sum();
        let name = format!("size at best, {}", coding.as_str());
        table.row(
            name,
            Unit::Bytes,
            ours as f64,
            Some(best as f64),
            Goal::Ratio(1.005),
        );
    }
    table.note(format!(
        "size at best: {} files of {identity} B together",
        texts.len()
    ));
    Ok(())
}

struct Size {
    coding: Coding,
    ours: usize,
    best: usize,
}

fn sizes(text: &[u8]) -> Result<Vec<Size>> {
    let mut compressors = Compressors::default();
    let mut size = |(coding, ours): (Coding, Vec<u8>)| {
        let best = match coding {
            Coding::Gzip => compressors.gzip(text, 12)?.len(),
            Coding::Br => smallest_brotli(text)?,
            Coding::Zstd => compressors.zstd(text, 19)?.len(),
        };
        Ok(Size {
            coding,
            ours: ours.len(),
            best,
        })
    };
    library::best_variants(text)?
        .into_iter()
        .map(&mut size)
        .collect()
}
