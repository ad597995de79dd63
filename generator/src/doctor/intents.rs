//! Publishes that began to become visible and are not finished (`state/intents`).

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::Finding;
use crate::folders;

const CHECK: &str = "intents";

/// All that is told of one.
#[derive(Deserialize)]
struct Intent {
    namespace: String,
    path: String,
    version: String,
}

pub(super) fn check(state: &Path) -> Vec<Finding> {
    let folder = folders::intents(state);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries.flatten(),
        // The first start of rackd makes it.
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(cause) => return vec![Finding::unreadable(CHECK, &folder, &cause)],
    };
    let open = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"));
    let mut findings: Vec<_> = open.map(|path| one(&path)).collect();
    if findings.is_empty() {
        findings.push(Finding::ok(
            CHECK,
            format!("{}: no publish is unfinished", folder.display()),
        ));
    }
    findings
}

fn one(path: &Path) -> Finding {
    let at = path.display();
    let intent = fs::read(path)
        .map_err(|cause| cause.to_string())
        .and_then(|text| {
            serde_json::from_slice::<Intent>(&text)
                .map_err(|_| "it is no intent of ours".to_owned())
        });
    match intent {
        Ok(Intent {
            namespace,
            path,
            version,
        }) => Finding::warning(
            CHECK,
            format!(
                "{at}: the publish of {namespace}/{path}/{version} is not finished; a start of rackd finishes it, and its \
                 log says why if it cannot"
            ),
        ),
        Err(why) => Finding::fault(
            CHECK,
            format!("{at}: {why}; /health names it too, move it away if it is nobody's"),
        ),
    }
}
