//! One version: what becomes of it, and its bytes. Works on any thread.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{Arriving, Context};
use crate::commit::make::Origin;
use crate::commit::record::KnownRelease;
use crate::commit::stage::StagedPart;
use crate::error::{Error, Result};
use crate::model::event::{Publication, VersionHistory};
use crate::model::{
    Audience, Change, ContentDigest, Event, FilePath, History, ItemId, Release, ReleaseId,
    StoredFile, Version,
};
use crate::plan::Plan;
use crate::plan::key::PublicKey;
use crate::plan::part::{Part, Recorded};
use crate::render::{self, Body, Resources};
use crate::report::Problem;
use crate::source::file_in;
use crate::source::load::Loaded;
use crate::source::signature::Sight;

/// What is to become of a version.
#[derive(Debug)]
pub(super) enum Fate<'a> {
    /// It stands as it is to: nothing in its folder changed.
    Stands(KnownRelease),
    /// Its folder is to be read.
    Load(Before),
    /// It just came in, and its folder is not yet where it will be.
    Arriving(Recorded, &'a Arriving),
    /// Something is wrong with its folder: what is served of it stays.
    Kept(Before, Problem),
    /// Nothing can be known of its item: likewise.
    Left(Before),
    /// It is not served any longer.
    Gone(Recorded, Option<Problem>),
}

/// What is remembered of a version that may stay as it is.
#[derive(Debug, Default)]
pub(super) struct Before {
    pub(super) recorded: Recorded,
    /// What the build that read it knew.
    pub(super) known: Option<KnownRelease>,
}

/// What came of a version.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) version: Version,
    /// What it is, if it is served, and the folder that it was read from; none where it stands in the tree.
    pub(super) served: Option<(Release, Option<PathBuf>)>,
    /// What its folder looks like, if it was read.
    pub(super) sight: Option<Sight>,
    pub(super) staged: Option<StagedPart>,
    /// What the record is to know of it from now on.
    pub(super) known: Option<KnownRelease>,
    /// What an admin accepted.
    pub(super) accepted: Option<Event>,
    pub(super) problems: Vec<Problem>,
}

/// One version on its way.
struct Making<'c> {
    context: &'c Context<'c>,
    id: ReleaseId,
    history: VersionHistory,
    audience: Audience,
}

impl Fate<'_> {
    /// Makes all that has to be made of it.
    pub(super) fn make(
        self,
        context: &Context<'_>,
        item: &ItemId,
        version: Version,
        history: &History,
        audience: Audience,
    ) -> Result<Made> {
        let making = Making {
            context,
            history: history.of(&version),
            id: item.release(version),
            audience,
        };
        match self {
            Self::Stands(known) => Ok(making.stands(known)),
            Self::Load(before) => making.load(before),
            Self::Arriving(recorded, arriving) => making.arrives(recorded, arriving),
            Self::Kept(before, problem) => making.keep(before, vec![problem]),
            Self::Left(before) => making.keep(before, Vec::new()),
            Self::Gone(recorded, problem) => making.goes(recorded, problem.into_iter().collect()),
        }
    }
}

impl Making<'_> {
    fn stands(&self, known: KnownRelease) -> Made {
        let release = self.release(known.digest, known.manifest, known.youngest);
        Made {
            served: Some((release, None)),
            ..self.nothing(Vec::new())
        }
    }

    fn load(mut self, before: Before) -> Result<Made> {
        let loaded = match self.context.source.load_release(&self.id) {
            Ok(loaded) => loaded,
            Err(problems) => return self.keep(before, problems),
        };
        let accepted = match &self.history.published {
            Some(published) if published.digest != loaded.digest => {
                let Some(by) = self.context.accepted_by else {
                    let problem =
                        self.differs(published.time, &published.digest, &loaded, &before.recorded);
                    return self.keep(before, vec![problem]);
                };
                Some(self.accept(loaded.digest, by))
            }
            _ => None,
        };
        let folder = self.context.source.release(&self.id);
        let lasting = self.context.lasting(loaded.sight, self.audience);
        let known = KnownRelease {
            sight: lasting.filter(|_| loaded.problems.is_empty()),
            digest: loaded.digest,
            manifest: loaded.manifest.clone(),
            youngest: loaded.youngest,
        };
        // What was too large to keep is read once more, and whoever copies it there may still be at it.
        let again = (loaded.bytes.len() < loaded.files.len()).then(|| before.recorded.clone());
        let arranged = self.arrange(
            before.recorded,
            &loaded.files,
            known,
            &folder,
            &loaded.bytes,
        );
        let mut made = match (arranged, again) {
            (Err(Error::Changed { how, .. }), Some(recorded)) => {
                let why = format!("a file in it {how}; the next build looks again");
                let known = before.known;
                let before = Before { recorded, known };
                return self.keep(before, vec![Problem::refused(folder, why)]);
            }
            (arranged, _) => arranged?,
        };
        made.sight = Some(loaded.sight);
        made.problems = loaded.problems;
        made.accepted = accepted;
        Ok(made)
    }

    /// What it holds is what was published, from this moment on.
    fn accept(&mut self, digest: ContentDigest, by: &str) -> Event {
        let time = Timestamp::now();
        let archive = None;
        self.history.published = Some(Publication {
            time,
            digest,
            archive,
        });
        let version = self.id.version.clone();
        Event {
            change: Change::Publish {
                version,
                digest,
                archive,
            },
            time,
            by: by.to_owned(),
        }
    }

    fn arrives(&self, recorded: Recorded, arriving: &Arriving) -> Result<Made> {
        let folder = &arriving.folder;
        let sight = self.context.source.sight(folder)?;
        let known = KnownRelease {
            // Nobody but us has had a hand in it yet, so the next change will show.
            sight: Some(self.context.circumstances(sight.signature, self.audience)),
            digest: arriving.digest,
            manifest: arriving.manifest.clone(),
            youngest: Timestamp::now(),
        };
        self.arrange(recorded, &arriving.files, known, folder, &BTreeMap::new())
    }

    /// Plans and stages what the trees are to hold of it.
    fn arrange(
        &self,
        recorded: Recorded,
        files: &BTreeMap<FilePath, StoredFile>,
        known: KnownRelease,
        folder: &Path,
        bytes: &BTreeMap<FilePath, Vec<u8>>,
    ) -> Result<Made> {
        let release = self.release(known.digest, known.manifest.clone(), known.youngest);
        let wanted = render::release(&self.id, files, release.published, self.audience);
        let plan = Plan::between(wanted, &recorded, self.context.rules);
        let part = Part::Release(self.id.clone());
        let staged = self.context.stage(part, recorded, plan, &|resource| {
            let Body::Release(_, file) = &resource.body else {
                return Origin::Bytes(&[]);
            };
            match bytes.get(file) {
                Some(bytes) => Origin::Bytes(bytes),
                None => Origin::File(file_in(folder, file), resource.len),
            }
        })?;
        Ok(Made {
            served: Some((release, Some(folder.to_owned()))),
            staged,
            known: Some(known),
            ..self.nothing(Vec::new())
        })
    }

    /// What cannot be served as it is now stays as it was, if it is sure to stand there and is what was published.
    fn keep(&self, before: Before, problems: Vec<Problem>) -> Result<Made> {
        let Before { recorded, known } = before;
        let files: BTreeMap<&FilePath, _> = standing_files(&recorded).collect();
        let digest = ContentDigest::of(files.iter().map(|(path, there)| (*path, &there.sha256)));
        let manifest = recorded
            .rows
            .get(&PublicKey::Manifest(self.id.clone()))
            .and_then(|row| row.current.as_ref());
        let published = self.history.published.as_ref();
        match manifest {
            Some(there)
                if recorded.stands_for(self.audience)
                    && published.is_none_or(|published| published.digest == digest) =>
            {
                let manifest = StoredFile {
                    sha256: there.sha256,
                    len: there.len,
                };
                let youngest = known.filter(|known| known.digest == digest).map_or_else(
                    || Timestamp::from_second(there.base).unwrap_or_default(),
                    |known| known.youngest,
                );
                Ok(Made {
                    served: Some((self.release(digest, manifest, youngest), None)),
                    ..self.nothing(problems)
                })
            }
            _ => self.goes(recorded, problems),
        }
    }

    fn goes(&self, recorded: Recorded, problems: Vec<Problem>) -> Result<Made> {
        let plan = Plan::between(Resources::new(), &recorded, self.context.rules);
        let part = Part::Release(self.id.clone());
        let staged = self
            .context
            .stage(part, recorded, plan, &|_| Origin::Bytes(&[]))?;
        Ok(Made {
            staged,
            ..self.nothing(problems)
        })
    }

    fn nothing(&self, problems: Vec<Problem>) -> Made {
        Made {
            version: self.id.version.clone(),
            served: None,
            sight: None,
            staged: None,
            known: None,
            accepted: None,
            problems,
        }
    }

    fn release(&self, digest: ContentDigest, manifest: StoredFile, youngest: Timestamp) -> Release {
        let VersionHistory {
            published,
            yanked,
            deprecated,
            ..
        } = self.history.clone();
        Release {
            published: published
                .as_ref()
                .map_or(youngest, |published| published.time),
            digest,
            archive: published.and_then(|published| published.archive),
            yanked,
            deprecated,
            manifest,
        }
    }

    /// Says which files are not those that were published, as far as the trees still tell.
    fn differs(
        &self,
        time: Timestamp,
        published: &ContentDigest,
        loaded: &Loaded,
        recorded: &Recorded,
    ) -> Problem {
        let before: BTreeMap<_, _> = standing_files(recorded)
            .map(|(path, there)| (path, there.sha256))
            .collect();
        let after: BTreeMap<_, _> = loaded
            .files
            .iter()
            .map(|(path, file)| (path, file.sha256))
            .collect();
        let mut files = Vec::new();
        if ContentDigest::of(before.iter().map(|(path, sha256)| (*path, sha256))) == *published {
            for (path, old) in &before {
                match after.get(path) {
                    None => files.push(format!("`{path}` is missing (it was {old})")),
                    Some(new) if new != old => {
                        files.push(format!("`{path}` is {new}, it was {old}"));
                    }
                    Some(_) => {}
                }
            }
            let added = after.keys().filter(|path| !before.contains_key(*path));
            files.extend(added.map(|path| format!("`{path}` was added")));
        }
        let which = match files.is_empty() {
            true => String::new(),
            false => format!(": {}", files.join(", ")),
        };
        let why = format!(
            "its files are not those that were published at {time:.0}{which}. Their digest is {}, that of the publish \
             is {published}. Bring them back, publish a new version, or accept them with `rackgen build --accept-changes`",
            loaded.digest
        );
        Problem::refused(self.context.source.release(&self.id), why)
    }
}

/// The files of a version that the trees hold.
fn standing_files(
    recorded: &Recorded,
) -> impl Iterator<Item = (&FilePath, &crate::plan::row::Published)> {
    recorded.rows.iter().filter_map(|(key, row)| match key {
        PublicKey::File(_, path) => row.current.as_ref().map(|there| (path, there)),
        _ => None,
    })
}
