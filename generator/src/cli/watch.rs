//! `rackgen watch`

use std::cell::RefCell;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::BinaryBytes;
use jiff::Zoned;

use super::{Format, Outcome, print_json, print_line, print_problems};
use crate::build::{BuildOptions, Registry, Scope};
use crate::config::{AccessSource, SharedArgs};
use crate::error::Result;
use crate::folders::Adoption;
use crate::report::{Changes, Problem, Report};
use crate::watch::Watch;

/// A build that failed is tried again after so long: what stopped it may tell nobody when it ends, as a lock does.
const AGAIN: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  rackgen watch                            builds now, and then on every change, until Ctrl-C
  rackgen watch --format json              one JSON document a line for each build")]
pub(super) struct Args {
    #[command(flatten)]
    shared: SharedArgs,
}

pub(super) fn run(args: Args, format: Format) -> Result<Outcome> {
    let (settings, _) = args.shared.resolve()?;
    let registry = Registry::new(
        settings.folders.check(Adoption::IfNew)?,
        settings.outputs.clone(),
        settings.audit.clone(),
    );
    let access = match &settings.access {
        AccessSource::File(path) => Some(path.as_path()),
        AccessSource::Open => None,
    };
    // Before the first build: what changes during it is seen by the second.
    let mut watch = Watch::start(registry.source(), access)?;
    let faults = RefCell::default();
    let decide = || {
        let access = settings.access.load()?;
        tell_new(access.faults(), &mut faults.borrow_mut());
        Ok(access)
    };
    let mut known = Vec::new();
    let mut told = None;
    let mut scope = Scope::Everything;
    loop {
        let outcome = registry.build(&scope, &decide, &BuildOptions::default(), &|_| ());
        let latest = match outcome {
            Ok(report) => {
                tell(&report, &scope, &mut known, format)?;
                told = None;
                None
            }
            Err(error) => {
                let error = error.to_string();
                if told.as_ref() != Some(&error) {
                    anstream::eprintln!("{error}; what is served stays as it is");
                }
                told = Some(error);
                Some(Instant::now() + AGAIN)
            }
        };
        scope = match watch.wait(latest)? {
            None => return Ok(Outcome::Done),
            // After a build that failed nobody knows what the next event leaves out.
            Some(_) if latest.is_some() => Scope::Everything,
            Some(scope) => scope,
        };
    }
}

/// Tells what is wrong with single namespaces of the access file and was not wrong before.
fn tell_new(faults: &[String], known: &mut Vec<String>) {
    for fault in faults.iter().filter(|fault| !known.contains(fault)) {
        anstream::eprintln!("warning: {fault}");
    }
    *known = faults.to_vec();
}

/// A line for each build that changed something, and what is wrong that was not wrong before.
fn tell(report: &Report, scope: &Scope, known: &mut Vec<Problem>, format: Format) -> Result<()> {
    let new: Vec<Problem> = report
        .problems
        .iter()
        .filter(|problem| !known.contains(problem))
        .cloned()
        .collect();
    known.clone_from(&report.problems);
    let Changes {
        written,
        removed,
        bytes,
        ..
    } = report.changes;
    if *scope != Scope::Everything && written + removed == 0 && new.is_empty() {
        return Ok(());
    }
    if format == Format::Json {
        return print_json(report);
    }
    print_problems(&new);
    let clock = match std::io::stdout().is_terminal() {
        true => Zoned::now().strftime("%H:%M:%S ").to_string(),
        false => String::new(),
    };
    print_line(format_args!(
        "{clock}{}: {written} resources written ({}), {removed} removed, in {:.2} s",
        name(scope),
        BinaryBytes(bytes),
        report.seconds
    ))
}

/// What was looked at, in a few words.
fn name(scope: &Scope) -> String {
    const FEW: usize = 3;
    let Scope::Parts(parts) = scope else {
        return "everything".to_owned();
    };
    let mut names: Vec<String> = parts.iter().take(FEW).map(ToString::to_string).collect();
    if parts.len() > FEW {
        names.push(format!("{} more", parts.len() - FEW));
    }
    names.join(", ")
}
