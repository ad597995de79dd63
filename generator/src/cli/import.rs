//! `rackgen import`

use std::path::PathBuf;
use std::time::Instant;

use clap::builder::BoolishValueParser;
use rayon::ThreadPoolBuilder;
use serde_json::json;

use super::progress::Progress;
use super::{Format, Outcome, print_json, print_line, print_problems, server};
use crate::client::Client;
use crate::config::{Settings, SharedArgs};
use crate::error::{At, Error, Result};
use crate::folders::Adoption;
use crate::import::{Folder, Http, Origin, Remote, Report, Survey, Wanted, survey, take};
use crate::model::{Namespace, PresetName, Version};
use crate::public_url::PublicUrl;
use crate::report::Severity;
use crate::source::SourceTree;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  rackgen import --from https://registry.example.com --preset node
  RACK_TOKEN=… rackgen import --from https://registry.example.com --namespace @team
  rackgen import --from /srv/registry/storage --dry-run")]
pub(super) struct Args {
    /// The registry: its address, or its storage folder
    #[arg(long, value_name = "URL|DIR")]
    from: String,
    /// Take this namespace only; may be repeated
    #[arg(long = "namespace", value_name = "@NS")]
    namespaces: Vec<Namespace>,
    /// Take this preset; may be repeated, and has to be for an address: presets are not listed there
    #[arg(long = "preset", value_name = "NAME")]
    presets: Vec<PresetName>,
    /// Print what would be taken, and take nothing
    #[arg(long, env = "RACK_DRY_RUN", value_parser = BoolishValueParser::new())]
    dry_run: bool,
    /// How many items are taken at a time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
    /// A file that holds the token; without it, the variable RACK_TOKEN does
    #[arg(long, value_name = "FILE", env = "RACK_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    shared: SharedArgs,
}

pub(super) fn run(args: Args, format: Format) -> Result<Outcome> {
    let start = Instant::now();
    let config = args.shared.config.clone();
    let (settings, _) = args.shared.clone().resolve()?;
    let source = SourceTree::at(&settings.folders.source);
    source
        .root()
        .metadata()
        .at("read the source tree", source.root())?;
    let id = settings.folders.known_id(Adoption::IfNew)?;
    let origin = origin(&args, &source, &settings)?;
    let wanted = Wanted {
        namespaces: args.namespaces.into_iter().collect(),
        presets: args.presets.into_iter().collect(),
    };
    let workers = ThreadPoolBuilder::new()
        .num_threads(args.jobs.into())
        .build()
        .map_err(|fault| Error::refused("--jobs", fault))?;
    let progress = Progress::of_items();
    let advance = |_, all| progress.advance(1, all);
    let found = workers.install(|| survey(&*origin, &wanted, &advance))?;
    drop(progress);
    if args.dry_run {
        return print_survey(&found, &source, format);
    }
    let progress = Progress::of_versions();
    let advance = |_, all| progress.advance(1, all);
    let mut report = workers.install(|| take(&*origin, &source, id.as_deref(), found, &advance))?;
    drop(progress);
    report.seconds = start.elapsed().as_secs_f64();
    let next = match config {
        Some(config) => format!("rackgen build --config {}", config.display()),
        None => "rackgen build".to_owned(),
    };
    print_report(&report, &next, format)?;
    match report.refused() {
        0 => Ok(Outcome::Done),
        _ if report.is_nothing() => {
            Err(Error::refused(origin.name(), "nothing of it could be had"))
        }
        _ => Ok(Outcome::PartsRefused),
    }
}

fn origin(args: &Args, source: &SourceTree, settings: &Settings) -> Result<Box<dyn Origin>> {
    let limits = settings.limits.clone();
    if !args.from.contains("://") {
        return Ok(Box::new(Folder::new(args.from.as_ref(), source, limits)?));
    }
    let url: PublicUrl = args
        .from
        .parse()
        .map_err(|why| Error::refused("--from", why))?;
    let token = server::token(args.token_file.as_deref())?;
    let client = Client::new(url, token)?;
    Ok(Box::new(Remote::new(
        Http::new(client, server::tell_of_retry),
        limits,
    )))
}

fn print_report(report: &Report, next: &str, format: Format) -> Result<()> {
    match format {
        Format::Json => {
            let mut document = serde_json::to_value(report).unwrap_or_default();
            document["next"] = next.into();
            print_json(&document)
        }
        Format::Text => {
            print_problems(&report.problems);
            print_line(report)?;
            match report.is_nothing() {
                true => Ok(()),
                false => print_line(format_args!("Next: {next}")),
            }
        }
    }
}

/// What would be taken: all that has no folder in the source tree.
fn print_survey(survey: &Survey, source: &SourceTree, format: Format) -> Result<Outcome> {
    let versions = survey.offers.iter().flat_map(|offer| {
        let release = |version: &Version| offer.item.release(version.clone());
        offer.versions.keys().map(release)
    });
    let (there, new): (Vec<_>, Vec<_>) =
        versions.partition(|release| source.release(release).exists());
    let new: Vec<String> = new.iter().map(ToString::to_string).collect();
    let presets = survey
        .presets
        .iter()
        .filter(|name| !source.preset(name).exists());
    let presets: Vec<String> = presets.map(ToString::to_string).collect();
    match format {
        Format::Json => print_json(&json!({
            "take": new,
            "take_presets": presets,
            "there": there.len(),
            "problems": survey.problems,
        }))?,
        Format::Text => {
            print_problems(&survey.problems);
            for version in &new {
                print_line(format_args!("take     {version}"))?;
            }
            for preset in &presets {
                print_line(format_args!("take     preset {preset}"))?;
            }
            print_line(format_args!(
                "{} versions and {} presets would be taken, {} versions are there; nothing was changed",
                new.len(),
                presets.len(),
                there.len()
            ))?;
        }
    }
    let refused = survey
        .problems
        .iter()
        .any(|problem| problem.severity == Severity::Refused);
    Ok(match refused {
        true => Outcome::PartsRefused,
        false => Outcome::Done,
    })
}
