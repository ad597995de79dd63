//! One more version of an item that is there, through the library and durable: against its parts done bare, and against
//! the same in the smallest registry.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::time::Instant;

use crate::Result;
use crate::corpus::{Corpus, Texts};
use crate::library::{self, Opened};
use crate::limits::compress::Compressors;
use crate::limits::create;
use crate::meter::median;
use crate::synthetic::{Address, Folders, Synthetic, VERSIONS_PER_ITEM, version};
use crate::table::{Goal, Table, Unit};

/// The smallest registry is measured beside each of the others, and no item is published into twice.
const REPETITIONS: usize = 30;

/// A registry that publishes go into, and a bare tree beside it.
pub(crate) struct Publishing<'a> {
    corpus: &'a Corpus,
    registry: Synthetic,
    opened: Opened,
    bare: PathBuf,
    compressors: RefCell<Compressors>,
    next: Cell<usize>,
}

/// Alternates, so that all see the same moments of the machine.
pub(crate) fn run(
    here: &Publishing<'_>,
    smallest: Option<&Publishing<'_>>,
    table: &mut Table,
) -> Result<()> {
    let mut publishes = Vec::new();
    let mut parts = Vec::new();
    let mut in_smallest = Vec::new();
    for repetition in 0..REPETITIONS {
        // In front and behind by turns: what a neighbour leaves to the disk meets both.
        let in_front = repetition % 2 == 0;
        let mut beside = |now: bool| -> Result<()> {
            if let Some(smallest) = smallest.filter(|_| now) {
                let (address, texts) = smallest.upload();
                in_smallest.push(smallest.publish(&address, &texts)?);
            }
            Ok(())
        };
        beside(in_front)?;
        let (address, texts) = here.upload();
        publishes.push(here.publish(&address, &texts)?);
        beside(!in_front)?;
        parts.push(here.publish_bare(&address, &texts)?);
    }
    let versions = here.registry.versions;
    let name = format!("one more version, {versions} versions: against its parts");
    let publish = median(&publishes).ok_or("no repetition")?;
    let goal = Goal::Ratio(1.5);
    table.row(name, Unit::Millis, publish, median(&parts), goal);
    if let Some(smallest) = smallest {
        let small = smallest.registry.versions;
        let name = format!("one more version, {versions} versions: against {small} versions");
        let goal = Goal::Ratio(1.2);
        table.row(name, Unit::Millis, publish, median(&in_smallest), goal);
    }
    Ok(())
}

/// The version that all items get.
fn next_version() -> String {
    version(VERSIONS_PER_ITEM)
}

impl<'a> Publishing<'a> {
    pub(crate) fn open(corpus: &'a Corpus, registry: Synthetic, built: &Folders) -> Result<Self> {
        let bare = registry.folder.join("limit-publish");
        create::folders(&bare)?;
        Ok(Self {
            corpus,
            opened: Opened::open(built)?,
            bare,
            registry,
            compressors: RefCell::default(),
            next: Cell::default(),
        })
    }

    /// A version of an item that has not had it yet, from all over the registry: a stride that shares no factor with
    /// the number of items meets each of them once.
    fn upload(&self) -> (Address, Texts) {
        const STRIDE: usize = 7_919;
        let turn = self.next.replace(self.next.get() + 1);
        let address = Address::of(turn * STRIDE % self.registry.items());
        let texts = self
            .corpus
            .version(&address.namespace, &address.path, &next_version());
        (address, texts)
    }

    fn publish(&self, address: &Address, texts: &Texts) -> Result<f64> {
        let took = self.opened.publish(address, &next_version(), texts)?;
        Ok(Unit::Millis.of(took))
    }

    /// Compresses the texts, stages the files, one barrier, shows the version, replaces the documents that change.
    fn publish_bare(&self, address: &Address, texts: &Texts) -> Result<f64> {
        let tree = self.bare.join("tree");
        let aside = |what: &str| self.bare.join(format!("{what}-{}", self.next.get()));
        let compressors = &mut self.compressors.borrow_mut();
        // What will be replaced.
        let before = create::pointer_outputs(compressors, texts, VERSIONS_PER_ITEM)?;
        create::stage(&aside("before"), &before)?;
        create::admit(&aside("before"), &tree, &address.folder())?;
        library::settle(&self.bare)?;

        let start = Instant::now();
        let outputs = create::version_outputs(compressors, texts)?;
        let pointers = create::pointer_outputs(compressors, texts, VERSIONS_PER_ITEM + 1)?;
        create::stage(&aside("version"), &outputs)?;
        create::stage(&aside("pointers"), &pointers)?;
        create::barrier(&self.bare)?;
        let folder = address.folder().join(next_version());
        create::admit(&aside("version"), &tree, &folder)?;
        create::replace(&aside("pointers"), &tree, &address.folder(), &pointers)?;
        Ok(Unit::Millis.of(start.elapsed()))
    }
}
