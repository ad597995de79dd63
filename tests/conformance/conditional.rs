//! `If-None-Match` in every form, on the resources of the codings; and Range, which is ignored.

use rack_tests::http::Request;

use crate::codings::{Resource, resources};
use crate::expect::Expect;
use crate::suite::Suite;

/// Runs the cases.
pub(crate) fn run(suite: &mut Suite) {
    for resource in resources(suite) {
        revalidate(suite, resource, None);
        if resource.has_variants {
            revalidate(suite, resource, Some("gzip"));
            other_variant(suite, resource);
        }
        ignore_range(suite, resource);
    }
}

/// Every spelling that names the tag answers 304, and one that does not 200.
fn revalidate(suite: &mut Suite, resource: &Resource, coding: Option<&str>) {
    let request = resource.get(coding);
    let Ok(fresh) = request.send(&suite.target().url) else {
        return;
    };
    let (tag, cache) = (fresh.header("ETag"), fresh.header("Cache-Control"));
    let (tag, cache) = (tag.unwrap_or_default(), cache.unwrap_or_default());
    let weak = format!("W/{}", tag.trim_start_matches("W/"));
    for (form, value, status) in [
        ("strong", tag.to_owned(), 304),
        ("weak", weak.clone(), 304),
        ("a list", format!("\"other\", {tag}"), 304),
        (
            "a list without spaces",
            format!("\"other\",{weak},\"another\""),
            304,
        ),
        ("*", "*".to_owned(), 304),
        ("another tag", "\"other\"".to_owned(), 200),
        ("no tag at all", "other".to_owned(), 200),
    ] {
        let name = |method| format!("conditional: {method} {} {coding:?}, {form}", resource.path);
        let expect = Expect::status(status).header("Cache-Control", cache);
        let mut request = request.clone().header("If-None-Match", &value);
        suite.ask(&name("GET"), &request, &expect);
        if status == 304 {
            request.method = "HEAD".to_owned();
            suite.ask(&name("HEAD"), &request, &expect);
        }
    }
}

/// The tag of one variant is not that of another: what the client has is not what it asks for.
fn other_variant(suite: &mut Suite, resource: &Resource) {
    let Ok(plain) = resource.get(None).send(&suite.target().url) else {
        return;
    };
    let tag = plain.header("ETag").unwrap_or_default();
    let request = resource.get(Some("br")).header("If-None-Match", tag);
    let expect = Expect::status(200).header("Content-Encoding", "br");
    let name = format!("conditional: {} br, the plain tag", resource.path);
    suite.ask(&name, &request, &expect);
}

fn ignore_range(suite: &mut Suite, resource: &Resource) {
    for range in ["bytes=0-9", "bytes=999999999-"] {
        let request: Request = resource.get(None).header("Range", range);
        let expect = Expect::status(200).no_header("Content-Range");
        suite.ask(
            &format!("conditional: {} with Range {range}", resource.path),
            &request,
            &expect,
        );
    }
}
