//! What holds of every answer, so that no case has to say it.

use rack_tests::http::{Request, Response};

use crate::described;
use crate::pass::Pass;
use crate::suite::Target;

const READS: [&str; 4] = ["/registries/", "/namespaces", "/presets/", "/schemas/"];

/// What is wrong with an answer, whatever its case is about.
pub(crate) fn problems(response: &Response, request: &Request, target: &Target) -> Vec<String> {
    let mut rules = Vec::new();
    let is_read = matches!(&request.method[..], "GET" | "HEAD")
        && READS.iter().any(|start| request.target.starts_with(start));
    match response.status {
        400.. => error_rules(response, request, &mut rules),
        200 | 304 if is_read => read_rules(response, request, &mut rules),
        _ => {}
    }
    if target.pass != Pass::Elsewhere {
        made_rules(response, &mut rules);
    }
    if target.pass == Pass::Rackd {
        rules.push((
            "X-Request-Id is missing",
            response.header("X-Request-Id").is_some(),
        ));
    }
    let broken = rules.into_iter().filter(|(_, holds)| !holds);
    let mut problems: Vec<String> = broken.map(|(rule, _)| rule.to_owned()).collect();
    problems.extend(described::problems(response, request));
    problems
}

type Rules = Vec<(&'static str, bool)>;

fn error_rules(response: &Response, request: &Request, rules: &mut Rules) {
    let is = |name, value| response.header(name) == Some(value);
    rules.push((
        "an error is application/json",
        is("Content-Type", "application/json"),
    ));
    rules.push(("an error is no-store", is("Cache-Control", "no-store")));
    rules.push(("an error has no ETag", response.header("ETag").is_none()));
    if request.method != "HEAD" {
        let message = response.json()["message"].as_str().map(str::len);
        rules.push(("an error body has a code", !response.code().is_empty()));
        rules.push((
            "an error body has a message",
            message.is_some_and(|length| length > 0),
        ));
    }
    if response.status == 401 && response.code() == "UNAUTHORIZED" {
        rules.push((
            "UNAUTHORIZED names the scheme",
            is("WWW-Authenticate", "Bearer"),
        ));
    }
    if response.status == 405 {
        rules.push(("a 405 has Allow", response.header("Allow").is_some()));
    }
    if matches!(response.status, 429 | 503) {
        rules.push((
            "a 429 or 503 has Retry-After",
            response.header("Retry-After").is_some(),
        ));
    }
}

/// What is made for one request, a document or an error: scripts of other pages may ask for it (OPTIONS says so), so they
/// may read it.
fn made_rules(response: &Response, rules: &mut Rules) {
    let is = |name, value| response.header(name) == Some(value);
    if is("Content-Type", "application/json") && is("Cache-Control", "no-store") {
        rules.push((
            "what is made for one request may be read from any origin",
            is("Access-Control-Allow-Origin", "*"),
        ));
        rules.push((
            "scripts may see the id of what is made for one request",
            response
                .list("Access-Control-Expose-Headers")
                .contains("x-request-id"),
        ));
        rules.push((
            "the type of what is made for one request is not guessed",
            is("X-Content-Type-Options", "nosniff"),
        ));
    }
}

fn read_rules(response: &Response, request: &Request, rules: &mut Rules) {
    let has = |name, member| response.list(name).contains(member);
    rules.push(("a read has an ETag", response.header("ETag").is_some()));
    rules.push(("Vary names Accept-Encoding", has("Vary", "accept-encoding")));
    rules.push((
        "any origin may read",
        has("Access-Control-Allow-Origin", "*"),
    ));
    rules.push((
        "scripts may see ETag",
        has("Access-Control-Expose-Headers", "etag"),
    ));
    rules.push((
        "scripts may see X-Request-Id",
        has("Access-Control-Expose-Headers", "x-request-id"),
    ));
    if request.target.contains("/files/") {
        let policy = response
            .header("Content-Security-Policy")
            .unwrap_or_default();
        rules.push((
            "a file is sandboxed",
            policy == "sandbox; default-src 'none'",
        ));
    }
    if response.status == 304 {
        return;
    }
    rules.push((
        "a 200 has its Content-Length",
        response.header("Content-Length").is_some(),
    ));
    rules.push((
        "types are not guessed",
        has("X-Content-Type-Options", "nosniff"),
    ));
}
