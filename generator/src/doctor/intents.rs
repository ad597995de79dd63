//! Publishes that began to become visible and are not finished (`state/intents`).

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::{Finding, locks};
use crate::folders;

const CHECK: &str = "intents";

/// All that is told of one.
#[derive(Deserialize)]
struct Intent {
    namespace: String,
    path: String,
    version: String,
}

/// A daemon that runs has a publish durable within a second or two, and takes its intent away then.
const MOMENT: Duration = Duration::from_secs(10);

pub(super) fn check(state: &Path) -> Vec<Finding> {
    let folder = folders::intents(state);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries.flatten(),
        // The first start of rackd makes it.
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Vec::new(),
        Err(cause) => return vec![Finding::unreadable(CHECK, &folder, &cause)],
    };
    let open = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"));
    let runs = locks::is_held(state);
    let is_under_way = |path: &PathBuf| runs && is_young(path);
    let left = open.filter(|path| !is_under_way(path));
    let mut findings: Vec<_> = left.filter_map(|path| one(&path)).collect();
    if findings.is_empty() {
        findings.push(Finding::ok(
            CHECK,
            format!("{}: no publish is unfinished", folder.display()),
        ));
    }
    findings
}

fn is_young(path: &Path) -> bool {
    let written = fs::metadata(path).and_then(|metadata| metadata.modified());
    written.is_ok_and(|at| at.elapsed().is_ok_and(|age| age < MOMENT))
}

/// Nothing of one that was finished meanwhile.
fn one(path: &Path) -> Option<Finding> {
    let at = path.display();
    let intent = match fs::read(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return None,
        read => read.map_err(|cause| cause.to_string()),
    };
    let intent = intent.and_then(|text| {
        serde_json::from_slice::<Intent>(&text).map_err(|_| "it is no intent of ours".to_owned())
    });
    Some(match intent {
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
    })
}
