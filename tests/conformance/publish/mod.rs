//! `POST /registries` (protocol.md, "Publishing").

mod archives;
mod credentials;
mod manifests;
mod order;
mod readable;
mod request;
mod versions;

use rack_tests::http::Response;
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::release::Release;

use crate::expect::Expect;
use crate::suite::Suite;

/// Runs every case of a publish.
pub(crate) fn run(suite: &mut Suite) {
    request::run(suite);
    credentials::run(suite);
    archives::run(suite);
    manifests::run(suite);
    order::run(suite);
    versions::run(suite);
    readable::run(suite);
}

/// The release, freshly packed.
fn upload(suite: &mut Suite, release: &Release) -> Upload {
    Upload::new(Archive::pack(release, &mut suite.random))
}

/// An upload that is right, of an item that nobody has seen yet.
pub(crate) fn right(suite: &mut Suite) -> Upload {
    let release = suite.fresh("@drop");
    upload(suite, &release)
}

/// Publishes as the admin.
fn ask(suite: &mut Suite, name: &str, upload: &Upload, expect: &Expect) -> Option<Response> {
    let admin = suite.target().admin.clone();
    ask_as(suite, name, upload, &admin, expect)
}

/// Publishes with a token.
fn ask_as(
    suite: &mut Suite,
    name: &str,
    upload: &Upload,
    token: &str,
    expect: &Expect,
) -> Option<Response> {
    suite.ask(
        &format!("publish: {name}"),
        &upload.request().bearer(token),
        expect,
    )
}

/// Has a release published that a later case needs.
pub(crate) fn publish(suite: &mut Suite, release: &Release) {
    let upload = upload(suite, release);
    ask(
        suite,
        &format!("{} for later", release.address()),
        &upload,
        &Expect::status(201),
    );
}
