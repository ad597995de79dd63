//! The command line of `rackgen`: parsed here, and without a meaning below.

mod audit;
mod build;
mod check;
mod doctor;
mod excerpt;
mod import;
mod init;
mod lifecycle;
mod nginx;
mod pack;
mod progress;
mod publish;
mod server;
mod token;
mod verify;
mod watch;
mod webhooks;

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt;
use std::panic::{UnwindSafe, catch_unwind, set_hook};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use anstyle::AnsiColor;
use clap::builder::Styles;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::audit::By;
use crate::config::Settings;
use crate::error::{At, Error, Result};
use crate::report::{Problem, Severity};
use crate::usage;

/// A package registry that is a folder of files.
#[derive(Debug, Parser)]
#[command(name = "rackgen", version, styles = STYLES, after_help = "\
Examples:
  rackgen init my-registry                 a new registry, with an admin token
  rackgen build                            source tree → public and private tree
  RACK_TOKEN=… rackgen publish my-item --url https://registry.example.com")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How results are printed: text for people, json for machines
    #[arg(
        long,
        value_enum,
        default_value_t,
        global = true,
        env = "RACK_FORMAT",
        hide_possible_values = true
    )]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a new registry: configuration, empty trees, an admin token, an example item
    Init(init::Args),
    /// Bring the public and the private tree to what the source tree says
    Build(build::Args),
    /// Check folders and archives against every rule of a publish, without a server
    Check(check::Args),
    /// Pack a version's folder into an archive; the same folder gives the same bytes
    Pack(pack::Args),
    /// Upload a version to a registry, packing it if need be
    Publish(publish::Args),
    /// Take what another registry has, by its API or from its storage folder
    Import(Box<import::Args>),
    /// Build whenever the source tree changes
    Watch(watch::Args),
    /// Take a version out of what is offered; who names it exactly still gets it
    #[command(after_help = "\
Examples:
  rackgen yank @team/features/auth@1.2.0 --reason 'leaks its cookie'
  RACK_TOKEN=… rackgen yank @team/features/auth@1.2.0 --url https://registry.example.com")]
    Yank(Box<lifecycle::Reasoned>),
    /// Offer a version again
    #[command(after_help = "\
Examples:
  rackgen unyank @team/features/auth@1.2.0
  RACK_TOKEN=… rackgen unyank @team/features/auth@1.2.0 --url https://registry.example.com")]
    Unyank(Box<lifecycle::Bare>),
    /// Tell whoever uses a version something; it stays on offer
    #[command(after_help = "\
Examples:
  rackgen deprecate @team/features/auth@1.2.0 --reason 'use features/login'
  RACK_TOKEN=… rackgen deprecate @team/features/auth@1.2.0 --reason 'use 2.0.0' --url https://registry.example.com")]
    Deprecate(Box<lifecycle::Told>),
    /// Take that back
    #[command(after_help = "\
Examples:
  rackgen undeprecate @team/features/auth@1.2.0
  RACK_TOKEN=… rackgen undeprecate @team/features/auth@1.2.0 --url https://registry.example.com")]
    Undeprecate(Box<lifecycle::Bare>),
    /// Let a tag name a version
    #[command(after_help = "\
Examples:
  rackgen tag @team/features/auth@2.0.0-rc.1 beta
  curl https://registry.example.com/registries/@team/features/auth/tags/beta")]
    Tag(Box<lifecycle::Tagged>),
    /// Take a tag away
    #[command(after_help = "\
Examples:
  rackgen untag @team/features/auth beta
  RACK_TOKEN=… rackgen untag @team/features/auth beta --url https://registry.example.com")]
    Untag(Box<lifecycle::Untagged>),
    /// Remove a version for good, for legal reasons: its name is never given again
    #[command(after_help = "\
Examples:
  rackgen remove @team/features/auth@1.2.0 --reason 'court order 4711'
  rackgen remove @team/features/auth@1.2.0 --reason 'court order 4711' --config /etc/rack/main/rack.toml")]
    Remove(Box<lifecycle::Removed>),
    /// Mint tokens, list them, take them back; hash those of the access file
    #[command(
        subcommand,
        after_help = "\
Examples:
  rackgen token create --name ci --scope 'publish:@team/features/*' --expires 90d
  rackgen token list
  rackgen token revoke 6f1d20c7a9be4433"
    )]
    Token(Box<token::Command>),
    /// Tell who tried to change what, and what came of it, from the audit log
    Audit(Box<audit::Args>),
    /// Look after webhooks: endpoints, deliveries, redeliveries, a test
    #[command(
        subcommand,
        after_help = "\
Examples:
  rackgen webhooks list
  rackgen webhooks deliveries --limit 20
  rackgen webhooks test https://ci.example.com/hook"
    )]
    Webhooks(Box<webhooks::Command>),
    /// Hash source and trees, and name what is changed, missing or extra
    Verify(verify::Args),
    /// Print the configuration of an nginx that serves these trees
    Nginx(Box<nginx::Args>),
    /// Look for what is wrong with a registry, and change nothing; the output is fit for a bug report
    Doctor(doctor::Args),
    /// Print a script that completes commands and flags in a shell
    #[command(after_help = "\
Examples:
  rackgen completions bash > /etc/bash_completion.d/rackgen
  rackgen completions zsh > ~/.zfunc/_rackgen                 a folder of fpath")]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// How results are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
}

/// How a command ended that was not stopped by an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// All of it.
    Done,
    /// All but what was refused and reported.
    PartsRefused,
}

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Runs the command line; exit statuses are those of interface.md.
pub fn run() -> ExitCode {
    let cli = match usage::parse() {
        Ok(cli) => cli,
        Err(exit) => return exit,
    };
    let outcome = catch_panics(|| execute(cli));
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::PartsRefused) => ExitCode::from(1),
        Err(error) => {
            let red = AnsiColor::Red.on_default().bold();
            anstream::eprintln!("{red}rackgen{red:#}: {error}");
            ExitCode::from(2)
        }
    }
}

/// A panic is a fault of ours, or of a library over a damaged file that whoever called it deals with: told in one
/// line like any other error, and only if nobody does.
fn catch_panics(act: impl FnOnce() -> Result<Outcome> + UnwindSafe) -> Result<Outcome> {
    static PLACE: Mutex<String> = Mutex::new(String::new());
    let place = || PLACE.lock().unwrap_or_else(PoisonError::into_inner);
    set_hook(Box::new(move |panic| {
        *place() = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
    }));
    catch_unwind(act).unwrap_or_else(|_| {
        let why = format!(
            "please report it, it is at {}; the next build completes what it left",
            place()
        );
        Err(Error::refused("a fault of the program", why))
    })
}

fn execute(cli: Cli) -> Result<Outcome> {
    let Cli { command, format } = cli;
    match command {
        Command::Init(args) => init::run(&args, format),
        Command::Build(args) => build::run(args, format),
        Command::Check(args) => check::run(args, format),
        Command::Pack(args) => pack::run(&args, format),
        Command::Publish(args) => publish::run(&args, format),
        Command::Import(args) => import::run(*args, format),
        Command::Watch(args) => watch::run(args, format),
        Command::Yank(args) => lifecycle::yank(*args, format),
        Command::Unyank(args) => lifecycle::unyank(*args, format),
        Command::Deprecate(args) => lifecycle::deprecate(*args, format),
        Command::Undeprecate(args) => lifecycle::undeprecate(*args, format),
        Command::Tag(args) => lifecycle::tag(*args, format),
        Command::Untag(args) => lifecycle::untag(*args, format),
        Command::Remove(args) => lifecycle::remove(*args, format),
        Command::Token(command) => token::run(*command, format),
        Command::Audit(args) => audit::run(*args, format),
        Command::Webhooks(command) => webhooks::run(*command, format),
        Command::Verify(args) => verify::run(args, format),
        Command::Nginx(args) => nginx::run(*args, format),
        Command::Doctor(args) => doctor::run(args, format),
        Command::Completions { shell } => {
            // clap_complete would panic over an output that takes nothing any more.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "rackgen", &mut script);
            print_line(String::from_utf8_lossy(&script).trim_end())?;
            Ok(Outcome::Done)
        }
    }
}

/// Who runs `rackgen`, as events and the audit log have it.
fn operator() -> By {
    let names = ["USER", "LOGNAME"].into_iter();
    let name = names.filter_map(|name| std::env::var(name).ok());
    let name = name.into_iter().find(|name| !name.is_empty());
    By::named(name.unwrap_or_else(|| "rackgen".into()))
}

/// Prints problems where errors go, one a line, warnings told apart.
fn print_problems(problems: &[Problem]) {
    for problem in problems {
        let color = match problem.severity {
            Severity::Warning => AnsiColor::Yellow,
            Severity::Refused => AnsiColor::Red,
        };
        let style = color.on_default();
        anstream::eprintln!("{style}{problem}{style:#}");
    }
}

/// Prints a line of results.
///
/// # Errors
/// Standard output that takes nothing any more; a reader that has seen enough (`| head`) is no error.
fn print_line(line: impl std::fmt::Display) -> Result<()> {
    match writeln!(anstream::stdout(), "{line}") {
        Err(cause) if cause.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed.at("print to", "standard output".as_ref()),
    }
}

/// Prints a document as one line of JSON.
fn print_json(document: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string(document);
    print_line(text.map_err(|fault| Error::refused("standard output", fault))?)
}

/// The state folder of a registry that is there already.
fn state_of(settings: &Settings) -> Result<PathBuf> {
    let state = settings.folders.state.clone();
    fs::metadata(&state).at("read", &state)?;
    Ok(state)
}

/// What root writes for nobody else's eyes, the daemon's user cannot read.
fn require_owner(state: &Path, command: &str) -> Result<()> {
    let owner = fs::metadata(state).at("read", state)?.uid();
    match rustix::process::geteuid().as_raw() {
        0 if owner != 0 => Err(Error::refused(
            state,
            format!(
                "it belongs to user {owner}, who could not read what root writes; run this as `sudo -u '#{owner}' rackgen {command} …`"
            ),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those without two examples, of a command and of all below it (interface.md, "`--help` of each command").
    fn bare(command: &clap::Command) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string);
        let help = help.unwrap_or_default();
        let examples = help.lines().skip_while(|line| *line != "Examples:").skip(1);
        let count = examples.take_while(|line| line.starts_with("  ")).count();
        let name = command.get_name();
        let below = command.get_subcommands().flat_map(bare);
        let below = below.map(|command| format!("{name} {command}"));
        let own = (count < 2).then(|| name.to_owned());
        own.into_iter().chain(below).collect()
    }

    #[test]
    fn the_help_of_each_command_ends_with_examples() {
        assert_eq!(bare(&Cli::command()), [""; 0]);
    }
}
