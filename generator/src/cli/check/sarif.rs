//! Problems as code scanning takes them: SARIF 2.1.0.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde_json::{Value, json};

use super::from_here;
use crate::error_code::ErrorCode;
use crate::report::{Problem, Severity};

/// A run of this program that found these problems.
pub(super) fn log(problems: &[Problem]) -> Value {
    let rules: BTreeSet<_> = problems.iter().filter_map(|problem| problem.code).collect();
    let rules: Vec<_> = rules.into_iter().map(rule).collect();
    let results: Vec<_> = problems.iter().map(result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "rackgen",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: ErrorCode) -> Value {
    let words = match code {
        ErrorCode::InvalidArchive => "The archive can be read in one way only",
        ErrorCode::UnsafeFile => "A package holds regular files whose names every system takes",
        ErrorCode::UndeclaredFile => "Every file of a package is declared",
        ErrorCode::FileNotFound => "Every declared file is there",
        ErrorCode::UploadFailed => "A package says in registry.json which item and version it is",
        ErrorCode::PayloadTooLarge => "A package keeps the registry's limits",
        _ => "The document is valid against its JSON Schema",
    };
    json!({ "id": code.as_str(), "shortDescription": { "text": words } })
}

fn result(problem: &Problem) -> Value {
    let level = match problem.severity {
        Severity::Warning => "warning",
        Severity::Refused => "error",
    };
    let message = [Some(problem.sentence()), problem.help()];
    let message: Vec<_> = message.into_iter().flatten().collect();
    let artifact = json!({ "uri": uri(&problem.path) });
    // Code scanning wants a line of everything.
    let mut region = json!({ "startLine": 1 });
    if let Some(place) = problem.place {
        region = json!({
            "startLine": place.line,
            "startColumn": place.column,
            "endColumn": place.end_column,
        });
    }
    let mut result = json!({
        "level": level,
        "message": { "text": message.join("\n") },
        "locations": [{ "physicalLocation": { "artifactLocation": artifact, "region": region } }],
    });
    if let Some(code) = problem.code {
        result["ruleId"] = code.as_str().into();
    }
    result
}

/// What a path may hold in a URI, without `:`, which would make a scheme of what is before it.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@')
    .remove(b'+');

/// A relative reference, which code scanning takes from the root of the repository; else a `file:` URI.
fn uri(path: &Path) -> String {
    let path = from_here(path);
    let encoded = percent_encode(path.as_os_str().as_bytes(), KEPT);
    match path.is_absolute() {
        true => format!("file://{encoded}"),
        false => encoded.to_string(),
    }
}
