//! `rackgen token …`: minted tokens, on the state folder; and hashes for the access file.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::json;

use super::audit::note_refusal;
use super::{Format, Outcome, operator, print_json, print_line, require_owner, state_of};
use crate::access::SecretHash;
use crate::audit::{Action, Attempt, Line, Log};
use crate::client::{BearerToken, NoToken};
use crate::config::SharedArgs;
use crate::error::{At, Error, Result};
use crate::folders::Adoption;
use crate::token::keys::Before;
use crate::token::lifetime::Lifetime;
use crate::token::office::{Office, Order, TokenName};
use crate::token::usage::Usage;
use crate::token::{Names, Row, Scope, TokenId, Tokens};

/// What is to be done about tokens.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Mint a token and print it, this once
    #[command(after_help = "\
Examples:
  rackgen token create --name ci --scope 'publish:@team/features/*' --expires 90d
  rackgen token create --name releases --scope publish:@team --scope tag:@team --expires 1y
  rackgen token create --name mirror --scope 'read:*' --expires 30d > ~/.rack-token
Scopes:
  publish, yank, tag    over @ns, @ns/path, @ns/prefix/* or *
  read, admin           over @ns or *
  Who may publish somewhere in a namespace may read all of it; admin is all of these.")]
    Create(CreateArgs),
    /// Name the tokens that were minted: scopes, when they end, when they were last used
    #[command(after_help = "\
Examples:
  rackgen token list
  rackgen token list --format json")]
    List(ListArgs),
    /// Take a token back, at once and for good
    #[command(after_help = "\
Examples:
  rackgen token revoke 6f1d20c7a9be4433    its id, which `list` tells
  sudo -u rack rackgen token revoke 6f1d20c7a9be4433 --config /etc/rack/main/rack.toml")]
    Revoke(RevokeArgs),
    /// Sign with a new key from now on; the one before stays good until the next time
    #[command(after_help = "\
Examples:
  rackgen token rotate                     once a year, say; tokens stay good until the next time
  rackgen token rotate --revoke-all        a key leaked, or a state folder was restored from a backup")]
    Rotate(RotateArgs),
    /// Turn a token into what the access file can hold instead: its hash
    #[command(after_help = "\
Examples:
  rackgen token hash                       asks for it
  rackgen token hash < token.txt")]
    Hash,
}

#[derive(Debug, clap::Args)]
pub(super) struct CreateArgs {
    /// What people call it; publishes are recorded under it
    #[arg(long)]
    name: TokenName,
    /// What it allows; may be repeated
    #[arg(long = "scope", required = true, value_name = "VERB:PATTERN")]
    scopes: Vec<Scope>,
    /// How long it lives, as in 90d; at most `max_token_age` of the configuration file (366d)
    #[arg(long, value_name = "SPAN")]
    expires: Lifetime,
    #[command(flatten)]
    shared: SharedArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    shared: SharedArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct RevokeArgs {
    /// Its id, which `list` tells
    #[arg(value_name = "JTI")]
    id: TokenId,
    #[command(flatten)]
    shared: SharedArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct RotateArgs {
    /// Forget the keys that there are: every token minted so far is worth nothing from now on
    #[arg(long)]
    revoke_all: bool,
    #[command(flatten)]
    shared: SharedArgs,
}

pub(super) fn run(command: Command, format: Format) -> Result<Outcome> {
    match command {
        Command::Create(args) => create(args, format),
        Command::List(args) => list(args, format),
        Command::Revoke(args) => revoke(args, format),
        Command::Rotate(args) => rotate(args, format),
        Command::Hash => hash(format),
    }?;
    Ok(Outcome::Done)
}

fn create(args: CreateArgs, format: Format) -> Result<()> {
    let (settings, file) = args.shared.resolve()?;
    let folders = settings.folders.check(Adoption::IfNew)?;
    require_owner(&folders.state, "token")?;
    let now = Timestamp::now();
    let most = file.max_token_age.unwrap_or_default();
    let expires = args.expires.end_within(&most, now);
    let expires = expires.map_err(|why| Error::refused("--expires", why))?;
    let order = Order {
        name: args.name,
        scopes: args.scopes,
        expires,
    };
    let names = Names::of(folders.id(), settings.public_url.as_ref());
    let log = Log::of(&folders.state, settings.audit);
    let attempt = attempt(Action::TokenCreate);
    let created = Office::enter(&folders.state)
        .and_then(|office| office.create(&names, order, now))
        .inspect_err(|error| note_refusal(&log, attempt.clone().stopped(error)))?;
    let (id, entry) = (&created.id, &created.entry);
    // Nobody holds a token that has no line.
    log.append_durably(&line(attempt, Some(id), entry.to_string()))?;
    match format {
        Format::Json => print_json(&created),
        Format::Text => {
            // Beside the token, which may go into a file or a variable.
            anstream::eprintln!(
                "token {id} ({}), good until {:.0}; it is shown this once:",
                entry.name,
                entry.expires
            );
            print_line(&created.text)
        }
    }
}

fn list(args: ListArgs, format: Format) -> Result<()> {
    let state = state_of(&args.shared.resolve()?.0)?;
    let tokens = Tokens::load(&state)?;
    let usage = Usage::load(&state)?;
    let now = Timestamp::now();
    let rows = tokens.ledger().iter();
    let mut rows = rows.map(|(id, entry)| Row::of(id, entry, &tokens, &usage, now));
    match format {
        Format::Json => print_json(&json!({ "tokens": rows.collect::<Vec<_>>() })),
        Format::Text => rows.try_for_each(|row| {
            let scopes: Vec<_> = row.scopes.iter().map(Scope::to_string).collect();
            print_line(format_args!(
                "{}  {:<8} {}  {}  created {:.0}  expires {:.0}  last used {}",
                row.id,
                row.standing.as_str(),
                row.name,
                scopes.join(" "),
                row.created,
                row.expires,
                row.last_used
                    .map_or_else(|| "never".to_owned(), |time| format!("{time:.0}")),
            ))
        }),
    }
}

fn revoke(args: RevokeArgs, format: Format) -> Result<()> {
    let (state, log) = state_and_log(args.shared)?;
    require_owner(&state, "token")?;
    let id = args.id;
    let attempt = attempt(Action::TokenRevoke);
    let entry = Office::enter(&state)
        .and_then(|office| office.revoke(&id, Timestamp::now()))
        .inspect_err(|error| {
            let token = Some(id.clone());
            let attempt = Attempt {
                token,
                ..attempt.clone()
            };
            note_refusal(&log, attempt.stopped(error));
        })?;
    log.append_durably(&line(attempt, Some(&id), entry.name.clone()))?;
    match format {
        Format::Json => {
            print_json(&json!({ "id": id, "name": entry.name, "revoked": entry.revoked }))
        }
        Format::Text => print_line(format_args!("{id} ({}) is revoked", entry.name)),
    }
}

fn rotate(args: RotateArgs, format: Format) -> Result<()> {
    let (state, log) = state_and_log(args.shared)?;
    require_owner(&state, "token")?;
    let (before, says) = match args.revoke_all {
        false => (
            Before::KeepOne,
            "tokens of the key before it stay good until the next time",
        ),
        true => (
            Before::Forget,
            "every token minted so far is worth nothing any more",
        ),
    };
    let attempt = attempt(Action::TokenRotate);
    let kid = Office::enter(&state)
        .and_then(|office| office.rotate(before))
        .inspect_err(|error| note_refusal(&log, attempt.clone().stopped(error)))?;
    log.append_durably(&line(attempt, None, format!("key {kid}; {says}")))?;
    match format {
        Format::Json => print_json(&json!({ "key": kid })),
        Format::Text => print_line(format_args!("tokens are signed with key {kid} now; {says}")),
    }
}

fn hash(format: Format) -> Result<()> {
    let token = read_secret()?;
    // As a daemon takes it from a header.
    let token = token.trim();
    if token.starts_with("sha256:") {
        return Err(Error::refused("standard input", "this is a hash already"));
    }
    let _: BearerToken = token
        .parse()
        .map_err(|why: NoToken| Error::refused("standard input", why))?;
    let hash = SecretHash::of(token).to_string();
    match format {
        Format::Json => print_json(&json!({ "token": hash })),
        Format::Text => print_line(hash),
    }
}

/// From a terminal without showing it, else all that comes.
fn read_secret() -> Result<String> {
    let input = Path::new("standard input");
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password("Token: ").at("read", input);
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .at("read", input)?;
    Ok(text)
}

/// The state folder of a registry that is there already, and its audit log.
fn state_and_log(shared: SharedArgs) -> Result<(PathBuf, Log)> {
    let (settings, _) = shared.resolve()?;
    let state = state_of(&settings)?;
    let log = Log::of(&state, settings.audit);
    Ok((state, log))
}

fn attempt(action: Action) -> Attempt {
    Attempt {
        by: Some(operator()),
        ..Attempt::of(action)
    }
}

/// It was done to this token.
fn line(attempt: Attempt, token: Option<&TokenId>, reason: String) -> Line {
    let attempt = Attempt {
        token: token.cloned(),
        reason: Some(reason),
        ..attempt
    };
    attempt.succeeded()
}
