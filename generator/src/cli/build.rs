//! `rackgen build`

use rayon::ThreadPoolBuilder;
use serde_json::json;

use super::progress::Progress;
use super::{Format, Outcome, print_json, print_line, print_problems};
use crate::build::{BuildOptions, Registry};
use crate::config::SharedArgs;
use crate::error::{Error, Result};
use crate::folders::Adoption;
use crate::plan::Plan;
use crate::report::Report;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  rackgen build                            with rack.toml, or the folders source, public, private, state
  rackgen build --dry-run                  what would change
  rackgen build --open --source examples/registry --state /tmp/state --public /tmp/public --private /tmp/private")]
pub(super) struct Args {
    /// Print what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Make every output anew, whatever the record of the last build says
    #[arg(long)]
    full: bool,
    /// How many threads work [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Go on where over a tenth of the outputs, and over a hundred, would be removed
    #[arg(long)]
    allow_removals: bool,
    /// Take a source tree that lost its id
    #[arg(long)]
    adopt: bool,
    #[command(flatten)]
    shared: SharedArgs,
}

pub(super) fn run(args: Args, format: Format) -> Result<Outcome> {
    if let Some(jobs) = args.jobs {
        ThreadPoolBuilder::new()
            .num_threads(jobs.into())
            .build_global()
            .map_err(|fault| Error::refused("--jobs", fault))?;
    }
    let (settings, _) = args.shared.resolve()?;
    for fault in settings.access.load()?.faults() {
        anstream::eprintln!("warning: {fault}");
    }
    let adoption = match args.adopt {
        true => Adoption::Always,
        false => Adoption::IfNew,
    };
    let registry = Registry::new(settings.folders.check(adoption)?, settings.outputs);
    let decide = || settings.access.load();
    let options = BuildOptions {
        full: args.full,
        allow_removals: args.allow_removals,
    };
    let report = if args.dry_run {
        let (report, plan) = registry.dry_run(&decide, options)?;
        print_plan(&report, &plan, format)?;
        report
    } else {
        let progress = Progress::of_resources();
        let report = registry.build(&decide, options, &|all| progress.advance(1, all as u64))?;
        drop(progress);
        match format {
            Format::Json => print_json(&report)?,
            Format::Text => {
                print_problems(&report.problems);
                print_line(&report)?;
            }
        }
        report
    };
    Ok(match report.refused() {
        true => Outcome::PartsRefused,
        false => Outcome::Done,
    })
}

fn print_plan(report: &Report, plan: &Plan, format: Format) -> Result<()> {
    let written = plan
        .writes
        .iter()
        .map(|write| (&write.key, write.row.current.is_some()));
    let gone = plan
        .withdrawals
        .iter()
        .chain(&plan.removals)
        .filter(|removal| removal.last);
    match format {
        Format::Json => {
            let urls = |replaced: bool| -> Vec<String> {
                let matching = written.clone().filter(|(_, old)| *old == replaced);
                matching.map(|(key, _)| key.to_string()).collect()
            };
            print_json(&json!({
                "write": urls(false),
                "replace": urls(true),
                "remove": gone.map(|removal| removal.key.to_string()).collect::<Vec<_>>(),
                "kept": plan.kept,
                "problems": report.problems,
            }))
        }
        Format::Text => {
            print_problems(&report.problems);
            for (key, replaced) in written {
                let verb = if replaced { "replace" } else { "write" };
                print_line(format_args!("{verb:8} {key}"))?;
            }
            for removal in gone {
                print_line(format_args!("remove   {}", removal.key))?;
            }
            print_line(format_args!(
                "{} would stay as they are; nothing was changed",
                plan.kept
            ))
        }
    }
}
