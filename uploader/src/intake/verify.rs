//! The checks of a received archive, in the order of protocol.md, up to the question whether the version exists.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use rackgen::access::Access;
use rackgen::audit::{Attempt, By, Subject};
use rackgen::check::disagreements;
use rackgen::error::At;
use rackgen::error_code::ErrorCode;
use rackgen::model::manifest::MANIFEST_FILE;
use rackgen::model::{ContentDigest, FilePath, Manifest, Namespace, ReleaseId, StoredFile};
use rackgen::package::{Limits, UnpackError, Unpacked, unpack};
use rackgen::schema::{self, SchemaFault};
use serde_json::to_value;

use super::staging::Staging;
use crate::answer::Refusal;
use crate::auth::Caller;
use crate::auth::decide::{self, Deed};

/// A package that passed: what it will be, and what it holds.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) id: ReleaseId,
    pub(crate) by: By,
    pub(crate) digest: ContentDigest,
    pub(crate) manifest: StoredFile,
    pub(crate) files: BTreeMap<FilePath, StoredFile>,
}

/// Unpacks an archive into a staging folder and checks what came out. What it is found to be is noted in `attempt`, also
/// where it is refused.
pub(crate) fn verify(
    archive: &mut impl Read,
    staging: &Staging,
    access: &Access,
    caller: &Caller<'_>,
    limits: &Limits,
    attempt: &mut Attempt,
) -> Result<Verified, Refusal> {
    let unpacked = unpack_archive(archive, staging.contents(), limits)?;
    let manifest_path = staging.contents().join(MANIFEST_FILE);
    let stored = unpacked
        .manifest()
        .cloned()
        .ok_or_else(|| upload_failed("the archive has no `registry.json` at its root"))?;
    let files = unpacked.files;
    let text = fs::read(&manifest_path).at("read", &manifest_path)?;
    let identity = schema::identity(&text).map_err(upload_failed)?;
    let namespace: Namespace = identity
        .namespace
        .parse()
        .map_err(|_| decide::not_allowed(&identity.namespace))?;
    // What does not say rightly where it belongs is refused below; with what it is then, the writer asks again.
    let item = identity.item();
    let by = caller.by(Some(&namespace));
    attempt.by = Some(by.clone());
    attempt.item = Some(match &item {
        Some(item) => Subject::Item(item.clone()),
        None => Subject::Namespace(namespace.clone()),
    });
    attempt.version = identity.version.parse().ok();
    let digest = ContentDigest::of(files.iter().map(|(path, file)| (path, &file.sha256)));
    attempt.digest = Some(digest);
    let deed = item
        .as_ref()
        .map_or(Deed::PublishIn(&namespace), Deed::Publish);
    decide::decide(access, Some(caller), deed)?;
    let manifest = schema::check_manifest(&text).map_err(schema_failed)?;
    let id = manifest.release_id().map_err(upload_failed)?;
    refuse_disagreements(&manifest, &files)?;
    Ok(Verified {
        by,
        digest,
        id,
        manifest: stored,
        files,
    })
}

fn unpack_archive(
    archive: &mut impl Read,
    into: &Path,
    limits: &Limits,
) -> Result<Unpacked, Refusal> {
    match unpack(archive, into, limits) {
        Ok(unpacked) => Ok(unpacked),
        Err(UnpackError::Refused(fault)) => {
            let mut refusal =
                Refusal::new(fault.code(), &fault).detail("reason", fault.reason().as_str());
            if let Some(path) = fault.path() {
                refusal = refusal.detail("path", path);
            }
            Err(refusal)
        }
        Err(UnpackError::Source(cause)) => Err(cause).at("read the archive of", into)?,
        Err(UnpackError::Disk { path, source }) => Err(source).at("write", &path)?,
    }
}

fn upload_failed(why: impl ToString) -> Refusal {
    Refusal::new(ErrorCode::UploadFailed, why)
}

fn schema_failed(faults: Vec<SchemaFault>) -> Refusal {
    let message = match &faults[..] {
        [one] => format!("`registry.json` is not valid: {one}"),
        many => format!("`registry.json` is not valid, in {} places", many.len()),
    };
    Refusal::new(ErrorCode::SchemaValidationFailed, message)
        .detail("errors", to_value(&faults).unwrap_or_default())
}

/// The first one decides the code; all of one kind are named.
fn refuse_disagreements(
    manifest: &Manifest,
    files: &BTreeMap<FilePath, StoredFile>,
) -> Result<(), Refusal> {
    let found = disagreements(manifest, files.keys());
    let Some(first) = found.first() else {
        return Ok(());
    };
    let alike = found.iter().filter(|other| other.code() == first.code());
    let paths: Vec<String> = alike.map(|fault| fault.path().to_string()).collect();
    Err(Refusal::new(first.code(), first).detail("paths", paths))
}
