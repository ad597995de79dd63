//! What belongs to no item: the lists of items and of namespaces, presets, schemas.

use std::collections::{BTreeMap, BTreeSet};

use super::item::Made;
use super::{Context, Scope};
use crate::access::Access;
use crate::commit::Session;
use crate::commit::make::Origin;
use crate::commit::record::Record;
use crate::error::{Error, Result};
use crate::model::{Audience, ItemId, ItemPath, Namespace};
use crate::plan::Plan;
use crate::plan::key::{PublicKey, SchemaName};
use crate::plan::part::{Part, Recorded};
use crate::render::{self, Body, Resource, Resources};
use crate::report::Problem;
use crate::source::SourceTree;

/// The lists of a build, and what is known to change in them.
#[derive(Debug)]
pub(super) struct Lists {
    /// The namespaces that the build looks at; the audience of those that are declared and have a folder.
    namespaces: BTreeMap<Namespace, Option<Audience>>,
    /// All there are, and presets and schemas besides.
    everything: bool,
    presets: bool,
    /// Items that are new to their list, and that leave it.
    coming: BTreeSet<ItemId>,
    going: BTreeSet<ItemId>,
}

impl Lists {
    /// The lists of a build of this scope.
    pub(super) fn new(
        source: &SourceTree,
        access: &Access,
        scope: &Scope,
        problems: &mut Vec<Problem>,
    ) -> Result<Self> {
        let mut namespaces = BTreeMap::new();
        match scope {
            Scope::Everything => {
                for namespace in source.namespaces(problems)? {
                    let audience = access.audience(&namespace);
                    if audience.is_none() {
                        problems.push(Problem::warning(
                            source.namespace(&namespace),
                            "the access file does not declare this namespace, so it is not served",
                        ));
                    }
                    namespaces.insert(namespace, audience);
                }
            }
            Scope::Parts(parts) => {
                for place in parts {
                    let namespace = place.namespace();
                    let is_there = source.has_namespace(namespace, problems);
                    let audience = access.audience(namespace).filter(|_| is_there);
                    namespaces.insert(namespace.clone(), audience);
                }
            }
        }
        Ok(Self {
            namespaces,
            presets: true,
            everything: *scope == Scope::Everything,
            coming: BTreeSet::new(),
            going: BTreeSet::new(),
        })
    }

    /// The lists that these items are in.
    pub(super) fn of_items<'a>(access: &Access, ids: impl Iterator<Item = &'a ItemId>) -> Self {
        let namespaces = ids.map(|id| (id.namespace.clone(), access.audience(&id.namespace)));
        Self {
            namespaces: namespaces.collect(),
            everything: false,
            presets: false,
            coming: BTreeSet::new(),
            going: BTreeSet::new(),
        }
    }

    /// The namespaces that are declared and have a folder.
    pub(super) fn declared(&self) -> impl Iterator<Item = &Namespace> {
        let declared = self.namespaces.iter();
        declared.filter_map(|(namespace, audience)| audience.map(|_| namespace))
    }

    /// Notes what an item becomes, before the record knows of it.
    pub(super) fn note(&mut self, record: &Record, made: &Made) -> Result<()> {
        let known = record.item(&made.id)?;
        let was_served = known.is_some_and(|known| known.releases > 0);
        match (was_served, made.served > 0) {
            (false, true) => self.coming.insert(made.id.clone()),
            (true, false) => self.going.insert(made.id.clone()),
            _ => false,
        };
        Ok(())
    }

    /// Stages what changes of all these documents.
    pub(super) fn stage(
        &self,
        context: &Context<'_>,
        session: &mut Session<'_>,
        problems: &mut Vec<Problem>,
    ) -> Result<()> {
        let mut wanted: BTreeMap<PublicKey, Option<Resource>> = BTreeMap::new();
        if self.everything {
            // What nobody wants any longer goes.
            let there = session.record().alone()?.into_keys();
            wanted.extend(there.map(|key| (key, None)));
            let schemas = SchemaName::ALL.into_iter();
            wanted
                .extend(schemas.map(|name| (PublicKey::Schema(name), Some(render::schema(name)))));
        }
        if self.presets {
            let names = context.source.preset_names(problems);
            if names.is_none() {
                wanted.retain(|key, _| !matches!(key, PublicKey::Preset(_)));
            }
            for name in names.into_iter().flatten() {
                let file = context.source.load_preset(&name, problems);
                let preset = file.map(|file| render::preset(&name, &file));
                let key = PublicKey::Preset(name);
                match preset {
                    Some(_) => wanted.insert(key, preset),
                    // One that cannot be served as it is now stays as it was, as a version does.
                    None => wanted.remove(&key),
                };
            }
        }
        for (namespace, audience) in &self.namespaces {
            let key = PublicKey::Listing(namespace.clone());
            match audience {
                None => {
                    wanted.insert(key, None);
                }
                Some(audience) => {
                    match self.listing(context, session.record(), namespace, *audience)? {
                        Some(listing) => {
                            wanted.insert(key, Some(listing));
                        }
                        None => {
                            wanted.remove(&key);
                        }
                    }
                }
            }
        }
        let is_listing = |key: &PublicKey| matches!(key, PublicKey::Listing(_));
        if self.everything || wanted.keys().any(is_listing) {
            let open = self.open_namespaces(session.record())?;
            wanted.insert(PublicKey::Namespaces, Some(render::namespaces(&open)));
        }
        for (key, resource) in wanted {
            match self.stage_one(context, session, key, resource) {
                Err(Error::Changed { path, how }) => {
                    let why = format!("it {how}; what is served of it stays");
                    problems.push(Problem::refused(path, why));
                }
                staged => staged?,
            }
        }
        if self.everything {
            session.record().set_complete()?;
        }
        Ok(())
    }

    /// The list of a namespace; none where it stands as it is to.
    fn listing(
        &self,
        context: &Context<'_>,
        record: &Record,
        namespace: &Namespace,
        audience: Audience,
    ) -> Result<Option<Resource>> {
        let part = Part::Alone(PublicKey::Listing(namespace.clone()));
        let recorded = context.recorded(record, &part)?;
        let here = |ids: &BTreeSet<ItemId>| -> Vec<ItemPath> {
            let here = ids.iter().filter(|id| id.namespace == *namespace);
            here.map(|id| id.path.clone()).collect()
        };
        let (coming, going) = (here(&self.coming), here(&self.going));
        let stands = record.is_complete()?
            && coming.is_empty()
            && going.is_empty()
            && recorded.is_certain()
            && recorded.stands_for(audience)
            && is_encoded(&recorded, context);
        if stands {
            return Ok(None);
        }
        let mut items = record.served_items(namespace)?;
        items.extend(coming);
        items.retain(|path| !going.contains(path));
        items.sort();
        items.dedup();
        Ok(Some(render::listing(namespace, items.iter(), audience)))
    }

    /// The namespaces that anyone may read.
    fn open_namespaces(&self, record: &Record) -> Result<BTreeSet<Namespace>> {
        let mut open = BTreeSet::new();
        if !self.everything {
            open.extend(record.namespaces(Audience::Public)?);
        }
        for (namespace, audience) in &self.namespaces {
            match audience {
                Some(Audience::Public) => open.insert(namespace.clone()),
                _ => open.remove(namespace),
            };
        }
        Ok(open)
    }

    fn stage_one(
        &self,
        context: &Context<'_>,
        session: &mut Session<'_>,
        key: PublicKey,
        resource: Option<Resource>,
    ) -> Result<()> {
        let part = Part::Alone(key.clone());
        let recorded = context.recorded(session.record(), &part)?;
        let wanted: Resources = resource
            .map(|resource| (key, resource))
            .into_iter()
            .collect();
        let plan = Plan::between(wanted, &recorded, context.rules);
        let staged = context.stage(part, recorded, plan, &|resource| match &resource.body {
            Body::Preset(name) => Origin::File(context.source.preset(name), resource.len),
            // Nothing else is alone but documents.
            _ => Origin::Bytes(&[]),
        })?;
        staged.map_or(Ok(()), |staged| session.add(staged, None))
    }
}

fn is_encoded(recorded: &Recorded, context: &Context<'_>) -> bool {
    let mut published = recorded
        .rows
        .values()
        .filter_map(|row| row.current.as_ref());
    published.all(|there| there.encodings == *context.rules.encodings)
}
