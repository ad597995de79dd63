//! `rackgen yank`, `unyank`, `deprecate`, `undeprecate`, `tag`, `untag`, `remove`: on the source tree, or on a server.

use std::path::PathBuf;
use std::str::FromStr;

use super::audit::note_refusal;
use super::{Format, Outcome, operator, print_json, print_line, server};
use crate::audit::{Action, Attempt};
use crate::build::Registry;
use crate::config::SharedArgs;
use crate::error::{Error, Result};
use crate::folders::Adoption;
use crate::lifecycle::{LifecycleError, Standing};
use crate::model::{Change, ItemId, ReleaseId, Tag, Words};
use crate::public_url::PublicUrl;
use serde_json::{Value, json};

/// `@ns/path@version`
#[derive(Debug, Clone)]
pub(super) struct ReleaseArg(ReleaseId);

impl FromStr for ReleaseArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (item, version) = text
            .get(1..)
            .and_then(|rest| rest.rfind('@'))
            .map(|at| text.split_at(at + 1))
            .ok_or("it is an item and a version, like @ns/path@1.0.0")?;
        let item: ItemId = item.parse().map_err(|fault| format!("{fault}"))?;
        let version = version[1..].parse().map_err(|fault| format!("{fault}"))?;
        Ok(Self(item.release(version)))
    }
}

/// Where it happens.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// A registry's URL: it is asked to do so [default: the source tree is changed here]
    #[arg(long, env = "RACK_URL")]
    url: Option<PublicUrl>,
    /// A file that holds the token for `--url`; without it, the variable RACK_TOKEN does
    #[arg(long, value_name = "FILE", env = "RACK_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    shared: SharedArgs,
}

/// A version, and why.
#[derive(Debug, clap::Args)]
pub(super) struct Reasoned {
    /// The version
    #[arg(value_name = "@NS/PATH@VERSION")]
    release: ReleaseArg,
    /// Why, for people
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    place: Place,
}

/// A version, and something that people have to be told.
#[derive(Debug, clap::Args)]
pub(super) struct Told {
    /// The version
    #[arg(value_name = "@NS/PATH@VERSION")]
    release: ReleaseArg,
    /// Why, for people
    #[arg(long, visible_alias = "message")]
    reason: String,
    #[command(flatten)]
    place: Place,
}

/// A version.
#[derive(Debug, clap::Args)]
pub(super) struct Bare {
    /// The version
    #[arg(value_name = "@NS/PATH@VERSION")]
    release: ReleaseArg,
    #[command(flatten)]
    place: Place,
}

/// A version, and a tag for it.
#[derive(Debug, clap::Args)]
pub(super) struct Tagged {
    /// The version
    #[arg(value_name = "@NS/PATH@VERSION")]
    release: ReleaseArg,
    /// The tag
    tag: Tag,
    #[command(flatten)]
    place: Place,
}

/// An item's tag.
#[derive(Debug, clap::Args)]
pub(super) struct Untagged {
    /// The item
    #[arg(value_name = "@NS/PATH")]
    item: ItemId,
    /// The tag
    tag: Tag,
    #[command(flatten)]
    place: Place,
}

/// A version that is to go for good.
#[derive(Debug, clap::Args)]
pub(super) struct Removed {
    /// The version
    #[arg(value_name = "@NS/PATH@VERSION")]
    release: ReleaseArg,
    /// Why, for people
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    shared: SharedArgs,
}

pub(super) fn yank(args: Reasoned, format: Format) -> Result<Outcome> {
    let (item, version) = split(args.release);
    let reason = args.reason;
    run(item, Change::Yank { version, reason }, args.place, format)
}

pub(super) fn unyank(args: Bare, format: Format) -> Result<Outcome> {
    let (item, version) = split(args.release);
    run(item, Change::Unyank { version }, args.place, format)
}

pub(super) fn deprecate(args: Told, format: Format) -> Result<Outcome> {
    let (item, version) = split(args.release);
    let message = args.reason;
    run(
        item,
        Change::Deprecate { version, message },
        args.place,
        format,
    )
}

pub(super) fn undeprecate(args: Bare, format: Format) -> Result<Outcome> {
    let (item, version) = split(args.release);
    run(item, Change::Undeprecate { version }, args.place, format)
}

pub(super) fn tag(args: Tagged, format: Format) -> Result<Outcome> {
    let (item, version) = split(args.release);
    let tag = args.tag;
    run(item, Change::Tag { tag, version }, args.place, format)
}

pub(super) fn untag(args: Untagged, format: Format) -> Result<Outcome> {
    run(
        args.item,
        Change::Untag { tag: args.tag },
        args.place,
        format,
    )
}

pub(super) fn remove(args: Removed, format: Format) -> Result<Outcome> {
    let (item, version) = split(args.release);
    let reason = args.reason;
    let here = Place {
        url: None,
        token_file: None,
        shared: args.shared,
    };
    run(item, Change::Remove { version, reason }, here, format)
}

fn split(ReleaseArg(release): ReleaseArg) -> (ItemId, crate::model::Version) {
    (release.item, release.version)
}

fn run(item: ItemId, change: Change, place: Place, format: Format) -> Result<Outcome> {
    let standing = match &place.url {
        Some(url) => ask(url, &item, &change, &place, format)?,
        None => serde_json::to_value(change_here(item, change, place.shared)?).unwrap_or_default(),
    };
    match format {
        Format::Json => print_json(&standing)?,
        Format::Text => print_line(words(&standing))?,
    }
    Ok(Outcome::Done)
}

fn change_here(item: ItemId, change: Change, shared: SharedArgs) -> Result<Standing> {
    let (settings, _) = shared.resolve()?;
    let registry = Registry::new(
        settings.folders.check(Adoption::IfNew)?,
        settings.outputs,
        settings.audit,
    );
    let _lock = registry.lock_source()?;
    let access = settings.access.load()?;
    let path = registry.source().item(&item);
    let by = operator();
    let attempt = Attempt::of(Action::from(&change)).about(&item, &change);
    let outcome = registry.change(&item, change, by.clone(), attempt.clone(), &access);
    outcome.map_err(|error| {
        let attempt = Attempt {
            by: Some(by),
            ..attempt
        };
        note_refusal(registry.audit(), attempt.refused(error.code(), &error));
        match error {
            LifecycleError::Stopped(error) => error,
            refusal => Error::refused(path, refusal),
        }
    })
}

/// Asks a server to do so.
fn ask(
    base: &PublicUrl,
    item: &ItemId,
    change: &Change,
    place: &Place,
    format: Format,
) -> Result<Value> {
    let release = |version, what| format!("{item}/{version}/{what}");
    let (below, body) = match change {
        Change::Yank { version, reason } => {
            (release(version, "yank"), Some(json!({ "reason": reason })))
        }
        Change::Unyank { version } => (release(version, "yank"), None),
        Change::Deprecate { version, message } => {
            let body = json!({ "message": message });
            (release(version, "deprecation"), Some(body))
        }
        Change::Undeprecate { version } => (release(version, "deprecation"), None),
        Change::Tag { tag, version } => {
            let body = json!({ "version": version });
            (format!("{item}/tags/{tag}"), Some(body))
        }
        Change::Untag { tag } => (format!("{item}/tags/{tag}"), None),
        Change::Publish { .. } | Change::Remove { .. } => {
            return Err(Error::refused(
                base.to_string(),
                "no server is asked for that",
            ));
        }
    };
    let client = server::client(base, place.token_file.as_deref())?;
    let url = format!("{base}/registries/{below}");
    let answer = server::ask(&client, &url, || match &body {
        Some(body) => {
            let request = client.request("PUT", &url);
            let request = request.header("content-type", "application/json");
            client.ask(request, body.to_string())
        }
        None => client.ask(client.request("DELETE", &url), ()),
    })?;
    match answer.status {
        200 if answer.document["path"].is_string() => Ok(answer.document),
        200 => Err(server::no_registry(&url)),
        _ => {
            if format == Format::Json {
                print_json(&answer.document)?;
            }
            Err(Error::refused(url, answer))
        }
    }
}

/// The new state, for people.
fn words(standing: &Value) -> String {
    let path = standing["path"].as_str().unwrap_or_default();
    if let Some(tags) = standing["tags"].as_object() {
        let tags: Vec<String> = tags
            .iter()
            .map(|(tag, version)| format!("{tag} → {}", version.as_str().unwrap_or_default()))
            .collect();
        return match tags.is_empty() {
            true => format!("{path} has no tags"),
            false => format!("{path}: {}", tags.join(", ")),
        };
    }
    let because = |reason: &Value| match reason.as_str().unwrap_or_default() {
        "" => String::new(),
        reason => format!(" ({})", Words(reason)),
    };
    if !standing["removed"].is_null() {
        return format!(
            "{path} is removed for good{}",
            because(&standing["removed"]["reason"])
        );
    }
    let offered = match standing["yanked"].is_null() {
        true => "is offered".to_owned(),
        false => format!("is yanked{}", because(&standing["yanked"]["reason"])),
    };
    match standing["deprecated"].as_str() {
        None => format!("{path} {offered}"),
        Some(message) => format!("{path} {offered}, and deprecated ({})", Words(message)),
    }
}
