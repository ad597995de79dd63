//! A reader that follows every link of a registry, as long as it is told to, and remembers what it met: links that
//! lead nowhere, and tags that stood for more than one sequence of bytes.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::Value;

use crate::coding::decode;
use crate::http::{Connection, Request, Response};
use crate::tree::sha256;

/// What all crawlers of one registry, on whatever server, met so far.
#[derive(Debug, Default)]
pub struct Findings {
    /// URL path and tag → hash of the bytes and who sent them.
    tags: Mutex<BTreeMap<(String, String), (String, String)>>,
    faults: Mutex<Vec<String>>,
}

impl Findings {
    /// Stops the test with all that was wrong, if anything was; else says how many tags there were.
    pub fn settle(self) -> usize {
        let faults = self.faults.into_inner().expect("no crawler panicked");
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        self.tags.into_inner().expect("no crawler panicked").len()
    }

    fn fault(&self, fault: String) {
        self.faults.lock().expect("no crawler panicked").push(fault);
    }

    /// A tag means the same bytes on every server.
    fn compare(&self, server: &str, url: &str, answer: &Response) {
        let tag = answer.header("ETag").unwrap_or("none").to_owned();
        let hash = sha256(&answer.body);
        let mut tags = self.tags.lock().expect("no crawler panicked");
        let (known, whose) = tags
            .entry((url.to_owned(), tag.clone()))
            .or_insert_with(|| (hash.clone(), server.to_owned()));
        if *known != hash {
            let fault = format!("{url}: other bytes at {whose} and {server}, both tagged {tag}");
            drop(tags);
            self.fault(fault);
        }
    }
}

/// A reader of one server.
#[derive(Debug)]
pub struct Crawler<'a> {
    name: &'a str,
    server: Connection,
    origin: Connection,
    findings: &'a Findings,
    is_in: bool,
    is_mirror: bool,
    /// How many answers it read.
    pub answers: usize,
    /// How many links led to what had been taken away.
    pub gone: usize,
}

impl<'a> Crawler<'a> {
    /// Of the server at `base`; what is missing there has to be missing at `origin`.
    pub fn new(name: &'a str, base: &str, origin: &str, findings: &'a Findings) -> Self {
        Self {
            name,
            server: Connection::new(base),
            origin: Connection::new(origin),
            findings,
            is_in: false,
            is_mirror: false,
            answers: 0,
            gone: 0,
        }
    }

    /// A mirror never has a variant that is older than its original, however short the moment.
    pub fn of_a_mirror(self) -> Self {
        let is_mirror = true;
        Self { is_mirror, ..self }
    }

    /// Follows every link, from the list of namespaces down to every file. Whether there was such a list.
    pub fn walk(&mut self) -> bool {
        // Before the first copy is complete there is no way in, and so no link.
        let start = self.ask("/namespaces", "identity");
        self.is_in |= start.status == 200;
        if !self.is_in {
            return false;
        }
        let namespaces = self.follow("/namespaces");
        for namespace in names(&namespaces, "namespaces") {
            let listing = self.follow(&format!("/namespaces/{namespace}/registries"));
            for path in names(&listing, "registries") {
                self.item(&format!("/registries/{namespace}/{path}"));
            }
        }
        true
    }

    fn item(&mut self, item: &str) {
        let latest = self.follow(item);
        self.version(item, &latest);
        let list = self.follow(&format!("{item}/versions"));
        for version in names(&list, "versions") {
            let manifest = self.follow(&format!("{item}/{version}"));
            self.version(item, &manifest);
        }
    }

    /// What a manifest names.
    fn version(&mut self, item: &str, manifest: &Value) {
        let Some(version) = manifest["version"].as_str() else {
            return;
        };
        self.follow(&format!("{item}/{version}"));
        for file in manifest["files"].as_array().into_iter().flatten() {
            let path = file["path"].as_str().unwrap_or_default();
            let path = path.trim_start_matches("./");
            self.follow(&format!("{item}/{version}/files/{path}"));
        }
    }

    /// Reads what a link leads to, as it is and then in a coding. Nothing, if it is gone.
    fn follow(&mut self, url: &str) -> Value {
        let identity = self.ask(url, "identity");
        let variant = self.ask(url, "br");
        if identity.status != 200 || variant.status != 200 {
            self.missing(url, identity.status.max(variant.status));
            return Value::Null;
        }
        // The variant was asked for later, so it is of this state of the resource or of a later one. A build shows an
        // original before its variants; a mirror does not.
        let offset = match variant.header("Content-Encoding") {
            Some("br") => BR_OFFSET,
            _ => 0,
        };
        if self.is_mirror && time(&variant) < time(&identity) + offset {
            let fault = format!("{url} at {}: a variant older than the identity", self.name);
            self.findings.fault(fault);
        }
        let coding = variant.header("Content-Encoding");
        let body = decode(coding, &variant.body).expect("a body in the coding that it says");
        serde_json::from_slice(&body).unwrap_or_default()
    }

    /// A link may lead nowhere if it does at the origin, whoever may read there.
    fn missing(&mut self, url: &str, status: u16) {
        self.gone += 1;
        let there = self.origin.ask(&Request::get(url)).expect("an answer");
        if there.status == 200 || !matches!(status, 401 | 403 | 404) {
            let fault = format!(
                "{url}: {status} at {}, {} at the origin",
                self.name, there.status
            );
            self.findings.fault(fault);
        }
    }

    fn ask(&mut self, url: &str, coding: &str) -> Response {
        let request = Request::get(url).header("Accept-Encoding", coding);
        let answer = self.server.ask(&request).expect("an answer");
        self.answers += 1;
        if answer.status == 200 {
            self.findings.compare(self.name, url, &answer);
        }
        answer
    }
}

/// How much later a brotli variant is dated than its identity (design.md, decision 4).
const BR_OFFSET: u64 = 2;

/// The time in a tag, in seconds.
fn time(answer: &Response) -> u64 {
    let tag = answer.header("ETag").unwrap_or_default();
    let time = tag.trim_matches('"').split('-').next().unwrap_or_default();
    u64::from_str_radix(time, 16).unwrap_or_else(|_| panic!("no tag of ours: {tag}"))
}

/// The members of a list in a document.
fn names(document: &Value, key: &str) -> Vec<String> {
    let members = document[key].as_array().into_iter().flatten();
    members
        .filter_map(Value::as_str)
        .map(ToOwned::to_owned)
        .collect()
}
