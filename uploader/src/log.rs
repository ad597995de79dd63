//! The log: to standard error, as text for people or as one JSON object a line for machines.

use std::io::{IsTerminal, stderr};

use clap::ValueEnum;
use tracing_subscriber::filter::LevelFilter;

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl LogFormat {
    pub(crate) fn parse(word: &str) -> Result<Self, String> {
        Self::from_str(word, false).map_err(|_| format!("`{word}` is neither text nor json"))
    }
}

/// What the log is like.
#[derive(Debug, Clone)]
pub(crate) struct LogSettings {
    /// None: by what standard error is.
    pub(crate) format: Option<LogFormat>,
    pub(crate) level: LevelFilter,
}

pub(crate) fn parse_level(word: &str) -> Result<LevelFilter, String> {
    word.parse()
        .map_err(|_| format!("`{word}` is no level; there are error, warn, info, debug, trace"))
}

/// Starts the log of this process.
pub(crate) fn start(settings: &LogSettings) {
    let terminal = stderr().is_terminal();
    let default = if terminal {
        LogFormat::Text
    } else {
        LogFormat::Json
    };
    let log = tracing_subscriber::fmt()
        .with_max_level(settings.level)
        .with_writer(stderr)
        .with_ansi(terminal)
        // It would be told to standard error, which is what failed.
        .log_internal_errors(false)
        .with_target(false);
    match settings.format.unwrap_or(default) {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}
