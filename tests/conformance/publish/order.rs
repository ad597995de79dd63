//! The order of the checks: when several things are wrong, the first one decides the code.

use rack_tests::multipart::Upload;
use rack_tests::package::{Archive, gzip, tar_and};
use rack_tests::release::Release;
use serde_json::json;
use tar::EntryType;

use super::{ask_as, publish, upload};
use crate::expect::Expect;
use crate::seed::{OTHER_PUBLISH, TEAM_EXPIRED, TEAM_PUBLISH, TEAM_READ};
use crate::suite::Suite;

/// Each case has the fault of its name, and those of all the cases below it that can be had at the same time.
pub(super) fn run(suite: &mut Suite) {
    let existing = suite.fresh("@team");
    publish(suite, &existing);
    let undeclared_file = existing.clone().undeclared("extra.txt", "x");
    let bad_schema = undeclared_file.clone().with("colour", "blue");
    let elsewhere = move_to(&bad_schema, "@nowhere");
    let no_version = elsewhere.clone().with("version", json!(null));
    let missing_file = existing.clone().declared("missing.txt");

    let tar = tar_and(&no_version, "link", EntryType::Symlink, &mut suite.random);
    let hostile = Upload::new(Archive::of(gzip(&tar, &mut suite.random)));
    let broken = Upload::new(Archive::of(b"no archive".to_vec()));
    let bad_checksum = broken.clone().checksum("0");
    let bad_type = broken.clone().part_type("text/plain").without_checksum();
    let no_file = broken.clone().without_file().without_checksum();

    let bad = |code| Expect::error(400, code);
    let invalid = Expect::error(401, "INVALID_TOKEN");
    let permission = Expect::error(403, "INSUFFICIENT_PERMISSIONS");
    let cases = [
        (
            "an unknown token",
            no_file.clone(),
            "unknown",
            invalid.clone(),
        ),
        (
            "an expired token",
            no_file.clone(),
            TEAM_EXPIRED,
            Expect::error(401, "TOKEN_EXPIRED"),
        ),
        // Before anything of the body is looked at.
        (
            "a token that can publish nowhere",
            no_file.clone(),
            TEAM_READ,
            permission,
        ),
        ("no file part", no_file, OTHER_PUBLISH, bad("MISSING_FILE")),
        (
            "a wrong type",
            bad_type,
            OTHER_PUBLISH,
            bad("INVALID_FILE_TYPE"),
        ),
        (
            "no checksum",
            broken.without_checksum(),
            OTHER_PUBLISH,
            bad("MISSING_CHECKSUM"),
        ),
        (
            "a wrong checksum",
            bad_checksum,
            OTHER_PUBLISH,
            bad("CHECKSUM_MISMATCH"),
        ),
        (
            "an unsafe entry",
            hostile,
            OTHER_PUBLISH,
            bad("UNSAFE_FILE"),
        ),
        (
            "no version",
            upload(suite, &no_version),
            OTHER_PUBLISH,
            bad("UPLOAD_FAILED"),
        ),
        (
            "an undeclared namespace",
            upload(suite, &elsewhere),
            OTHER_PUBLISH,
            Expect::error(403, "NAMESPACE_NOT_ALLOWED"),
        ),
        (
            "a token of another namespace",
            upload(suite, &bad_schema),
            OTHER_PUBLISH,
            invalid,
        ),
        (
            "a fault of the schema",
            upload(suite, &bad_schema),
            TEAM_PUBLISH,
            bad("SCHEMA_VALIDATION_FAILED"),
        ),
        (
            "an undeclared file",
            upload(suite, &undeclared_file),
            TEAM_PUBLISH,
            bad("UNDECLARED_FILE"),
        ),
        (
            "a missing file",
            upload(suite, &missing_file),
            TEAM_PUBLISH,
            bad("FILE_NOT_FOUND"),
        ),
        (
            "the version is there",
            upload(suite, &existing),
            TEAM_PUBLISH,
            Expect::error(409, "VERSION_EXISTS"),
        ),
    ];
    for (name, upload, token, expect) in cases {
        ask_as(
            suite,
            &format!("{name} comes first"),
            &upload,
            token,
            &expect,
        );
        let name = format!("{name} comes first in a dry run too");
        ask_as(suite, &name, &upload.dry_run(), token, &expect);
    }
}

fn move_to(release: &Release, namespace: &str) -> Release {
    release.clone().with("namespace", namespace)
}
