//! Wrong usage in one line, as every other reason why nothing was done (interface.md, "Exit status").

use std::env;
use std::io;
use std::process::ExitCode;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// The parsed command line; else what the process exits with, after it said why or showed its help.
pub fn parse<T: Parser>() -> Result<T, ExitCode> {
    T::try_parse().map_err(|error| {
        if !error.use_stderr()
            || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        {
            return match error.print() {
                // A pipe that is closed early is no fault.
                Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => {
                    let name = T::command().get_name().to_owned();
                    eprintln!("{name}: cannot print to standard output: {cause}");
                    ExitCode::from(2)
                }
                _ => ExitCode::from(error.exit_code().try_into().unwrap_or(2)),
            };
        }
        let text = error.render().to_string();
        // The usage and what follows it are a `--help` away.
        let sentences = text
            .split("\n\nUsage:")
            .next()
            .unwrap_or(&text)
            .trim_start_matches("error: ")
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with("For more information"))
            .collect::<Vec<_>>()
            .join("; ")
            .replace(":; ", ": ");
        let name = T::command().get_name().to_owned();
        let variable = empty_variable(&error).map_or(String::new(), |variable| {
            format!(" ({variable} is set, and empty)")
        });
        eprintln!("{name}: {sentences}{variable} (see --help)");
        ExitCode::from(2)
    })
}

/// The variable that stands for the flag that lacks a value (interface.md: `RACK_<FLAG>`), if that is where it is from.
fn empty_variable(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(arg)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let flag = arg.strip_prefix("--")?.split([' ', '[']).next()?;
    let variable = format!("RACK_{}", flag.replace('-', "_").to_uppercase());
    env::var_os(&variable)?.is_empty().then_some(variable)
}
