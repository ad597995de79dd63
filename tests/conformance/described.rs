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
    let Some(place) = place(response, request) else {
        return Vec::new();
    };
    let Some(described) = DOCUMENT.pointer(&place) else {
        return vec![format!("openapi.json: there is no {place}")];
    };
    match described["$ref"].as_str() {
        Some(to) => body_problems(response, to.trim_start_matches('#')),
        None => body_problems(response, &place),
    }
}

/// Where an answer is described, as a JSON Pointer; none where the document says it in words.
fn place(response: &Response, request: &Request) -> Option<String> {
    let status = response.status;
    let path = request.target.split('?').next().unwrap_or_default();
    let path = path.replace("%40", "@").replace("%2B", "+");
    let path = path.replace("%2b", "+");
    let method = match &request.method[..] {
        "HEAD" => "get".to_owned(),
        method => method.to_ascii_lowercase(),
    };
    let mut paths = members(&DOCUMENT["paths"]);
    let found = paths.find(|(template, _)| is_of(template, &path));
    if let Some((template, operations)) = found
        && operations.get(&method).is_some()
    {
        let template = escaped(template);
        return Some(format!("/paths/{template}/{method}/responses/{status}"));
    }
    if response.body.is_empty() {
        return None;
    }
    // What is no address, or not by this method, is answered by an error that is known.
    let has_code = |described: &Value| {
        let codes =
            described.pointer("/content/application~1json/schema/allOf/1/properties/code/enum");
        let codes = codes.and_then(Value::as_array);
        codes.is_some_and(|codes| codes.contains(&response.code().into()))
    };
    let mut responses = members(&DOCUMENT["components"]["responses"]);
    let name = responses.find(|(_, described)| has_code(described));
    let name = name.map_or("none of an unknown code", |(name, _)| name);
    Some(format!("/components/responses/{name}"))
}

fn members(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flatten()
}

fn body_problems(response: &Response, described: &str) -> Vec<String> {
    if response.body.is_empty() {
        return Vec::new();
    }
    let sent = response.header("Content-Type").unwrap_or_default();
    let sent = sent.split(';').next().unwrap_or_default();
    let content = DOCUMENT.pointer(&format!("{described}/content"));
    let mut types = members(content.unwrap_or(&Value::Null));
    let Some((content_type, _)) = types.find(|(known, _)| *known == sent || *known == "*/*") else {
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
