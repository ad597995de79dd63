//! Wrong usage in one line, as every other reason why nothing was done (interface.md, "Exit status").

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

/// The parsed command line; else what the process exits with, after it said why or showed its help.
pub fn parse<T: Parser>() -> Result<T, ExitCode> {
    T::try_parse().map_err(|error| {
        if !error.use_stderr()
            || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        {
            // Help and version; a pipe that is closed early is no fault.
            let _ = error.print();
            return ExitCode::from(error.exit_code().try_into().unwrap_or(2));
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
        eprintln!("{name}: {sentences} (see --help)");
        ExitCode::from(2)
    })
}
