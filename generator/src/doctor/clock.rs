//! The clock: ETags are made of times, and events are told in their order.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::UNIX_EPOCH;

use jiff::Timestamp;
use serde::Deserialize;
use walkdir::WalkDir;

use super::Finding;
use crate::commit::record::Record;
use crate::folders::Folders;
use crate::model::event::EVENTS_FILE;

pub(super) const CHECK: &str = "clock";

/// A build dates a file some seconds ahead where a URL changes more often than once a second (design.md, decision 4).
const SLACK: i64 = 60;

/// Whether seconds since 1970 are ahead of the clock.
pub(super) fn is_ahead(seconds: i64, now: Timestamp) -> bool {
    seconds > now.as_second() + SLACK
}

pub(super) fn check(folders: &Folders, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(event) = latest_event(&folders.source)
        && is_ahead(event.time.as_second(), now)
    {
        findings.push(Finding::fault(
            CHECK,
            format!(
                "{}: an event of {:.0}, and now it is {now:.0}; set the clock",
                event.file, event.time
            ),
        ));
    }
    match last_build(&folders.state) {
        Ok(Some(built)) if is_ahead(built.as_second(), now) => findings.push(Finding::fault(
            CHECK,
            format!("the last build was at {built:.0}, and now it is {now:.0}; set the clock"),
        )),
        Ok(_) => {}
        Err(unreadable) => findings.push(unreadable),
    }
    if findings.is_empty() {
        findings.push(Finding::ok(
            CHECK,
            format!("{now:.0}, later than the last build and every event"),
        ));
    }
    findings
}

/// A build writes the record last, or what is kept of it beside.
fn last_build(state: &Path) -> Result<Option<Timestamp>, Finding> {
    let mut last = None;
    for file in Record::files(state) {
        match fs::metadata(&file).and_then(|metadata| metadata.modified()) {
            Ok(written) => last = last.max(Some(written)),
            Err(cause) if cause.kind() == ErrorKind::NotFound => {}
            Err(cause) => return Err(Finding::unreadable(CHECK, &file, &cause)),
        }
    }
    let since = last.and_then(|last| last.duration_since(UNIX_EPOCH).ok());
    let seconds = since.and_then(|since| since.as_secs().try_into().ok());
    Ok(seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()))
}

struct Latest {
    time: Timestamp,
    file: String,
}

/// All that counts here of a line of `releases.jsonl`; whether it is an event at all is the build's to say.
#[derive(Deserialize)]
struct Line {
    time: Timestamp,
}

fn latest_event(source: &Path) -> Option<Latest> {
    let mut latest: Option<Latest> = None;
    let logs = WalkDir::new(source)
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_name() == EVENTS_FILE && entry.file_type().is_file());
    for log in logs {
        let text = fs::read_to_string(log.path()).unwrap_or_default();
        for Line { time } in text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
        {
            if latest.as_ref().is_none_or(|latest| latest.time < time) {
                let file = log.path().display().to_string();
                latest = Some(Latest { time, file });
            }
        }
    }
    latest
}
