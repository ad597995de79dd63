//! Variants (protocol.md, "Reading"): every spelling of `Accept-Encoding` that matters, on resources of every kind.

use std::collections::BTreeSet;

use rack_tests::coding::decode;
use rack_tests::http::Request;

use crate::expect::Expect;
use crate::pass::Pass;
use crate::seed::TEAM_READ;
use crate::suite::{Suite, unless};

/// What clients write, and the coding that they get if there is one.
const SPELLINGS: [(Option<&str>, Option<&str>); 20] = [
    (None, None),
    (Some(""), None),
    (Some("gzip"), Some("gzip")),
    (Some("br"), Some("br")),
    (Some("zstd"), Some("zstd")),
    (Some("zstd, br, gzip"), Some("br")),
    (Some("GZIP"), Some("gzip")),
    (Some("gzip; q=0.5"), Some("gzip")),
    (Some("br;q=0, gzip"), Some("gzip")),
    (Some("br;q=0.000"), None),
    (Some("gzip;q=0"), None),
    (Some("identity"), None),
    (Some("*"), None),
    (Some("xbr, brr"), None),
    (Some("br , gzip;q=1.0"), Some("br")),
    (Some("deflate"), None),
    (Some("gzip, deflate"), Some("gzip")),
    (Some("gzip;q=1.0, zstd;q=0.1"), Some("zstd")),
    (Some("gzip, deflate, br, zstd"), Some("br")),
    (Some("identity;q=0, gzip;q=0"), None),
];

/// What is asked for.
pub(crate) struct Resource {
    pub(crate) path: &'static str,
    /// Whether it is text of 256 bytes or more.
    pub(crate) has_variants: bool,
    token: Option<&'static str>,
}

impl Resource {
    const fn new(path: &'static str, has_variants: bool) -> Self {
        Self {
            path,
            has_variants,
            token: None,
        }
    }

    const fn gated(path: &'static str) -> Self {
        Self {
            path,
            has_variants: true,
            token: Some(TEAM_READ),
        }
    }

    /// A GET, with credentials where they are needed.
    pub(crate) fn get(&self, accept_encoding: Option<&str>) -> Request {
        let mut request = Request::get(self.path);
        if let Some(token) = self.token {
            request = request.bearer(token);
        }
        match accept_encoding {
            Some(codings) => request.header("Accept-Encoding", codings),
            None => request,
        }
    }
}

/// Documents and files, public and gated, with variants and without.
static RESOURCES: [Resource; 11] = [
    Resource::new("/registries/@open/quality/lint", true),
    Resource::new("/registries/@open/quality/lint/1.0.0", true),
    Resource::new(
        "/registries/@open/testing/sizes/1.0.0/files/large.txt",
        true,
    ),
    Resource::new("/registries/@open/testing/sizes/1.0.0/files/edge.txt", true),
    Resource::new(
        "/registries/@open/testing/sizes/1.0.0/files/below.txt",
        false,
    ),
    Resource::new("/presets/starter", true),
    Resource::new("/schemas/registry-item.json", true),
    Resource::new("/namespaces", false),
    Resource::gated("/registries/@team/features/secret/1.0.0"),
    Resource::new("/registries/@open/features/tagged/tags/beta", true),
    Resource::gated("/registries/@team/features/tagged/tags/stable"),
];

/// Text that does not get smaller, and what is no text.
const NEVER: [&str; 4] = ["empty.txt", "noise.txt", "noise.png", "zeros.bin"];

/// The resources that are there in this pass.
pub(crate) fn resources(suite: &Suite) -> impl Iterator<Item = &'static Resource> + use<> {
    let alone = suite.target().pass == Pass::NginxAlone;
    let is_there = move |resource: &&Resource| !alone || resource.token.is_none();
    RESOURCES.iter().filter(is_there)
}

/// Runs the matrix.
pub(crate) fn run(suite: &mut Suite) {
    for resource in resources(suite) {
        for (spelling, coding) in SPELLINGS {
            let coding = coding.filter(|_| resource.has_variants);
            ask(suite, resource, spelling, coding);
        }
        tags_differ(suite, resource);
    }
    for name in NEVER {
        let request = Request::get(&format!(
            "/registries/@open/testing/sizes/1.0.0/files/{name}"
        ))
        .header("Accept-Encoding", "br, gzip, zstd");
        let expect = Expect::status(200).no_header("Content-Encoding");
        suite.ask(
            &format!("codings: {name} has no variants"),
            &request,
            &expect,
        );
    }
    let request = Request::get("/registries/@open/build/names/1.0.0/files/data.json.gz")
        .header("Accept-Encoding", "gzip");
    let expect = Expect::status(200)
        .header("Content-Type", "application/octet-stream")
        .no_header("Content-Encoding");
    suite.ask("codings: a file called .gz is a file", &request, &expect);
    let data = Resource::new("/registries/@open/build/names/1.0.0/files/data.json", true);
    ask(suite, &data, Some("gzip"), Some("gzip"));
}

fn ask(suite: &mut Suite, resource: &Resource, spelling: Option<&str>, coding: Option<&str>) {
    let name = format!("codings: {} with {spelling:?}", resource.path);
    let identity = resource.get(None);
    let request = resource.get(spelling);
    let expect = match coding {
        Some(coding) => Expect::status(200).header("Content-Encoding", coding),
        None => Expect::status(200).no_header("Content-Encoding"),
    };
    if let Some(answer) = suite.ask(&name, &request, &expect) {
        suite.check(&format!("{name}, unpacked"), |target| {
            let identity = identity.send(&target.url)?;
            let unpacked = decode(answer.header("Content-Encoding"), &answer.body)?;
            let same = unpacked == identity.body;
            let problem = format!(
                "{} bytes unpacked, {} plain",
                unpacked.len(),
                identity.body.len()
            );
            Ok(unless(same, || problem))
        });
    }
}

/// Each representation has an ETag of its own.
fn tags_differ(suite: &mut Suite, resource: &Resource) {
    let name = format!("codings: {} has a tag for each variant", resource.path);
    suite.check(&name, |target| {
        let mut tags = BTreeSet::new();
        for coding in ["identity", "gzip", "br", "zstd"] {
            let answer = resource.get(Some(coding)).send(&target.url)?;
            tags.extend(answer.header("ETag").map(str::to_owned));
        }
        let expected = if resource.has_variants { 4 } else { 1 };
        let problem = || format!("expected {expected} tags, got {tags:?}");
        Ok(unless(tags.len() == expected, problem))
    });
}
