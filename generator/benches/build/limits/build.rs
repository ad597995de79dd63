//! A full build, bare: the same texts compressed and the same files created, all of them, in as many threads as a build
//! has. Each version is a staged folder with one rename into each root; latest and the list of versions follow. The
//! lists of namespaces are left out.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use crate::Result;
use crate::corpus::Corpus;
use crate::limits::compress::Compressors;
use crate::limits::create::{self, Output};
use crate::meter::{Spent, metered};
use crate::synthetic::{Address, Synthetic, VERSIONS_PER_ITEM, version};

/// What it takes, in seconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BareBuild {
    /// CPU time of the compressors.
    pub(crate) compress: f64,
    /// CPU time of the files and folders.
    pub(crate) create: f64,
    /// Both, and one durability barrier at the end: time that passed, without what it takes to invent the texts.
    pub(crate) wall: f64,
    /// How many files were created.
    pub(crate) files: f64,
}

impl BareBuild {
    pub(crate) fn cpu(&self) -> f64 {
        self.compress + self.create
    }
}

pub(crate) fn run(corpus: &Corpus, registry: &Synthetic, round: usize) -> Result<BareBuild> {
    let folder = registry.folder.join(format!("limit-{round}"));
    let next = AtomicUsize::new(0);
    let work = || -> Result<BareBuild> {
        let mut builder = Builder::new(corpus, &folder)?;
        loop {
            match next.fetch_add(1, Ordering::Relaxed) {
                item if item < registry.items() => builder.item(item)?,
                _ => return Ok(builder.spent()),
            }
        }
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism()?.get();
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut all = BareBuild::default();
        for worker in workers {
            let spent = worker.join().map_err(|_| "a worker panicked")??;
            all.compress += spent.compress;
            all.create += spent.create;
            all.wall += spent.wall / threads as f64;
            all.files += spent.files;
        }
        let start = Instant::now();
        create::barrier(&folder)?;
        all.wall += start.elapsed().as_secs_f64();
        Ok(all)
    })
}

/// One thread of it.
struct Builder<'a> {
    corpus: &'a Corpus,
    staging: PathBuf,
    tree: PathBuf,
    compressors: Compressors,
    compress: Spent,
    create: Spent,
    files: usize,
}

impl<'a> Builder<'a> {
    fn new(corpus: &'a Corpus, folder: &Path) -> Result<Self> {
        let staging = folder.join("staging");
        create::folders(&staging)?;
        Ok(Self {
            corpus,
            staging,
            tree: folder.join("tree"),
            compressors: Compressors::default(),
            compress: Spent::default(),
            create: Spent::default(),
            files: 0,
        })
    }

    fn item(&mut self, item: usize) -> Result<()> {
        let address = Address::of(item);
        let folder = address.folder();
        let mut texts = Vec::new();
        for number in 0..VERSIONS_PER_ITEM {
            texts = self
                .corpus
                .version(&address.namespace, &address.path, &version(number));
            let outputs = metered(&mut self.compress, || {
                create::version_outputs(&mut self.compressors, &texts)
            })?;
            self.show(&format!("{item}-{number}"), &outputs, |staged, tree| {
                create::admit(staged, tree, &folder.join(version(number)))
            })?;
        }
        let pointers = metered(&mut self.compress, || {
            create::pointer_outputs(&mut self.compressors, &texts, VERSIONS_PER_ITEM)
        })?;
        self.show(&item.to_string(), &pointers, |staged, tree| {
            create::folders(&tree.join("identity").join(&folder).join("versions"))?;
            create::replace(staged, tree, &folder, &pointers)
        })
    }

    fn show(
        &mut self,
        staged: &str,
        outputs: &[Output],
        admit: impl FnOnce(&Path, &Path) -> Result<()>,
    ) -> Result<()> {
        self.files += outputs.len();
        metered(&mut self.create, || {
            let staged = self.staging.join(staged);
            create::stage(&staged, outputs)?;
            admit(&staged, &self.tree)
        })
    }

    fn spent(&self) -> BareBuild {
        BareBuild {
            compress: self.compress.cpu().as_secs_f64(),
            create: self.create.cpu().as_secs_f64(),
            wall: (self.compress.wall + self.create.wall).as_secs_f64(),
            files: self.files as f64,
        }
    }
}
