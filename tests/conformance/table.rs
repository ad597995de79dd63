//! The simple cases, from the data files; and of every one that reads, its twins: HEAD, and the path with `@` and
//! `+` escaped.

use std::collections::BTreeMap;

use rack_tests::http::{Request, Response};
use serde::Deserialize;

use crate::expect::Expect;
use crate::suite::{Suite, unless};

const FILES: [(&str, &str); 5] = [
    ("reading", include_str!("cases/reading.json")),
    ("paths", include_str!("cases/paths.json")),
    ("access", include_str!("cases/access.json")),
    ("methods", include_str!("cases/methods.json")),
    ("tags", include_str!("cases/tags.json")),
];

/// A case of a data file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// Method and path.
    request: String,
    token: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    expect: Expect,
}

impl Case {
    fn request(&self, admin: &str) -> Request {
        let words = self.request.split_once(' ');
        let (method, target) = words.expect("a request is a method, a space and a path");
        let mut request = Request::new(method, target);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        match self.token.as_deref() {
            None => request,
            Some("admin") => request.bearer(admin),
            Some(token) => request.bearer(token),
        }
    }
}

/// Runs the data files.
pub(crate) fn run(suite: &mut Suite) {
    for (file, text) in FILES {
        let cases: Vec<Case> =
            serde_json::from_str(text).unwrap_or_else(|fault| panic!("cases/{file}.json: {fault}"));
        for case in cases {
            let name = format!("{file}: {}", case.name);
            let request = case.request(&suite.target().admin);
            let answer = suite.ask(&name, &request, &case.expect);
            if let Some(answer) = answer
                && request.method == "GET"
                && case.expect.is_ok()
                && answer.header("ETag").is_some()
            {
                ask_by_head(suite, &name, &request, &answer);
                ask_escaped(suite, &name, &request, &answer);
            }
        }
    }
}

/// HEAD has the headers of GET, and nothing else.
fn ask_by_head(suite: &mut Suite, name: &str, request: &Request, by_get: &Response) {
    let mut request = request.clone();
    request.method = "HEAD".to_owned();
    suite.check(&format!("{name}, by HEAD"), |target| {
        let by_head = request.send(&target.url)?;
        let same = headers(&by_head) == headers(by_get) && by_head.status == by_get.status;
        let problem = || {
            let (expected, actual) = (headers(by_get), headers(&by_head));
            format!("expected {expected:?}, got {} {actual:?}", by_head.status)
        };
        Ok(unless(same, problem))
    });
}

/// The headers that are the same for every request.
fn headers(response: &Response) -> BTreeMap<String, &str> {
    let all = response.headers.iter();
    all.map(|(name, value)| (name.to_ascii_lowercase(), &value[..]))
        .filter(|(name, _)| !matches!(&name[..], "date" | "x-request-id"))
        .collect()
}

/// Both spellings answer with the same body and the same tag.
fn ask_escaped(suite: &mut Suite, name: &str, request: &Request, plain: &Response) {
    for (plus, at) in [("%2B", "%40"), ("%2b", "%40")] {
        let mut request = request.clone();
        request.target = request.target.replace('@', at).replace('+', plus);
        let has_plus = request.target.contains(plus);
        if !request.target.contains(at) || (plus == "%2b" && !has_plus) {
            continue;
        }
        suite.check(&format!("{name}, as {}", request.target), |target| {
            let escaped = request.send(&target.url)?;
            let same = escaped.status == plain.status
                && escaped.body == plain.body
                && escaped.header("ETag") == plain.header("ETag");
            let problem = || {
                format!(
                    "got {} {}, or another body or ETag",
                    escaped.status,
                    escaped.code()
                )
            };
            Ok(unless(same, problem))
        });
    }
}
