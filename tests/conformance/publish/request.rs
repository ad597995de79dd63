//! The request: its fields, their types and order, the checksum.

use rack_tests::http::Request;
use rack_tests::package::Archive;
use serde_json::json;

use super::{ask, right, upload};
use crate::expect::Expect;
use crate::suite::{Suite, unless};

const TYPES: [&str; 6] = [
    "application/gzip",
    "application/x-gzip",
    "application/x-tar",
    "application/x-compressed",
    "application/zstd",
    "application/octet-stream",
];

/// Runs the cases.
pub(super) fn run(suite: &mut Suite) {
    let bad = |code| Expect::error(400, code);
    let created = Expect::status(201);
    for (name, upload, expect) in [
        (
            "no file part",
            right(suite).without_file(),
            bad("MISSING_FILE"),
        ),
        (
            "no checksum",
            right(suite).without_checksum(),
            bad("MISSING_CHECKSUM"),
        ),
        (
            "no fields at all",
            right(suite).without_file().without_checksum(),
            bad("MISSING_FILE"),
        ),
        (
            "the checksum in front",
            right(suite).checksum_first(),
            created.clone(),
        ),
        (
            "a file part called file",
            right(suite).part_name("file"),
            created.clone(),
        ),
        (
            "a file part called anything",
            right(suite).part_name("x-1"),
            created.clone(),
        ),
        (
            "a file part of type text/plain",
            right(suite).part_type("text/plain"),
            bad("INVALID_FILE_TYPE"),
        ),
        (
            "a file part of type application/zip",
            right(suite).part_type("application/zip"),
            bad("INVALID_FILE_TYPE"),
        ),
        (
            "a checksum that is no digest",
            right(suite).checksum("not a digest"),
            bad("CHECKSUM_MISMATCH"),
        ),
    ] {
        ask(suite, name, &upload, &expect);
    }
    for media_type in TYPES {
        let upload = right(suite).part_type(media_type);
        ask(
            suite,
            &format!("a file part of type {media_type}"),
            &upload,
            &created,
        );
    }
    mismatch(suite);
    let admin = suite.target().admin.clone();
    let no_form = Request::new("POST", "/registries")
        .bearer(&admin)
        .json(&json!({}));
    suite.ask(
        "publish: a body that is no form",
        &no_form,
        &Expect::status(400),
    );
}

/// The answer to a wrong checksum has both, so that a person can see which one is the client's.
fn mismatch(suite: &mut Suite) {
    let release = suite.fresh("@drop");
    let sent = Archive::of(b"something else".to_vec()).sha256;
    let upload = upload(suite, &release).checksum(&sent);
    let expect = Expect::error(400, "CHECKSUM_MISMATCH");
    let answer = ask(suite, "the checksum of something else", &upload, &expect);
    if let Some(answer) = answer {
        suite.check("publish: a mismatch shows both checksums", |_| {
            let body = answer.json();
            let has = |key: &str| body[key].as_str().is_some_and(|digest| digest.len() == 64);
            let names_ours = body["expected"] == sent || body["actual"] == sent;
            let fine = has("expected") && has("actual") && names_ours;
            Ok(unless(fine, || format!("got {body}")))
        });
    }
}
