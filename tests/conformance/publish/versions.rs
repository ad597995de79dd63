//! A version is there once: the same content again, other content, and twins that differ in build metadata.

use rack_tests::http::Request;
use rack_tests::multipart::Upload;
use rack_tests::package::{Archive, gzip, tar, zstd};
use serde_json::json;

use super::{ask, publish, upload};
use crate::expect::Expect;
use crate::suite::{Suite, unless};

/// Runs the cases.
pub(super) fn run(suite: &mut Suite) {
    let exists = Expect::error(409, "VERSION_EXISTS");
    let identical = exists.clone().json_has(json!({ "identical": true }));
    let release = suite.fresh("@drop");
    publish(suite, &release);
    for coding in ["gzip", "zstd"] {
        let tar = tar(release.entries(), &mut suite.random);
        let bytes = match coding {
            "gzip" => gzip(&tar, &mut suite.random),
            _ => zstd(&tar),
        };
        let again = Upload::new(Archive::of(bytes));
        ask(
            suite,
            &format!("the same files again, as {coding}"),
            &again,
            &identical,
        );
    }
    let other_file = suite.fresh("@drop");
    publish(suite, &other_file);
    let other_file = other_file.file("more.txt", "more");
    for (name, other) in [
        (
            "other words in the manifest",
            release.clone().with("description", "other"),
        ),
        ("a file more", other_file),
    ] {
        let upload = upload(suite, &other);
        if let Some(answer) = ask(
            suite,
            &format!("the same version with {name}"),
            &upload,
            &exists,
        ) {
            suite.check(&format!("publish: {name} are not identical"), |_| {
                let body = answer.json();
                let claims = body["identical"] == json!(true);
                Ok(unless(!claims, || format!("got {body}")))
            });
        }
    }
    twins(suite, &exists);
    dry_run(suite, &identical);
}

fn twins(suite: &mut Suite, exists: &Expect) {
    let created = Expect::status(201);
    let release = suite.fresh("@drop");
    for (name, version, expect) in [
        ("a version with build metadata", "1.0.0+build.42", &created),
        ("its twin without", "1.0.0", exists),
        (
            "its twin with other build metadata",
            "1.0.0+build.43",
            exists,
        ),
        ("a prerelease is no twin", "1.0.0-rc.1", &created),
        ("its twin is one", "1.0.0-rc.1+build.1", exists),
        ("the next version", "1.0.1", &created),
        ("the twin of that, with", "1.0.1+build.1", exists),
    ] {
        let upload = upload(suite, &release.clone().with("version", version));
        ask(suite, name, &upload, expect);
    }
}

/// Every check, and nothing stored.
fn dry_run(suite: &mut Suite, identical: &Expect) {
    let release = suite.fresh("@drop");
    let dry = upload(suite, &release).dry_run();
    let nothing = Expect::error(404, "NOT_FOUND");
    ask(suite, "a dry run", &dry, &Expect::status(200));
    for url in [release.url(), release.item_url()] {
        let request = Request::get(&url);
        suite.ask("publish: a dry run stores nothing", &request, &nothing);
    }
    publish(suite, &release);
    let dry = upload(suite, &release).dry_run();
    ask(suite, "a dry run of what is there", &dry, identical);
}
