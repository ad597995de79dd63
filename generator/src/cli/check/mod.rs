//! `rackgen check`

mod github;
mod sarif;

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::json;
use walkdir::WalkDir;

use super::{Format, Outcome, excerpt, print_json, print_line};
use crate::check::{Findings, check_archive, check_folder, check_preset};
use crate::config::SharedArgs;
use crate::error::{At, Error, Result};
use crate::folders::{Marker, read_marker};
use crate::model::manifest::MANIFEST_FILE;
use crate::model::preset::PRESET_FILE;
use crate::package::Limits;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  rackgen check my-item                    a version's folder, or a preset's
  rackgen check my-item-1.0.0.tar.gz       an archive
  rackgen check examples/registry          everything below a folder
  rackgen check --format json my-item      one JSON document
  rackgen check --annotate github items    in GitHub Actions: marks the lines of a pull request
  rackgen check --annotate sarif items >rackgen.sarif")]
pub(super) struct Args {
    /// Folders and archives
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Print the problems for a CI too, on standard output: github (workflow commands) or sarif (2.1.0)
    #[arg(
        long,
        value_enum,
        env = "RACK_ANNOTATE",
        value_name = "FOR",
        hide_possible_values = true
    )]
    annotate: Option<Annotate>,
    #[command(flatten)]
    shared: SharedArgs,
}

/// Who reads standard output.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Annotate {
    /// GitHub Actions.
    Github,
    /// Code scanning.
    Sarif,
}

pub(super) fn run(args: Args, format: Format) -> Result<Outcome> {
    if format == Format::Json && args.annotate.is_some() {
        let why = "it takes standard output, as `--format json` does; choose one of the two";
        return Err(Error::refused("--annotate", why));
    }
    let (settings, _) = args.shared.resolve()?;
    let (mut checked, mut refused) = (0, 0);
    let mut problems = Vec::new();
    for path in &args.paths {
        for subject in subjects(path)? {
            checked += 1;
            let findings = check(&subject, &settings.limits)?;
            if format == Format::Text {
                excerpt::print(&findings);
            }
            refused += usize::from(findings.is_refused());
            problems.extend(findings.problems);
        }
    }
    problems.sort();
    let verdict = match refused {
        0 => format!("{checked} checked: all can be published"),
        _ => format!("{checked} checked: {refused} cannot be published"),
    };
    match args.annotate {
        None if format == Format::Json => {
            print_json(&json!({"checked": checked, "refused": refused, "problems": problems}))?;
        }
        None => print_line(verdict)?,
        Some(Annotate::Github) => {
            anstream::eprintln!("{verdict}");
            for problem in &problems {
                print_line(github::Annotation(problem))?;
            }
        }
        Some(Annotate::Sarif) => {
            anstream::eprintln!("{verdict}");
            print_json(&sarif::log(&problems))?;
        }
    }
    Ok(match refused {
        0 => Outcome::Done,
        _ => Outcome::PartsRefused,
    })
}

/// A path as others are to find it from this folder.
fn from_here(path: &Path) -> &Path {
    path.strip_prefix(".").unwrap_or(path)
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
        if entry.depth() > 0 && is_made(entry.path())? {
            walk.skip_current_dir();
            continue;
        }
        if is_there(&entry.path().join(MANIFEST_FILE)) {
            found.push(Subject::Release(entry.path().to_owned()));
            walk.skip_current_dir();
        } else if is_there(&entry.path().join(PRESET_FILE)) {
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

/// Whether a folder below the one that was named is made by a build, so that nobody publishes what lies in it.
fn is_made(folder: &Path) -> Result<bool> {
    let is_output = |marker: Marker| ["public", "private", "state"].contains(&&*marker.folder);
    Ok(folder.ends_with(".variants") || read_marker(folder)?.is_some_and(is_output))
}

/// A link or a pipe in the place of a document is a fault of it, not a reason to look elsewhere.
fn is_there(document: &Path) -> bool {
    document.symlink_metadata().is_ok()
}

fn check(subject: &Subject, limits: &Limits) -> Result<Findings> {
    match subject {
        Subject::Release(folder) => Ok(check_folder(folder, Some(limits))?.0),
        Subject::Preset(path) => check_preset(path),
        Subject::Archive(path) => check_archive(path, limits),
    }
}
