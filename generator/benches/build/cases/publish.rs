//! One more version of an item that is there, through the library and durable, against its parts done bare.

use std::time::Instant;

use crate::Result;
use crate::corpus::Corpus;
use crate::library::{self, Opened};
use crate::limits::compress::Compressors;
use crate::limits::create;
use crate::meter::median;
use crate::synthetic::{Address, Folders, Synthetic, VERSIONS_PER_ITEM, version};
use crate::table::{Goal, Table, Unit};

const REPETITIONS: usize = 60;

/// Gives the median. `smallest` is how many versions the smallest registry had, and its median.
pub(crate) fn run(
    corpus: &Corpus,
    registry: &Synthetic,
    built: &Folders,
    smallest: Option<(usize, f64)>,
    table: &mut Table,
) -> Result<f64> {
    let opened = Opened::open(built)?;
    let bare = Bare::prepare(corpus, registry)?;
    let mut publishes = Vec::new();
    let mut parts = Vec::new();
    let number = version(VERSIONS_PER_ITEM);
    for repetition in 0..repetitions(registry) {
        let address = item(registry, repetition);
        let texts = corpus.version(&address.namespace, &address.path, &number);
        publishes.push(Unit::Millis.of(opened.publish(&address, &number, &texts)?));
        parts.push(bare.publish(&address, repetition, &texts)?);
    }
    let name = format!("one more version, {} versions", registry.versions);
    let publish = median(&publishes).ok_or("no repetition")?;
    table.row(
        format!("{name}: against its parts"),
        Unit::Millis,
        publish,
        median(&parts),
        Goal::Ratio(1.5),
    );
    if let Some((versions, before)) = smallest {
        let name = format!("{name}: against {versions} versions");
        table.row(name, Unit::Millis, publish, Some(before), Goal::Ratio(1.2));
    }
    Ok(publish)
}

fn repetitions(registry: &Synthetic) -> usize {
    REPETITIONS.min(registry.items())
}

/// Items from all over the registry.
fn item(registry: &Synthetic, repetition: usize) -> Address {
    Address::of(repetition * registry.items() / repetitions(registry))
}

/// The parts: compress its texts, stage its files, one barrier, replace the documents that changed.
struct Bare {
    folder: std::path::PathBuf,
    compressors: std::cell::RefCell<Compressors>,
}

impl Bare {
    /// A tree with the documents that will be replaced.
    fn prepare(corpus: &Corpus, registry: &Synthetic) -> Result<Self> {
        let bare = Self {
            folder: registry.folder.join("limit-publish"),
            compressors: Default::default(),
        };
        for repetition in 0..repetitions(registry) {
            let address = item(registry, repetition);
            let texts = corpus.version(&address.namespace, &address.path, &version(0));
            let pointers = create::pointer_outputs(
                &mut bare.compressors.borrow_mut(),
                &texts,
                VERSIONS_PER_ITEM,
            )?;
            let staged = bare.folder.join(format!("before-{repetition}"));
            create::stage(&staged, &pointers)?;
            create::admit(&staged, &bare.folder.join("tree"), &address.folder())?;
        }
        Ok(bare)
    }

    fn publish(
        &self,
        address: &Address,
        repetition: usize,
        texts: &crate::corpus::Texts,
    ) -> Result<f64> {
        library::settle(&self.folder)?;
        let start = Instant::now();
        let compressors = &mut self.compressors.borrow_mut();
        let outputs = create::version_outputs(compressors, texts)?;
        let pointers = create::pointer_outputs(compressors, texts, VERSIONS_PER_ITEM + 1)?;
        let [version_folder, pointer_folder] =
            ["version", "pointers"].map(|what| self.folder.join(format!("{what}-{repetition}")));
        create::stage(&version_folder, &outputs)?;
        create::stage(&pointer_folder, &pointers)?;
        create::barrier(&self.folder)?;
        let tree = self.folder.join("tree");
        create::admit(
            &version_folder,
            &tree,
            &address.folder().join(version(VERSIONS_PER_ITEM)),
        )?;
        create::replace(&pointer_folder, &tree, &address.folder(), &pointers)?;
        Ok(Unit::Millis.of(start.elapsed()))
    }
}
