//! A change of single items, of which everything is known: the daemon's way to a build. It walks nothing, and asks the
//! record only for what it changes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rayon::prelude::*;

use super::item::{Made, Work};
use super::lists::Lists;
use super::{BuildOptions, Context, Registry, Scope, add};
use crate::access::Access;
use crate::commit::Session;
use crate::commit::record::{Record, Usage};
use crate::error::{Error, Result};
use crate::model::{ContentDigest, FilePath, History, ItemId, Namespace, StoredFile, Version};
use crate::source::walk::Seen;
use crate::webhook::News;

/// A version that comes in: its folder is not in the source tree yet.
#[derive(Debug, Clone)]
pub struct Arriving {
    /// Which it will be.
    pub version: Version,
    /// Where its files are until then.
    pub folder: PathBuf,
    /// They.
    pub files: BTreeMap<FilePath, StoredFile>,
    /// What they add up to.
    pub digest: ContentDigest,
    /// `registry.json` among them.
    pub manifest: StoredFile,
}

/// What becomes of an item.
#[derive(Debug, Clone)]
pub struct ItemChange {
    /// Which.
    pub id: ItemId,
    /// All that will have happened to its versions, the publishes of those that come in included.
    pub history: History,
    /// The versions that come in, each once.
    pub arriving: Vec<Arriving>,
    /// What of all that happens now.
    pub news: Vec<News>,
}

impl ItemChange {
    /// No new version, and no news.
    pub fn of(id: ItemId, history: History) -> Self {
        Self {
            id,
            history,
            arriving: Vec::new(),
            news: Vec::new(),
        }
    }
}

impl Registry {
    /// Stages what changes when these items become this: their own resources and, where they are new, the listings. What
    /// the record knows of their other versions is taken for true.
    ///
    /// The caller holds the source tree's lock.
    ///
    /// # Errors
    /// A namespace that is not declared; a full disk.
    pub fn stage_items(&self, changes: &[ItemChange], access: &Access) -> Result<Session<'_>> {
        let options = BuildOptions::default();
        let mut session = self.session()?;
        if !session.record().knows_the_lists()? {
            // Somebody took the record away, or a build was cut short: the lists are made of what it knows.
            drop(session);
            self.build_locked(
                &Scope::Everything,
                &|| Ok(access.clone()),
                &options,
                &|_| (),
            )?;
            session = self.session()?;
        }
        let context = self.context(&session, access, &options, &|| ());
        let works = changes
            .iter()
            .map(|change| self.work(&context, session.record(), change))
            .collect::<Result<Vec<_>>>()?;
        let make = |work: Work<'_>| work.make(&context);
        let all: Result<Vec<Made>> = match works.len() {
            ..=1 => works.into_iter().map(make).collect(),
            _ => works.into_par_iter().map(make).collect(),
        };
        let mut lists = Lists::of_items(access, changes.iter().map(|change| &change.id));
        for made in all? {
            lists.note(session.record(), &made)?;
            add(&mut session, made)?;
        }
        lists.stage(&context, &mut session, &mut Vec::new())?;
        for change in changes {
            for news in &change.news {
                session.announce(&change.id, news);
            }
        }
        Ok(session)
    }

    /// What a namespace takes up, by the last build of each of its items.
    ///
    /// The caller holds the source tree's lock.
    pub fn usage(&self, namespace: &Namespace) -> Result<Usage> {
        let session = self.session()?;
        let usage = session.record().usage(namespace)?;
        // What was counted need not be counted again.
        session.record().commit()?;
        Ok(usage)
    }

    /// Makes durable what was shown without a barrier, and what was done in the source tree.
    pub fn secure(&self) -> Result<()> {
        self.session()?.secure(&[self.source.root()])
    }

    fn work<'a>(
        &self,
        context: &Context<'_>,
        record: &Record,
        change: &'a ItemChange,
    ) -> Result<Work<'a>> {
        let ItemChange {
            id,
            history,
            arriving,
            ..
        } = change;
        let namespace = &id.namespace;
        let audience = context.rules.access.audience(namespace).ok_or_else(|| {
            Error::refused(
                self.source.namespace(namespace),
                "the access file does not declare this namespace",
            )
        })?;
        let seen = Seen::Named(self.source.versions(id)?);
        let history = Some(history.clone());
        Work::gather(
            context,
            record,
            id.clone(),
            audience,
            seen,
            history,
            arriving,
        )
    }
}
