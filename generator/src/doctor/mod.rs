//! What is wrong with a registry: one file for each group of checks. Nothing in here writes, makes a folder or keeps a
//! lock, and nothing that comes out holds a secret.

mod access;
mod clock;
mod disk;
mod finding;
mod folders;
mod intents;
mod locks;
mod programs;
mod record;
mod redact;
mod settings;
mod survey;
mod tokens;
mod webhooks;

pub use finding::{Finding, Status};
pub use redact::redact;
pub use settings::{Origin, Setting};

use jiff::Timestamp;

use crate::config::Settings;
use crate::error::At;
use survey::Survey;

/// Looks at everything; findings come in the order in which a person would ask.
pub fn examine(settings: &Settings, origins: &[Setting]) -> Vec<Finding> {
    let now = Timestamp::now();
    // Whole paths tell more in a bug report; one that has no whole form is told as it is.
    let whole = settings
        .folders
        .map(|path| std::path::absolute(path).at("resolve", path));
    let folders = &whole.unwrap_or_else(|_| settings.folders.clone());
    let mut findings = Vec::new();
    findings.extend(programs::check());
    findings.extend(settings::check(origins));
    findings.extend(folders::check(folders));
    for (name, folder) in folders.named() {
        // What is not there is told above.
        if !folder.is_dir() {
            continue;
        }
        let survey = Survey::of(folder, now);
        findings.extend(disk::check(name, folder));
        findings.extend(survey.check(name, folder));
    }
    findings.extend(clock::check(folders, now));
    findings.extend(locks::check(folders, now));
    findings.extend(record::check(folders));
    findings.extend(intents::check(&folders.state));
    findings.extend(access::check(&settings.access, &folders.state, now));
    findings.extend(tokens::check(&folders.state, now));
    findings.extend(webhooks::check(&settings.webhooks, &folders.state));
    findings
}
