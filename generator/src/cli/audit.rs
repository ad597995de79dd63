//! `rackgen audit`: the audit log, filtered, and followed while it grows.

use std::collections::VecDeque;
use std::io::{ErrorKind, Write as _};
use std::net::IpAddr;
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use jiff::Timestamp;

use super::{Format, Outcome, print_line};
use crate::access::parse_time;
use crate::audit::{self, Action, Line, Log, Subject};
use crate::config::SharedArgs;
use crate::error::{At, Result};
use crate::error_code::ErrorCode;
use crate::model::Words;
use crate::schema::{DidYouMean, nearest};
use crate::token::Pattern;
use crate::token::lifetime::Lifetime;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  rackgen audit -n 20                      the last twenty lines
  rackgen audit --since 7d --outcome refused
  rackgen audit --item '@team/features/*' --action publish --action yank
  rackgen audit --request-id 2375183fc6cc368a
  rackgen audit --follow --format json | jq -r .by.name
Outcomes: ok, or the code of the refusal, as VERSION_EXISTS (docs/errors.md)")]
pub(super) struct Args {
    /// Lines from then on: a time or a date (UTC, if it does not say), or how long ago, as in 12h or 7d
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Lines until then, likewise
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
    /// What was tried; may be repeated
    #[arg(long = "action", value_name = "ACTION")]
    actions: Vec<Action>,
    /// What it was tried on: @ns, @ns/path, @ns/prefix/*
    #[arg(long, value_name = "PATTERN")]
    item: Option<Pattern>,
    /// Who tried: a name, or the id of a token
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// What came of it: ok, refused (whatever the code), or a code
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<Came>,
    /// The address that it came from
    #[arg(long, value_name = "ADDR")]
    client: Option<IpAddr>,
    /// The id of the request, which every answer has
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Only the last so many of these
    #[arg(short = 'n', long, value_name = "N")]
    lines: Option<usize>,
    /// Go on with what is yet to come, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    shared: SharedArgs,
}

/// A point in time, as somebody types it.
#[derive(Debug, Clone, Copy)]
struct Moment(Timestamp);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ago = || text.parse::<Lifetime>()?.start(Timestamp::now());
        let time = parse_time(text).map_or_else(ago, Ok);
        time.map(Self)
            .map_err(|_| "it is a time, as 2026-11-28T09:30:00Z, or how long ago, as 12h".into())
    }
}

/// What came of an attempt, as somebody asks for it.
#[derive(Debug, Clone, Copy)]
enum Came {
    Ok,
    Refused,
    /// Refused with this code.
    With(ErrorCode),
}

impl FromStr for Came {
    type Err = String;

    /// A word that no line can have would look like nothing that happened.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "ok" => Ok(Self::Ok),
            "refused" => Ok(Self::Refused),
            _ => <ErrorCode as ValueEnum>::from_str(text, true)
                .map(Self::With)
                .map_err(|_| {
                    let codes = ErrorCode::value_variants().iter().map(|code| code.as_str());
                    let hint = DidYouMean(nearest(text, codes.chain(["ok", "refused"])));
                    format!("it is ok, refused, or a code of docs/errors.md{hint}")
                }),
        }
    }
}

impl Came {
    fn is(self, outcome: &audit::Outcome) -> bool {
        match self {
            Self::Ok => *outcome == audit::Outcome::OK,
            Self::Refused => *outcome != audit::Outcome::OK,
            Self::With(code) => outcome.as_str() == code.as_str(),
        }
    }
}

/// How often a log is looked at that is followed.
const STEP: Duration = Duration::from_millis(200);

pub(super) fn run(args: Args, format: Format) -> Result<Outcome> {
    let (settings, _) = args.shared.clone().resolve()?;
    let state = &settings.folders.state;
    std::fs::metadata(state).at("read", state)?;
    let mut reader = Log::of(state, settings.audit).reader();
    let mut unread = 0;
    let mut next = || -> Result<Option<Line>> {
        while let Some(text) = reader.next_line()? {
            match serde_json::from_slice::<Line>(&text) {
                Ok(line) if args.admits(&line) => return Ok(Some(line)),
                Ok(_) => {}
                Err(_) => unread += 1,
            }
        }
        Ok(None)
    };
    let mut last = VecDeque::new();
    while let Some(line) = next()? {
        match args.lines {
            None => print_line(shown(&line, format))?,
            Some(most) => {
                last.push_back(line);
                last.drain(..last.len().saturating_sub(most));
            }
        }
    }
    last.iter()
        .try_for_each(|line| print_line(shown(line, format)))?;
    if args.follow {
        follow(next, format)?;
    }
    if unread > 0 {
        anstream::eprintln!("lines of the audit log that this program cannot read: {unread}");
        return Ok(Outcome::PartsRefused);
    }
    Ok(Outcome::Done)
}

impl Args {
    fn admits(&self, line: &Line) -> bool {
        let Line {
            time,
            attempt,
            outcome,
        } = line;
        fn is<T>(wanted: &Option<T>, holds: impl Fn(&T) -> bool) -> bool {
            wanted.as_ref().is_none_or(holds)
        }
        let by = attempt.by.as_ref();
        is(&self.since, |since| *time >= since.0)
            && is(&self.until, |until| *time <= until.0)
            && (self.actions.is_empty() || self.actions.contains(&attempt.action))
            && is(&self.item, |pattern| match &attempt.item {
                Some(Subject::Item(item)) => pattern.covers(item),
                Some(Subject::Namespace(namespace)) => pattern.covers_all(namespace),
                None => *pattern == Pattern::Everywhere,
            })
            && is(&self.by, |wanted| {
                by.is_some_and(|by| by.name == *wanted || by.token.as_ref() == Some(wanted))
            })
            && is(&self.outcome, |wanted| wanted.is(outcome))
            && is(&self.client, |client| attempt.client == Some(*client))
            && is(&self.request_id, |id| {
                attempt.request_id.as_ref() == Some(id)
            })
    }
}

/// Notes what was refused. Whoever is told why needs no other error because that cannot be noted.
pub(super) fn note_refusal(log: &Log, line: Line) {
    if let Err(error) = log.append(&[line]) {
        anstream::eprintln!("the audit log has no line of this: {error}");
    }
}

/// Until nobody reads it any more.
fn follow(mut next: impl FnMut() -> Result<Option<Line>>, format: Format) -> Result<()> {
    loop {
        match next()? {
            None => thread::sleep(STEP),
            Some(line) => match writeln!(anstream::stdout(), "{}", shown(&line, format)) {
                Err(cause) if cause.kind() == ErrorKind::BrokenPipe => return Ok(()),
                printed => printed.at("print to", "standard output".as_ref())?,
            },
        }
    }
}

fn shown(line: &Line, format: Format) -> String {
    match format {
        // A line always has a JSON form.
        Format::Json => serde_json::to_string(line).unwrap_or_default(),
        Format::Text => in_columns(line),
    }
}

fn in_columns(line: &Line) -> String {
    let Line {
        time,
        attempt,
        outcome,
    } = line;
    let color = match *outcome == audit::Outcome::OK {
        true => AnsiColor::Green,
        false => AnsiColor::Red,
    };
    let style: Style = color.on_default();
    let by = attempt.by.as_ref().map(|by| match &by.token {
        Some(token) => format!("{} ({token})", by.name),
        None => by.name.clone(),
    });
    let what = attempt.item.as_ref().map(|item| match &attempt.version {
        Some(version) => format!("{item}@{version}"),
        None => item.to_string(),
    });
    let tag = attempt.tag.as_ref().map(ToString::to_string);
    let token = attempt.token.as_ref().map(ToString::to_string);
    let reason = attempt.reason.as_ref().map(|reason| format!("({reason})"));
    let client = attempt.client.map(|client| client.to_string());
    let rest: Vec<String> = [what, tag, token, reason].into_iter().flatten().collect();
    format!(
        "{time:.0}  {style}{:<24}{style:#}  {:<12}  {:<32}  {:<15}  {}",
        outcome.as_str(),
        attempt.action.as_str(),
        Words(by.as_deref().unwrap_or("-")).to_string(),
        client.as_deref().unwrap_or("-"),
        Words(&rest.join(" ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_wrote_moves_no_cursor_and_turns_no_text() {
        let line = r#"{"time":"2026-11-28T00:00:00Z","action":"yank","by":{"name":"ci\u001b[2J"},"reason":"a\u202eb\r\nc","outcome":"ok"}"#;
        let shown = in_columns(&serde_json::from_str(line).unwrap());
        let text = anstream::adapter::strip_str(&shown).to_string();
        assert!(text.contains(r"ci\u{1b}[2J"), "{text}");
        assert!(text.ends_with(r"(a\u{202e}b\r\nc)"), "{text}");
    }
}
