//! `rackgen verify`

use super::progress::Progress;
use super::{Format, Outcome, print_json, print_line, print_problems};
use crate::build::Registry;
use crate::config::SharedArgs;
use crate::error::Result;
use crate::folders::Adoption;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  rackgen verify                           hashes source and trees against the events and the record
  rackgen verify --format json             the same, for a machine")]
pub(super) struct Args {
    #[command(flatten)]
    shared: SharedArgs,
}

pub(super) fn run(args: Args, format: Format) -> Result<Outcome> {
    let (settings, _) = args.shared.resolve()?;
    let registry = Registry::new(
        settings.folders.check(Adoption::IfNew)?,
        settings.outputs,
        settings.audit,
    );
    let progress = Progress::of_parts();
    let verified = registry.verify(&|all| progress.advance(1, all as u64))?;
    drop(progress);
    match format {
        Format::Json => print_json(&verified)?,
        Format::Text => {
            print_problems(&verified.problems);
            let verdict = match verified.problems.len() {
                0 => "all is as it was published".to_owned(),
                1 => "1 thing is not as it should be".to_owned(),
                many => format!("{many} things are not as they should be"),
            };
            print_line(format_args!(
                "{} versions and {} resources hashed: {verdict}",
                verified.releases, verified.resources
            ))?;
        }
    }
    Ok(match verified.problems.is_empty() {
        true => Outcome::Done,
        false => Outcome::PartsRefused,
    })
}
