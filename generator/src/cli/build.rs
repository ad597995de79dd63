//! `rackgen build`

use clap::builder::BoolishValueParser;
use indicatif::BinaryBytes;
use rayon::ThreadPoolBuilder;

use super::progress::Progress;
use super::{Format, Outcome, operator, print_json, print_line, print_problems};
use crate::build::{BuildOptions, Registry, Scope};
use crate::config::SharedArgs;
use crate::error::{Error, Result};
use crate::folders::Adoption;
use crate::report::{Action, Changes, Report};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  rackgen build                            with rack.toml, or the folders source, public, private, state
  rackgen build --dry-run                  what would change
  rackgen build --open --source examples/registry --state /tmp/state --public /tmp/public --private /tmp/private")]
pub(super) struct Args {
    /// Print what would change, and change nothing
    #[arg(long, env = "RACK_DRY_RUN", value_parser = BoolishValueParser::new())]
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
    /// Take what a hand made of published versions for what they are from now on
    #[arg(long)]
    accept_changes: bool,
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
    let registry = Registry::new(
        settings.folders.check(adoption)?,
        settings.outputs,
        settings.audit,
    );
    let decide = || settings.access.load();
    let options = BuildOptions {
        full: args.full,
        allow_removals: args.allow_removals,
        accepted_by: args.accept_changes.then(|| operator().name),
    };
    let report = if args.dry_run {
        let report = registry.dry_run(&decide, &options)?;
        print_plan(&report, format)?;
        report
    } else {
        let progress = Progress::of_versions();
        let advance = |all| progress.advance(1, all as u64);
        let report = registry.build(&Scope::Everything, &decide, &options, &advance)?;
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

fn print_plan(report: &Report, format: Format) -> Result<()> {
    if format == Format::Json {
        return print_json(report);
    }
    print_problems(&report.problems);
    for line in &report.planned {
        let verb = match line.action {
            Action::Write => "write",
            Action::Replace => "replace",
            Action::Remove => "remove",
        };
        let size = match (line.before, line.after) {
            (Some(before), Some(after)) if before != after => {
                format!("{} → {}", BinaryBytes(before), BinaryBytes(after))
            }
            (_, Some(bytes)) | (Some(bytes), None) => BinaryBytes(bytes).to_string(),
            (None, None) => String::new(),
        };
        print_line(format_args!("{verb:8} {} ({size}): {}", line.url, line.why))?;
    }
    let Changes {
        written,
        removed,
        kept,
        ..
    } = report.changes;
    print_line(format_args!(
        "{written} resources would be written, {removed} removed, {kept} kept; nothing was changed"
    ))
}
