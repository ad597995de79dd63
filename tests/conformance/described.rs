//! What `/openapi.json` says holds of every answer: its address and method are described, its status, the type of its
//! body and what is in it.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use jsonschema::Validator;
use rack_tests::http::{Request, Response};
use serde_json::{Value, json};

/// The document, as the daemon serves it; the other servers of a run do not all have it.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!("../../uploader/src/routes/openapi.json");
    serde_json::from_str(text).expect("openapi.json is JSON")
});

/// By where they stand in the document.
static VALIDATORS: LazyLock<Mutex<HashMap<String, Validator>>> = LazyLock::new(Mutex::default);

/// What is wrong with an answer, or with the document.
pub(crate) fn problems(response: &Response, request: &Request) -> Vec<String> {
    let path = request.target.split('?').next().unwrap_or_default();
    let path = path
        .replace("%40", "@")
        .replace("%2B", "+")
        .replace("%2b", "+");
    let method = request.method.to_ascii_lowercase();
    let method = if method == "head" { "get" } else { &method };
    let found = match DOCUMENT["paths"]
        .as_object()
        .into_iter()
        .flatten()
        .find(|(template, _)| is_of(template, &path))
    {
        Some((template, operations)) if operations.get(method).is_some() => {
            format!(
                "/paths/{}/{method}/responses/{}",
                escaped(template),
                response.status
            )
        }
        // Words for all addresses alike.
        _ if method == "options" && response.status == 204 => return Vec::new(),
        _ => {
            let mut responses = DOCUMENT["components"]["responses"]
                .as_object()
                .into_iter()
                .flatten();
            let codes = |response: &Value| {
                response["content"]["application/json"]["schema"]["allOf"][1]["properties"]["code"]
                    ["enum"]
                    .clone()
            };
            let is_it = |(_, described): &(&String, &Value)| {
                codes(described)
                    .as_array()
                    .is_some_and(|codes| codes.contains(&response.code().into()))
            };
            match responses.find(is_it) {
                Some((name, _)) => format!("/components/responses/{name}"),
                None if response.body.is_empty() => return Vec::new(),
                None => {
                    return vec![format!(
                        "openapi.json: {} {path} is not described, and answers {}",
                        request.method, response.status
                    )];
                }
            }
        }
    };
    let Some(described) = DOCUMENT.pointer(&found) else {
        return vec![format!("openapi.json: there is no {found}")];
    };
    let found = match described["$ref"].as_str() {
        Some(to) => to.trim_start_matches('#').to_owned(),
        None => found,
    };
    body_problems(response, &found)
}

fn body_problems(response: &Response, described: &str) -> Vec<String> {
    let content = DOCUMENT
        .pointer(described)
        .and_then(|it| it["content"].as_object());
    if response.body.is_empty() {
        return Vec::new();
    }
    let sent = response.header("Content-Type").unwrap_or_default();
    let sent = sent.split(';').next().unwrap_or_default();
    let Some((content_type, _)) = content
        .into_iter()
        .flatten()
        .find(|(known, _)| *known == sent || *known == "*/*")
    else {
        return vec![format!("openapi.json: {described} has no {sent:?}")];
    };
    if sent != "application/json" || response.header("Content-Encoding").is_some() {
        return Vec::new();
    }
    let schema = format!("{described}/content/{}/schema", escaped(content_type));
    let mut validators = VALIDATORS.lock().expect("no panic there");
    let validator = validators
        .entry(schema.clone())
        .or_insert_with_key(|schema| {
            let all = [DOCUMENT.pointer(schema)];
            let components = &DOCUMENT["components"];
            let schema = json!({ "allOf": all, "components": components });
            jsonschema::draft202012::new(&schema).expect("schemas of the document")
        });
    let body = response.json();
    let faults = validator.iter_errors(&body);
    faults
        .map(|fault| format!("openapi.json: {schema}: {fault}"))
        .collect()
}

/// For a JSON Pointer.
fn escaped(text: &str) -> String {
    text.replace('~', "~0").replace('/', "~1")
}

/// Whether a template is of a path. In place of an item's two segments any that are some may stand, and behind
/// `files` any number.
fn is_of(template: &str, path: &str) -> bool {
    let template: Vec<&str> = template.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    fits(&template, &path)
}

fn fits(template: &[&str], path: &[&str]) -> bool {
    match (template, path) {
        ([], []) => true,
        (["{folder}", "{name}", rest @ ..], path) => (1..=path.len()).any(|count| {
            let (item, behind) = path.split_at(count);
            let is_item = |segment: &&str| {
                !segment.contains('.') && !["versions", "files", "tags", ""].contains(segment)
            };
            item.iter().all(is_item) && fits(rest, behind)
        }),
        (["{file}"], [_, ..]) => true,
        (["{version}", rest @ ..], [version, behind @ ..]) => {
            version.contains('.') && fits(rest, behind)
        }
        (["{namespace}", rest @ ..], [namespace, behind @ ..]) => {
            namespace.starts_with('@') && fits(rest, behind)
        }
        ([parameter, rest @ ..], [_, behind @ ..]) if parameter.starts_with('{') => {
            fits(rest, behind)
        }
        ([same, rest @ ..], [segment, behind @ ..]) => same == segment && fits(rest, behind),
        _ => false,
    }
}
