//! What a case expects of an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use rack_tests::http::{Request, Response};
use serde::Deserialize;
use serde_json::Value;

use crate::suite::Target;

/// Headers that are lists: an answer may name more than the case does.
const LISTS: [&str; 5] = [
    "Vary",
    "Allow",
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Headers",
    "Access-Control-Expose-Headers",
];

/// An expectation. README.md explains its fields, which are those of the data files.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    status: u16,
    code: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    json: Option<Value>,
    json_has: Option<Value>,
    #[serde(default)]
    message_has: Vec<String>,
    bytes_of: Option<String>,
}

impl Expect {
    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    pub(crate) fn error(status: u16, code: &str) -> Self {
        Self {
            code: Some(code.to_owned()),
            ..Self::status(status)
        }
    }

    /// With a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), Some(value.to_owned()));
        self
    }

    /// Without a header.
    pub(crate) fn no_header(mut self, name: &str) -> Self {
        self.headers.insert(name.to_owned(), None);
        self
    }

    /// With this body.
    pub(crate) fn json(mut self, json: Value) -> Self {
        self.json = Some(json);
        self
    }

    /// With at least this in the body.
    pub(crate) fn json_has(mut self, json: Value) -> Self {
        self.json_has = Some(json);
        self
    }

    /// With these words in the message.
    pub(crate) fn message_has(mut self, words: &[&str]) -> Self {
        self.message_has = words.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    pub(crate) fn wanted_status(&self) -> u16 {
        self.status
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.status == 200
    }

    /// What is wrong with the answer.
    pub(crate) fn problems(
        &self,
        response: &Response,
        request: &Request,
        target: &Target,
    ) -> Vec<String> {
        let mut problems = Vec::new();
        if response.status != self.status {
            problems.push(format!(
                "status: expected {}, got {} {}",
                self.status,
                response.status,
                response.code()
            ));
        }
        for (name, expected) in &self.headers {
            problems.extend(header_problem(response, name, expected.as_deref()));
        }
        if request.method != "HEAD" {
            self.check_body(response, target, &mut problems);
        }
        problems
    }

    fn check_body(&self, response: &Response, target: &Target, problems: &mut Vec<String>) {
        let body = response.json();
        if let Some(code) = &self.code
            && response.code() != *code
        {
            problems.push(format!("code: expected {code}, got {:?}", response.code()));
        }
        if let Some(json) = &self.json
            && body != *json
        {
            problems.push(format!("body: expected {json}, got {}", shown(response)));
        }
        if let Some(json) = &self.json_has
            && !has(&body, json)
        {
            problems.push(format!(
                "body: expected at least {json}, got {}",
                shown(response)
            ));
        }
        let message = body["message"].as_str().unwrap_or_default();
        for word in &self.message_has {
            if !message.contains(word) {
                problems.push(format!("message: expected {word:?} in {message:?}"));
            }
        }
        if let Some(path) = &self.bytes_of {
            let bytes = fs::read(target.source.join(path)).expect("the seed has this file");
            if response.body != bytes {
                problems.push(format!(
                    "body: expected the bytes of {path}, got {}",
                    shown(response)
                ));
            }
        }
    }
}

fn header_problem(response: &Response, name: &str, expected: Option<&str>) -> Option<String> {
    let actual = response.all(name).collect::<Vec<_>>().join(", ");
    let fits = match expected {
        None => response.header(name).is_none(),
        Some(expected) if LISTS.contains(&name) => {
            members(expected).is_subset(&response.list(name))
        }
        Some(expected) => actual == expected,
    };
    let expected = expected.unwrap_or("none");
    (!fits).then(|| format!("{name}: expected {expected:?}, got {actual:?}"))
}

fn members(list: &str) -> BTreeSet<String> {
    list.split(',')
        .map(|member| member.trim().to_ascii_lowercase())
        .collect()
}

/// Whether the body says at least this: objects may say more, all else is equal.
fn has(body: &Value, expected: &Value) -> bool {
    match (body, expected) {
        (Value::Object(body), Value::Object(expected)) => expected
            .iter()
            .all(|(key, value)| body.get(key).is_some_and(|body| has(body, value))),
        _ => body == expected,
    }
}

/// The beginning of a body, for people.
fn shown(response: &Response) -> String {
    let text: String = String::from_utf8_lossy(&response.body)
        .chars()
        .take(300)
        .collect();
    format!("{text:?} ({} bytes)", response.body.len())
}
