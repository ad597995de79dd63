//! Makes every representation that a plan writes, in the staging folders, with its final mode and time. No reader sees
//! any of it. Works on any thread; what is staged is for the session to journal.

use jiff::Timestamp;

use super::make::{Maker, Origin};
use super::staging::Staging;
use super::{OutputSettings, modes};
use crate::coding::Coding;
use crate::error::{Error, Result};
use crate::folders::Checked;
use crate::model::Audience;
use crate::plan::key::{CacheClass, PublicKey};
use crate::plan::part::{Part, Recorded};
use crate::plan::row::{Published, Row};
use crate::plan::{Plan, Rows, Write};
use crate::render::{Body, Resource};

/// Says where the bytes of a resource are that is no document.
pub type FindBody<'a> = &'a dyn Fn(&Resource) -> Origin<'a>;

/// What stages parts.
#[derive(Debug, Clone, Copy)]
pub struct Stager<'a> {
    pub(super) folders: &'a Checked,
    pub(super) settings: &'a OutputSettings,
    /// Seconds since 1970.
    pub(super) now: i64,
    /// Stages nothing: it is only asked what would be done.
    pub(super) is_dry: bool,
}

/// A part whose new bytes are on disk, unseen.
#[derive(Debug)]
pub struct StagedPart {
    pub(super) part: Part,
    pub(super) before: Recorded,
    pub(super) after: Rows,
    pub(super) plan: Plan,
    pub(super) shown: Shown,
    pub(super) bytes: u64,
}

/// How what is staged of a part comes to be seen.
#[derive(Debug)]
pub(super) enum Shown {
    /// Nothing is staged.
    Nothing,
    /// A version that is nowhere yet: its folder, and those of its variants, in one piece each.
    Folder(Audience, Vec<Coding>),
    /// One by one, over what is there.
    Files(Audience, Vec<ShownFile>),
}

/// A resource that is shown by itself.
#[derive(Debug)]
pub(super) struct ShownFile {
    pub(super) key: PublicKey,
    pub(super) variants: Vec<Coding>,
    /// Variants that it has no longer.
    pub(super) stale: Vec<Coding>,
}

impl Shown {
    /// In which tree.
    pub(super) fn audience(&self) -> Option<Audience> {
        match self {
            Self::Nothing => None,
            Self::Folder(audience, _) | Self::Files(audience, _) => Some(*audience),
        }
    }
}

impl Stager<'_> {
    /// Stages what a plan writes of a part.
    ///
    /// # Errors
    /// A full disk; a source file that changed after it was loaded.
    pub fn stage(
        &self,
        part: Part,
        before: Recorded,
        plan: Plan,
        origin: FindBody<'_>,
    ) -> Result<StagedPart> {
        let mut after = self.remembered(&before, &plan);
        let mut files = Vec::new();
        let mut bytes = 0;
        let written = plan.writes.first().filter(|_| !self.is_dry);
        let audience = written.map(|write| write.resource.audience);
        if let Some(audience) = audience {
            let mut maker = Maker::new(
                Staging::of(self.folders, audience),
                &part,
                modes(audience),
                self.settings,
            );
            for write in &plan.writes {
                let (published, made) = self.stage_one(write, origin, &mut maker)?;
                bytes += made;
                files.push(ShownFile {
                    key: write.key.clone(),
                    variants: published.variants.clone(),
                    stale: stale(&write.row, before.is_certain(), &published),
                });
                let row = Row {
                    top: published.top(),
                    held_in: [audience].into(),
                    current: Some(published),
                    remembered: None,
                };
                after.insert(write.key.clone(), row);
            }
        }
        let shown = match audience {
            None => Shown::Nothing,
            Some(audience) if matches!(part, Part::Release(_)) && before.is_nowhere() => {
                let made =
                    |coding: &Coding| files.iter().any(|file| file.variants.contains(coding));
                Shown::Folder(audience, Coding::ALL.into_iter().filter(made).collect())
            }
            Some(audience) => Shown::Files(audience, files),
        };
        Ok(StagedPart {
            part,
            before,
            after,
            plan,
            shown,
            bytes,
        })
    }

    fn stage_one(
        &self,
        Write {
            key, resource, row, ..
        }: &Write,
        origin: FindBody<'_>,
        maker: &mut Maker<'_>,
    ) -> Result<(Published, u64)> {
        let made = match &resource.body {
            Body::Document(bytes) => maker.make(Origin::Bytes(bytes), key, resource.sha256)?,
            _ => maker.make(origin(resource), key, resource.sha256)?,
        };
        if made.sha256 != resource.sha256 {
            let path = key.to_string().into();
            let how = "changed while it was read".to_owned();
            return Err(Error::Changed { path, how });
        }
        let mut published = Published {
            audience: resource.audience,
            base: 0,
            sha256: resource.sha256,
            len: resource.len,
            variants: made.variants(),
            variants_hash: made.variants_hash,
            encodings: self.settings.encodings.clone(),
        };
        let since = resource.since.map_or(self.now, Timestamp::as_second);
        published.base = row.base_for(&published, since);
        let bytes = made.bytes;
        maker.finish(made, published.base)?;
        Ok((published, bytes))
    }

    /// The rows of what stays, and of what goes and is not to be forgotten.
    fn remembered(&self, before: &Recorded, plan: &Plan) -> Rows {
        let mut rows = plan.kept.clone();
        for removal in plan.gone() {
            if let Some(row) = before.rows.get(&removal.key) {
                let row = Row {
                    top: row.top,
                    remembered: row.current.clone().or_else(|| row.remembered.clone()),
                    ..Row::default()
                };
                rows.insert(removal.key.clone(), row);
            }
        }
        rows.retain(|key, row| {
            // The times of what never changes are its publish times, which may come again.
            let may_return = key.cache_class() == CacheClass::Immutable;
            !row.held_in.is_empty() || may_return || !row.is_forgettable(self.now)
        });
        rows
    }
}

/// Variants that may lie there and are none of the new ones.
fn stale(row: &Row, certain: bool, new: &Published) -> Vec<Coding> {
    let may_be_there = |coding: &Coding| match (certain, &row.current) {
        _ if row.held_in.is_empty() => false,
        (true, Some(current)) => current.variants.contains(coding),
        _ => true,
    };
    let mut codings = Coding::ALL.to_vec();
    codings.retain(|coding| may_be_there(coding) && !new.variants.contains(coding));
    codings
}
