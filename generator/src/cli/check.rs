//! `rackgen check`

use std::path::{Path, PathBuf};

use serde_json::json;
use walkdir::WalkDir;

use super::{Format, Outcome, print_json, print_line, print_problems};
use crate::check::{check_archive, check_folder};
use crate::config::SharedArgs;
use crate::error::{At, Error, Result};
use crate::model::manifest::MANIFEST_FILE;
use crate::model::preset::PRESET_FILE;
use crate::package::Limits;
use crate::report::{Problem, Severity};
use crate::schema;
use crate::source::load::at_their_places;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  rackgen check my-item                    a version's folder, or a preset's
  rackgen check my-item-1.0.0.tar.gz       an archive
  rackgen check examples/registry          everything below a folder")]
pub(super) struct Args {
    /// Folders and archives
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    shared: SharedArgs,
}

pub(super) fn run(args: Args, format: Format) -> Result<Outcome> {
    let (settings, _) = args.shared.resolve()?;
    let mut checked = 0;
    let mut problems = Vec::new();
    for path in &args.paths {
        for subject in subjects(path)? {
            checked += 1;
            problems.extend(check(&subject, &settings.limits)?);
        }
    }
    problems.sort();
    let refused = problems
        .iter()
        .any(|problem| problem.severity == Severity::Refused);
    match format {
        Format::Json => print_json(&json!({"checked": checked, "problems": problems}))?,
        Format::Text => {
            print_problems(&problems);
            let verdict = match refused {
                true => "not all of them can be published",
                false => "all can be published",
            };
            print_line(format_args!("{checked} checked: {verdict}"))?;
        }
    }
    Ok(match refused {
        true => Outcome::PartsRefused,
        false => Outcome::Done,
    })
}

/// What a path stands for.
enum Subject {
    Release(PathBuf),
    Preset(PathBuf),
    Archive(PathBuf),
}

/// An archive is itself; a folder is what lies in it, at any depth.
fn subjects(path: &Path) -> Result<Vec<Subject>> {
    if path.metadata().at("read", path)?.is_file() {
        return Ok(vec![Subject::Archive(path.to_owned())]);
    }
    let mut found = Vec::new();
    let mut walk = WalkDir::new(path).sort_by_file_name().into_iter();
    while let Some(entry) = walk.next() {
        let entry = entry.at("walk", path)?;
        if !entry.file_type().is_dir() {
            continue;
        }
        if entry.path().join(MANIFEST_FILE).is_file() {
            found.push(Subject::Release(entry.path().to_owned()));
            walk.skip_current_dir();
        } else if entry.path().join(PRESET_FILE).is_file() {
            found.push(Subject::Preset(entry.path().join(PRESET_FILE)));
        }
    }
    if found.is_empty() {
        return Err(Error::refused(
            path,
            "there is no `registry.json` and no `preset.json` in or below this folder",
        ));
    }
    Ok(found)
}

fn check(subject: &Subject, limits: &Limits) -> Result<Vec<Problem>> {
    Ok(match subject {
        Subject::Release(folder) => match check_folder(folder)? {
            Ok(checked) => checked.warnings,
            Err(problems) => problems,
        },
        Subject::Preset(path) => {
            let text = std::fs::read(path).at("read", path)?;
            match schema::check_preset(&text) {
                Ok(_) => Vec::new(),
                Err(faults) => at_their_places(path, faults),
            }
        }
        Subject::Archive(path) => check_archive(path, limits)?,
    })
}
