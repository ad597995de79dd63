//! A full build, bare: the same texts compressed and the same files created, in one thread. Each version is a staged
//! folder with one rename into each root; latest and the list of versions follow. The lists of namespaces are left out.

use crate::Result;
use crate::corpus::Corpus;
use crate::limits::compress::Compressors;
use crate::limits::create::{self, Output};
use crate::meter::{Spent, metered};
use crate::synthetic::{Address, Synthetic, VERSIONS_PER_ITEM, version};

/// It is measured on so many items, and scaled.
const SAMPLE: usize = 500;

/// CPU time in seconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BareBuild {
    pub(crate) compress: f64,
    pub(crate) create: f64,
    /// How many files were created.
    pub(crate) files: f64,
}

impl BareBuild {
    pub(crate) fn all(&self) -> f64 {
        self.compress + self.create
    }
}

/// How many versions of a registry are measured.
pub(crate) fn sample(registry: &Synthetic) -> usize {
    registry.items().min(SAMPLE) * VERSIONS_PER_ITEM
}

pub(crate) fn run(corpus: &Corpus, registry: &Synthetic, round: usize) -> Result<BareBuild> {
    let folder = registry.folder.join(format!("limit-{round}"));
    let staging = folder.join("staging");
    let tree = folder.join("tree");
    create::folders(&staging)?;
    let mut compressors = Compressors::default();
    let (mut compress, mut creating, mut files) = (Spent::default(), Spent::default(), 0);
    let mut show =
        |staged: &str, outputs: &[Output], admit: &dyn Fn(&std::path::Path) -> Result<()>| {
            files += outputs.len();
            metered(&mut creating, || {
                let staged = staging.join(staged);
                create::stage(&staged, outputs)?;
                admit(&staged)
            })
        };
    let items = registry.items();
    let sample = items.min(SAMPLE);
    for item in 0..sample {
        let address = Address::of(item * items / sample);
        let folder = address.folder();
        let mut texts = Vec::new();
        for number in 0..VERSIONS_PER_ITEM {
            texts = corpus.version(&address.namespace, &address.path, &version(number));
            let outputs = metered(&mut compress, || {
                create::version_outputs(&mut compressors, &texts)
            })?;
            show(&format!("{item}-{number}"), &outputs, &|staged| {
                create::admit(staged, &tree, &folder.join(version(number)))
            })?;
        }
        let pointers = metered(&mut compress, || {
            create::pointer_outputs(&mut compressors, &texts, VERSIONS_PER_ITEM)
        })?;
        show(&item.to_string(), &pointers, &|staged| {
            create::folders(&tree.join("identity").join(&folder).join("versions"))?;
            create::replace(staged, &tree, &folder, &pointers)
        })?;
    }
    let factor = items as f64 / sample as f64;
    Ok(BareBuild {
        compress: compress.cpu().as_secs_f64() * factor,
        create: creating.cpu().as_secs_f64() * factor,
        files: files as f64 * factor,
    })
}
