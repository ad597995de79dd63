//! A build, from source tree to output trees, top to bottom: load, render, plan, stage, apply.

use std::path::Path;
use std::time::Instant;

use rayon::prelude::*;

use crate::access::Access;
use crate::commit::make::Origin;
use crate::commit::stage::{Progress, Staged};
use crate::commit::{OutputSettings, Session, adopt};
use crate::error::{Error, Result};
use crate::folders::Checked;
use crate::lock::Lock;
use crate::model::catalog::NamespaceItems;
use crate::model::{Audience, Catalog, Item, ItemId, Namespace, ReleaseId};
use crate::plan::key::PublicKey;
use crate::plan::{Plan, Removal, Rows, Scope};
use crate::render::{self, Body, Resource, Resources, documents};
use crate::report::{Problem, Report};
use crate::source::{SourceTree, file_in};

/// A registry whose folders belong together.
#[derive(Debug)]
pub struct Registry {
    folders: Checked,
    source: SourceTree,
    outputs: OutputSettings,
}

/// What a build of everything may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BuildOptions {
    /// Make every output anew (`--full`).
    pub full: bool,
    /// Go on where suspiciously much would be removed (`--allow-removals`).
    pub allow_removals: bool,
}

/// Reads the access file, as it is now.
pub type Decide<'a> = &'a dyn Fn() -> Result<Access>;

/// A build of up to this many removals never stops to ask.
const REMOVALS_UNASKED: usize = 100;

impl Registry {
    /// A registry in these folders.
    pub fn new(folders: Checked, outputs: OutputSettings) -> Self {
        let source = SourceTree::at(&folders.source);
        Self {
            folders,
            source,
            outputs,
        }
    }

    /// Its source tree.
    pub fn source(&self) -> &SourceTree {
        &self.source
    }

    /// Its folders.
    pub fn folders(&self) -> &Checked {
        &self.folders
    }

    /// Takes the lock of the source tree.
    pub fn lock_source(&self) -> Result<Lock> {
        Lock::take(self.source.root())
    }

    /// Brings the output trees to what the source tree and the access file say.
    ///
    /// `decide` reads the access file. It is asked under the lock, and again before anything is seen: what a file
    /// of a minute ago opened must not be published now.
    pub fn build(
        &self,
        decide: Decide<'_>,
        options: BuildOptions,
        progress: Progress<'_>,
    ) -> Result<Report> {
        let start = Instant::now();
        let _lock = self.lock_source()?;
        let access = decide()?;
        let (mut report, wanted) = self.load(&access)?;
        let (session, plan) = self.plan(wanted, &access, options)?;
        let staged = self.stage(session, plan, None, progress)?;
        if decide()? != access {
            return Err(Error::refused(
                self.source.root(),
                "the access file changed during the build, so nothing was published; build again",
            ));
        }
        report.changes = staged.apply()?;
        report.seconds = start.elapsed().as_secs_f64();
        Ok(report)
    }

    /// What a build would do, without doing it.
    pub fn dry_run(&self, decide: Decide<'_>, options: BuildOptions) -> Result<(Report, Plan)> {
        let _lock = self.lock_source()?;
        let access = decide()?;
        let (report, wanted) = self.load(&access)?;
        let (_, plan) = self.plan(wanted, &access, options)?;
        Ok((report, plan))
    }

    fn load(&self, access: &Access) -> Result<(Report, Resources)> {
        let mut report = Report::default();
        let catalog = self.catalog(access, &mut report.problems)?;
        report.problems.sort();
        let items = catalog
            .namespaces
            .values()
            .flat_map(|held| held.items.values());
        report.releases = items.map(|item| item.releases.len()).sum();
        Ok((report, render::everything(&catalog)))
    }

    fn plan(
        &self,
        wanted: Resources,
        access: &Access,
        options: BuildOptions,
    ) -> Result<(Session<'_>, Plan)> {
        let session = Session::open(&self.folders, &self.outputs)?;
        let mut rows = session
            .record()
            .rows(&Scope::Everything, std::iter::empty())?;
        adopt::probe(&mut rows, &self.folders);
        if options.full {
            rows.values_mut().for_each(|row| row.settled = false);
        }
        let outputs = rows.values().filter(|row| row.current.is_some()).count();
        let plan = Plan::between(
            wanted,
            rows,
            &Scope::Everything,
            access,
            &self.outputs.encodings,
        );
        let removals = plan.withdrawals.iter().chain(&plan.removals);
        // What the access file no longer declares goes without a question: it was decided.
        let unexplained = |removal: &&Removal| {
            let namespace = removal.key.namespace();
            removal.last && namespace.is_none_or(|namespace| access.audience(namespace).is_some())
        };
        let removals = removals.filter(unexplained).count();
        if removals > REMOVALS_UNASKED && removals > outputs / 10 && !options.allow_removals {
            return Err(Error::ManyRemovals {
                path: self.source.root().to_owned(),
                removals,
                outputs,
            });
        }
        Ok((session, plan))
    }

    /// Everything in the source tree that is declared and sound.
    fn catalog(&self, access: &Access, problems: &mut Vec<Problem>) -> Result<Catalog> {
        let mut catalog = Catalog::default();
        let mut versions = Vec::new();
        for namespace in self.source.namespaces(problems)? {
            match access.audience(&namespace) {
                None => problems.push(Problem::warning(
                    self.source.namespace(&namespace),
                    "the access file does not declare this namespace, so it is not served",
                )),
                Some(audience) => {
                    versions.extend(self.source.items(&namespace, problems)?);
                    let items = NamespaceItems {
                        audience,
                        items: Default::default(),
                    };
                    catalog.namespaces.insert(namespace, items);
                }
            }
        }
        let loaded = versions
            .par_iter()
            .map(|(id, versions)| {
                let mut problems = Vec::new();
                let item = self.source.load_item(id, versions, &mut problems)?;
                Ok((item, problems))
            })
            .collect::<Result<Vec<(Option<Item>, Vec<Problem>)>>>()?;
        for (item, found) in loaded {
            problems.extend(found);
            if let Some(item) = item
                && let Some(held) = catalog.namespaces.get_mut(&item.id.namespace)
            {
                held.items.insert(item.id.path.clone(), item);
            }
        }
        for name in self.source.preset_names(problems)? {
            if let Some(preset) = self.source.load_preset(&name, problems)? {
                catalog.presets.insert(name, preset);
            }
        }
        Ok(catalog)
    }

    /// An item as the source tree has it now; the caller holds the tree's lock.
    pub fn load_item(&self, id: &ItemId) -> Result<Option<Item>> {
        let versions = self.source.versions(id)?;
        self.source.load_item(id, &versions, &mut Vec::new())
    }

    /// Stages what changes when an item becomes this: its own resources and, where it is new, the listings.
    ///
    /// `arriving` is a version that is not in the source tree yet, and the folder that holds it.
    ///
    /// # Errors
    /// A namespace that is not declared; a full disk.
    pub fn stage_item(
        &self,
        item: &Item,
        access: &Access,
        arriving: Option<(&ReleaseId, &Path)>,
    ) -> Result<Staged<'_>> {
        let namespace = &item.id.namespace;
        let audience = access.audience(namespace).ok_or_else(|| {
            Error::refused(
                self.source.namespace(namespace),
                "the access file does not declare this namespace",
            )
        })?;
        let session = Session::open(&self.folders, &self.outputs)?;
        let mut wanted = render::item_resources(item, audience);
        self.add_listings(&session, item, audience, &mut wanted)?;
        let scope = Scope::Item(item.id.clone());
        let rows: Rows = session.record().rows(&scope, wanted.keys())?;
        let plan = Plan::between(wanted, rows, &scope, access, &self.outputs.encodings);
        self.stage(session, plan, arriving, &|_| ())
    }

    /// A namespace's list changes only with a new item, the list of namespaces only with a new namespace.
    fn add_listings(
        &self,
        session: &Session<'_>,
        item: &Item,
        audience: Audience,
        wanted: &mut Resources,
    ) -> Result<()> {
        let versions = session
            .record()
            .row(&PublicKey::Versions(item.id.clone()))?;
        if versions.is_some_and(|row| row.settled && row.current.is_some()) {
            return Ok(());
        }
        let namespace = &item.id.namespace;
        let mut paths = session.record().items(namespace)?;
        if let Err(place) = paths.binary_search(&item.id.path) {
            paths.insert(place, item.id.path.clone());
        }
        let listing = Resource::document(audience, documents::listing(namespace, paths.iter()));
        wanted.insert(PublicKey::Listing(namespace.clone()), listing);
        if audience == Audience::Public {
            let mut open: Vec<Namespace> = session.record().namespaces(Audience::Public)?;
            if let Err(place) = open.binary_search(namespace) {
                open.insert(place, namespace.clone());
            }
            let open = Resource::document(Audience::Public, documents::namespaces(&open));
            wanted.insert(PublicKey::Namespaces, open);
        }
        Ok(())
    }

    fn stage<'a>(
        &'a self,
        session: Session<'a>,
        plan: Plan,
        arriving: Option<(&ReleaseId, &Path)>,
        progress: Progress<'_>,
    ) -> Result<Staged<'a>> {
        session.stage(
            plan,
            &|resource| {
                let path = match &resource.body {
                    Body::Document(bytes) => return Origin::Bytes(bytes),
                    Body::Release(id, file) => match arriving {
                        Some((arriving, folder)) if arriving == id => file_in(folder, file),
                        _ => file_in(&self.source.release(id), file),
                    },
                    Body::Preset(name) => self.source.preset(name),
                };
                Origin::File(path, resource.len)
            },
            progress,
        )
    }
}
