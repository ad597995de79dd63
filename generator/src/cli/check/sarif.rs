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
    let artifact = json!({ "uri": uri(&problem.path) });
    let region = match problem.place {
        Some(place) => json!({
            "startLine": place.line,
            "startColumn": place.column,
            "endColumn": place.end_column,
        }),
        // Code scanning wants a line of everything.
        None => json!({ "startLine": 1 }),
    };
    let mut result = json!({
        "level": level,
        "message": { "text": problem.explanation() },
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Place;

    /// What the standard and code scanning require of every log.
    #[track_caller]
    fn assert_sarif(log: &Value) {
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        let driver = &run["tool"]["driver"];
        assert!(driver["name"].is_string());
        let rules = driver["rules"].as_array().unwrap();
        for rule in rules {
            assert!(rule["shortDescription"]["text"].is_string(), "{rule}");
        }
        for result in run["results"].as_array().unwrap() {
            assert!(rules.iter().any(|rule| rule["id"] == result["ruleId"]));
            assert!(["error", "warning"].contains(&result["level"].as_str().unwrap()));
            assert!(!result["message"]["text"].as_str().unwrap().is_empty());
            let location = &result["locations"][0]["physicalLocation"];
            assert!(location["artifactLocation"]["uri"].is_string());
            let region = &location["region"];
            assert!(region["startLine"].as_u64().unwrap() > 0, "{region}");
            assert!(region["endColumn"].as_u64() >= region["startColumn"].as_u64());
        }
    }

    #[test]
    fn a_log_has_what_code_scanning_requires() {
        let placed = Problem {
            place: Some(Place {
                line: 3,
                column: 5,
                end_column: 9,
            }),
            ..Problem::refused("a/registry.json", "wrong")
                .with_code(ErrorCode::SchemaValidationFailed)
        };
        let whole = Problem::warning("a/b", "left out").with_code(ErrorCode::UndeclaredFile);
        let log = log(&[placed, whole]);
        assert_sarif(&log);
        let results = &log["runs"][0]["results"];
        let place = &results[0]["locations"][0]["physicalLocation"]["region"];
        assert_eq!(
            *place,
            json!({ "startLine": 3, "startColumn": 5, "endColumn": 9 })
        );
        assert_eq!(results[1]["level"], "warning");
        assert_sarif(&super::log(&[]));
    }

    #[test]
    fn paths_are_uris() {
        for (path, expected) in [
            ("./@a/b c/é:.json", "@a/b%20c/%C3%A9%3A.json"),
            ("/tmp/100%", "file:///tmp/100%25"),
        ] {
            assert_eq!(uri(Path::new(path)), expected);
        }
    }
}
