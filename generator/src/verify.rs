//! Hashes everything: the source tree against its events, the trees against the record. Names what is changed, missing
//! or extra, and changes nothing.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rayon::prelude::*;
use serde::Serialize;

use crate::build::Registry;
use crate::commit::make::combine;
use crate::commit::record::Record;
use crate::commit::{ROOTS, addressed, representation, root};
use crate::compress::decoder;
use crate::error::Result;
use crate::hashing;
use crate::model::{Audience, ItemId, ReleaseId, StoredFile};
use crate::plan::key::PublicKey;
use crate::plan::part::{Part, Recorded};
use crate::plan::row::Published;
use crate::report::Problem;
use crate::source::below::Below;

/// What was looked at, and what is not as it should be.
#[derive(Debug, Default, Serialize)]
pub struct Verified {
    /// Versions of the source tree.
    pub releases: usize,
    /// URLs of the trees.
    pub resources: usize,
    /// What is changed, missing or extra.
    pub problems: Vec<Problem>,
}

/// Told after each part that was looked at, of how many.
pub type Progress<'a> = &'a (dyn Fn(usize) + Sync);

/// What brings back what was made of the source tree.
const AGAIN: &str = "`rackgen build --full` makes it again";

/// Parts whose rows are in memory at once.
const BATCH: usize = 256;

impl Registry {
    /// Hashes source and trees. Holds all locks, so that nothing changes meanwhile.
    pub fn verify(&self, progress: Progress<'_>) -> Result<Verified> {
        let _lock = self.lock_source()?;
        let session = self.look_only()?;
        let record = session.record();
        let mut verified = Verified::default();
        self.verify_source(&mut verified)?;
        let parts = record.parts_of_all()?;
        for batch in parts.chunks(BATCH) {
            let recorded: Vec<(&Part, Recorded)> = batch
                .iter()
                .map(|part| Ok((part, record.recorded(part)?)))
                .collect::<Result<_>>()?;
            let looked: Vec<(usize, Vec<Problem>)> = recorded
                .into_par_iter()
                .map(|(part, recorded)| {
                    progress(parts.len());
                    self.verify_part(part, &recorded)
                })
                .collect();
            for (resources, problems) in looked {
                verified.resources += resources;
                verified.problems.extend(problems);
            }
        }
        if verified.resources == 0 && verified.releases > 0 {
            let why =
                "missing: nothing of the source tree was built yet; `rackgen build` does that";
            let problem = Problem::refused(&self.folders().public, why);
            verified.problems.push(problem);
        }
        for audience in Audience::ALL {
            self.find_extra(record, audience, &mut verified.problems)?;
        }
        verified.problems.sort();
        Ok(verified)
    }

    /// Every version against its publish event.
    fn verify_source(&self, verified: &mut Verified) -> Result<()> {
        let source = self.source();
        for namespace in source.namespaces(&mut verified.problems)? {
            let survey = source.survey(&Below::Namespace(namespace), &|_| false);
            verified.problems.extend(survey.problems);
            for (id, seen) in survey.items {
                let here = seen.versions().into_iter();
                let here: Vec<_> = here.map(|version| id.release(version.clone())).collect();
                verified.releases += here.len();
                let found = self.verify_item(&id, &here);
                verified.problems.extend(found);
            }
        }
        Ok(())
    }

    fn verify_item(&self, id: &ItemId, here: &[ReleaseId]) -> Vec<Problem> {
        let source = self.source();
        let history = match source.history(id) {
            Ok(history) => history,
            Err(error) => return vec![Problem::refused(source.item(id), error)],
        };
        let mut problems: Vec<Problem> = here
            .par_iter()
            .flat_map_iter(|release| {
                let of = history.of(&release.version);
                let folder = source.release(release);
                match source.load_release(release) {
                    Err(problems) => problems,
                    Ok(_) if of.removed.is_some() => {
                        vec![Problem::refused(folder, "extra: it was removed for good")]
                    }
                    Ok(loaded) => {
                        let published = of.published.map(|published| published.digest);
                        let changed = published.filter(|digest| *digest != loaded.digest);
                        let mut problems = loaded.problems;
                        problems.extend(changed.map(|digest| {
                            let why = format!(
                                "changed: its digest is {}, that of its publish is {digest}",
                                loaded.digest
                            );
                            Problem::refused(folder, why)
                        }));
                        problems
                    }
                }
            })
            .collect();
        let folders: BTreeSet<_> = here.iter().map(|release| &release.version).collect();
        let gone = history
            .published()
            .filter(|version| !folders.contains(version) && history.of(version).removed.is_none());
        problems.extend(gone.map(|version| {
            let folder = source.release(&id.release(version.clone()));
            Problem::refused(folder, "missing: it was published, and its folder is gone")
        }));
        problems
    }

    /// Every representation of a part against what the record says of it.
    fn verify_part(&self, part: &Part, recorded: &Recorded) -> (usize, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut resources = 0;
        for (key, row) in &recorded.rows {
            let Some(there) = &row.current else { continue };
            resources += 1;
            let tree = self.folders().tree(there.audience);
            if let Err((path, why)) = verify_resource(tree, key, there) {
                problems.push(Problem::refused(path, why));
            }
        }
        if !recorded.settled && !recorded.is_nowhere() {
            let path = match part {
                Part::Release(id) => id.to_string(),
                Part::Item(id) => id.to_string(),
                Part::Alone(key) => key.to_string(),
            };
            let why = "unsettled: what the disk holds of it is not certain, since a build was cut short, or a hand changed a \
                       tree or the record; `rackgen build` settles it";
            problems.push(Problem::refused(path, why));
        }
        (resources, problems)
    }

    /// What lies where a URL would find it, and the record does not know of.
    fn find_extra(
        &self,
        record: &Record,
        audience: Audience,
        problems: &mut Vec<Problem>,
    ) -> Result<()> {
        let tree = self.folders().tree(audience);
        let mut last: Option<(Part, Recorded)> = None;
        for coding in ROOTS {
            let root = root(tree, coding);
            if !root.is_dir() {
                continue;
            }
            for file in addressed(&root) {
                let (entry, key) = file?;
                let part = key.part();
                if last.as_ref().is_none_or(|(known, _)| *known != part) {
                    let recorded = record.recorded(&part)?;
                    last = Some((part, recorded));
                }
                let rows = last.as_ref().map(|(_, recorded)| &recorded.rows);
                let there = rows.and_then(|rows| rows.get(&key)?.current.as_ref());
                let is_known = there.is_some_and(|there| {
                    there.audience == audience
                        && coding.is_none_or(|coding| there.variants.contains(&coding))
                });
                if !is_known {
                    let why = "extra: no build put it there; `rackgen build` leaves it, remove it by hand";
                    problems.push(Problem::refused(entry.path(), why));
                }
            }
        }
        Ok(())
    }
}

/// The identity and the variants: there, with the bytes and the times that they are to have.
fn verify_resource(
    tree: &Path,
    key: &PublicKey,
    there: &Published,
) -> Result<(), (PathBuf, String)> {
    let identity = representation(tree, key, None);
    let original = StoredFile {
        sha256: there.sha256,
        len: there.len,
    };
    let found = examine(&identity, there.base, hashing::read)?;
    if found != original {
        let why = format!(
            "changed: its SHA-256 is {}, it was {}; {AGAIN}",
            found.sha256, there.sha256
        );
        return Err((identity, why));
    }
    let mut hashes = Vec::new();
    for coding in &there.variants {
        let path = representation(tree, key, Some(*coding));
        let time = there.base + coding.mtime_offset();
        let decoded = examine(&path, time, |file| {
            // No more than shows that it is something else.
            let decoded = decoder(*coding, file).map(|from| from.take(there.len + 1));
            Ok(decoded.and_then(hashing::read).ok())
        })?;
        if decoded != Some(original.clone()) {
            return Err((
                path,
                format!("changed: it does not decode to the original; {AGAIN}"),
            ));
        }
        hashes.push(examine(&path, time, |_| hashing::blake3_of(&path))?);
    }
    match combine(hashes.into_iter()) == there.variants_hash {
        true => Ok(()),
        false => Err((
            identity,
            format!("changed: its variants are others than were made; {AGAIN}"),
        )),
    }
}

/// Looks into a file that has the time that it is to have; in pieces, since it may be large.
fn examine<T>(
    path: &Path,
    time: i64,
    look: impl FnOnce(File) -> io::Result<T>,
) -> Result<T, (PathBuf, String)> {
    let refuse = |why: String| (path.to_owned(), why);
    let found = fs::symlink_metadata(path).map_err(|cause| match cause.kind() {
        ErrorKind::NotFound => refuse(format!("missing; {AGAIN}")),
        _ => refuse(format!("it cannot be read: {cause}")),
    })?;
    let written = found
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    if written.and_then(|since| i64::try_from(since.as_secs()).ok()) != Some(time) {
        return Err(refuse(format!(
            "changed: its modification time is not the {time} that its ETag is made of; {AGAIN}"
        )));
    }
    File::open(path)
        .and_then(look)
        .map_err(|cause| refuse(format!("it cannot be read: {cause}")))
}
