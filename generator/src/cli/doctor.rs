//! `rackgen doctor`

use std::env;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use anstyle::AnsiColor;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory};
use serde_json::json;

use super::{Cli, Format, Outcome, print_json, print_line};
use crate::config::{
    AccessSource, ConfigFile, Settings, SharedArgs, file_to_read, legacy_listen, legacy_variable,
};
use crate::doctor::{Finding, Origin, Setting, Status, examine, redact};
use crate::error::{Error, Result};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  rackgen doctor                           with rack.toml of this folder
  sudo -u rack rackgen doctor --config /etc/rack/main/rack.toml
  rackgen doctor --format json             for a bug report, or a monitor
Exit status: 0 all is well, 1 something is at fault, 2 it could not look")]
pub(super) struct Args {
    #[command(flatten)]
    shared: SharedArgs,
}

pub(super) fn run(args: Args, format: Format) -> Result<Outcome> {
    let config = args.shared.config.clone();
    let (settings, file) = args
        .shared
        .resolve()
        // It may quote the file.
        .map_err(|error| Error::refused("the configuration", redact(&error.to_string())))?;
    let findings = examine(&settings, &origins(&settings, &file, config.as_deref()));
    let count = |status| {
        findings
            .iter()
            .filter(|finding| finding.status == status)
            .count()
    };
    let (faults, warnings) = (count(Status::Fault), count(Status::Warning));
    match format {
        Format::Json => {
            print_json(&json!({ "findings": findings, "faults": faults, "warnings": warnings }))?
        }
        Format::Text => {
            findings.iter().try_for_each(print)?;
            print_line(match (faults, warnings) {
                (0, 0) => "all is well".to_owned(),
                (0, warnings) => format!("no fault; warnings: {warnings}"),
                (faults, warnings) => format!("faults: {faults}; warnings: {warnings}"),
            })?;
        }
    }
    Ok(match faults {
        0 => Outcome::Done,
        _ => Outcome::PartsRefused,
    })
}

fn print(finding: &Finding) -> Result<()> {
    let color = match finding.status {
        Status::Ok => AnsiColor::Green,
        Status::Warning => AnsiColor::Yellow,
        Status::Fault => AnsiColor::Red,
    };
    let style = color.on_default();
    let (status, check) = (finding.status.as_str(), finding.check);
    print_line(format_args!(
        "{style}{status:<8}{style:#}{check:<9} {}",
        finding.says
    ))
}

/// What is in force, and where that comes from.
fn origins(settings: &Settings, file: &ConfigFile, config: Option<&Path>) -> Vec<Setting> {
    let typed = Cli::command().try_get_matches_from(env::args_os()).ok();
    let typed = typed.as_ref().and_then(ArgMatches::subcommand);
    let setting = |key, legacy, in_file, value: &dyn Display| Setting {
        key,
        value: value.to_string(),
        origin: match typed.and_then(|(_, matches)| matches.value_source(key)) {
            Some(ValueSource::CommandLine) => Origin::Flag,
            Some(ValueSource::EnvVariable) => Origin::Environment(ours(key)),
            _ => elsewhere(legacy, in_file),
        },
    };
    let folders = &settings.folders;
    let none = "none".to_owned();
    let read = file_to_read(config).map_or_else(|| none.clone(), |read| read.display().to_string());
    let access = match &settings.access {
        AccessSource::File(path) => {
            let in_file = file.access.is_some();
            setting("access", "AUTH_CONFIG_PATH", in_file, &path.display())
        }
        AccessSource::Open => setting("open", "", file.open.is_some(), &true),
    };
    let folder = |key, legacy, in_file: &Option<PathBuf>, path: &Path| {
        setting(key, legacy, in_file.is_some(), &path.display())
    };
    let encodings = String::from(settings.outputs.encodings.clone());
    let compression = format!("{:?}", settings.outputs.compression).to_lowercase();
    let url = settings.public_url.as_ref().map(ToString::to_string);
    let mut all = vec![
        setting("config", "", false, &read),
        folder("source", "STORAGE_ROOT", &file.source, &folders.source),
        folder("public", "", &file.public, &folders.public),
        folder("private", "", &file.private, &folders.private),
        folder("state", "", &file.state, &folders.state),
        access,
        folder(
            "webhooks",
            "WEBHOOK_CONFIG_PATH",
            &file.webhooks,
            &settings.webhooks.path,
        ),
        setting("encodings", "", file.encodings.is_some(), &encodings),
        setting("compression", "", file.compression.is_some(), &compression),
        setting(
            "public_url",
            "",
            file.public_url.is_some(),
            &url.unwrap_or(none),
        ),
    ];
    all.extend(of_the_daemon(file));
    all
}

/// What `rackd` would find in this environment and this file; its flags nobody knows here. Only what is set.
fn of_the_daemon(file: &ConfigFile) -> impl Iterator<Item = Setting> {
    fn text<T: ToString>(value: &Option<T>) -> Option<String> {
        value.as_ref().map(ToString::to_string)
    }
    fn legacy(name: &str) -> Option<(String, String)> {
        let value = legacy_variable(name)?;
        Some((name.to_owned(), value.display().to_string()))
    }
    let address = legacy_listen().map(|address| ("HOST, PORT".to_owned(), address));
    let all = [
        ("listen", address, text(&file.listen)),
        ("serve_reads", None, text(&file.serve_reads)),
        ("max_upload", None, text(&file.max_upload)),
        (
            "trust_proxy",
            legacy("TRUST_PROXY"),
            text(&file.trust_proxy),
        ),
        ("rate_limit", None, text(&file.rate_limit)),
        ("rate_limit_reads", None, text(&file.rate_limit_reads)),
        ("read_only", None, text(&file.read_only)),
        ("log", None, text(&file.log)),
        ("log_level", legacy("LOG_LEVEL"), text(&file.log_level)),
    ];
    all.into_iter().filter_map(|(key, legacy, in_file)| {
        let variable = env::var(ours(key)).ok().map(|value| (ours(key), value));
        let environment = variable
            .or(legacy)
            .map(|(name, value)| (Origin::Environment(name), value));
        let (origin, value) = environment.or(in_file.map(|value| (Origin::File, value)))?;
        Some(Setting { key, value, origin })
    })
}

/// The variable of a setting of ours.
fn ours(key: &str) -> String {
    format!("RACK_{}", key.to_uppercase())
}

/// Neither flag nor variable of ours: a variable of the server that we replace, the file, or nothing.
fn elsewhere(legacy: &str, in_file: bool) -> Origin {
    match legacy_variable(legacy).is_some() {
        true => Origin::Environment(legacy.to_owned()),
        false if in_file => Origin::File,
        false => Origin::Default,
    }
}
