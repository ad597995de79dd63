//! `rackgen webhooks …`: what became of deliveries, from the spool of the state folder; and what the daemon is to do about
//! them, as requests that it takes up.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::json;

use super::audit::note_refusal;
use super::{Format, Outcome, operator, print_json, print_line};
use crate::access::parse_time;
use crate::audit::{Action, Attempt, Log};
use crate::commit::durable;
use crate::config::SharedArgs;
use crate::error::{Error, Result};
use crate::webhook::shelves::{Request, Shelf};
use crate::webhook::standing::Standings;
use crate::webhook::{
    Delivery, DeliveryId, DeliverySettings, Endpoint, EndpointId, EventKind, Shelves,
    WebhookSource, Webhooks,
};

/// What is to be done about webhooks.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Name the endpoints: what they are told of, when a delivery last arrived, since when they fail
    #[command(after_help = "\
Examples:
  rackgen webhooks list
  rackgen webhooks list --format json")]
    List(ListArgs),
    /// Name the deliveries, the latest first: those that wait, arrived or were given up
    #[command(after_help = "\
Examples:
  rackgen webhooks deliveries
  rackgen webhooks deliveries --limit 1000 --format json")]
    Deliveries(DeliveriesArgs),
    /// Make deliveries again, also those that wait for their next attempt; `rackd` does it
    #[command(after_help = "\
Examples:
  rackgen webhooks redeliver 5f0c9a3e7b1d2846a0c4e8f2b6d09317
  rackgen webhooks redeliver --since 2026-11-28T08:00:00Z
  rackgen webhooks redeliver --dead")]
    Redeliver(RedeliverArgs),
    /// Let `rackd` send a signed ping to an endpoint now, once
    #[command(after_help = "\
Examples:
  rackgen webhooks test https://ci.example.com/hook
  rackgen webhooks test 3f2a91bc44d0e7aa          its id, which `list` tells")]
    Test(EndpointArgs),
    /// Tell an endpoint again that answered 410
    #[command(after_help = "\
Examples:
  rackgen webhooks enable https://ci.example.com/hook
  rackgen webhooks enable 3f2a91bc44d0e7aa        its id, which `list` tells")]
    Enable(EndpointArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    shared: SharedArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct DeliveriesArgs {
    /// How many at most
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: usize,
    #[command(flatten)]
    shared: SharedArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct RedeliverArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    shared: SharedArgs,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// Their ids, which `deliveries` tells
    #[arg(value_name = "ID")]
    ids: Vec<DeliveryId>,
    /// All that were announced since then; those that arrived, as far as the history goes
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
    /// All that were given up
    #[arg(long)]
    dead: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct EndpointArgs {
    /// Its id or its URL
    #[arg(value_name = "ENDPOINT")]
    endpoint: String,
    #[command(flatten)]
    shared: SharedArgs,
}

fn since(text: &str) -> Result<Timestamp, String> {
    parse_time(text).ok_or_else(|| {
        format!(
            "`{text}` is no time, as in 2026-11-28T08:00:00Z, or 2026-11-28 for its midnight (UTC)"
        )
    })
}

pub(super) fn run(command: Command, format: Format) -> Result<Outcome> {
    match command {
        Command::List(args) => list(&View::of(args.shared)?, format),
        Command::Deliveries(args) => deliveries(&View::of(args.shared)?, args.limit, format),
        Command::Redeliver(args) => View::of(args.shared)?
            .noted(Action::WebhookRedeliver, |view| {
                redeliver(view, args.which, format)
            }),
        Command::Enable(args) => View::of(args.shared)?.noted(Action::WebhookEnable, |view| {
            enable(view, &args.endpoint, format)
        }),
        Command::Test(args) => {
            return View::of(args.shared)?.noted(Action::WebhookTest, |view| {
                test(view, &args.endpoint, format)
            });
        }
    }?;
    Ok(Outcome::Done)
}

/// What all of these look at.
struct View {
    webhooks: Webhooks,
    source: WebhookSource,
    state: PathBuf,
    log: Log,
    shelves: Shelves,
    standings: Standings,
    settings: DeliverySettings,
}

impl View {
    fn of(shared: SharedArgs) -> Result<Self> {
        let (settings, file) = shared.resolve()?;
        let state = super::state_of(&settings)?;
        let shelves = Shelves::of(&state);
        Ok(Self {
            webhooks: settings.webhooks.load()?.unwrap_or_default(),
            source: settings.webhooks,
            log: Log::of(&state, settings.audit),
            state,
            standings: shelves.standings()?,
            shelves,
            settings: file.webhook,
        })
    }

    fn endpoint(&self, named: &str) -> Result<&Endpoint> {
        self.webhooks.find(named).ok_or_else(|| {
            let why = self.source.absence().unwrap_or_else(|| {
                "it has no such endpoint; `rackgen webhooks list` tells the ids of those that there are".to_owned()
            });
            Error::refused(&self.source.path, why)
        })
    }

    /// Runs a command that asks for something; if it is refused, the audit log has a line of that.
    fn noted<T>(&self, action: Action, run: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        run(self).inspect_err(|error| note_refusal(&self.log, attempt(action).stopped(error)))
    }

    /// What the daemon's user is to read. Nothing is asked for that has no line in the audit log.
    fn ask(&self, request: &Request) -> Result<PathBuf> {
        super::require_owner(&self.state, "webhooks")?;
        self.log.append_durably(&asking(request).succeeded())?;
        self.shelves.ask(request)
    }

    fn word(&self, endpoint: &Endpoint) -> &'static str {
        match (endpoint.enabled, self.standings.is_listening(endpoint)) {
            (false, _) => "disabled",
            (true, false) => "gone",
            (true, true) => "enabled",
        }
    }
}

fn attempt(action: Action) -> Attempt {
    Attempt {
        by: Some(operator()),
        ..Attempt::of(action)
    }
}

/// What the audit log says of a request. No URL: it may hold a secret.
fn asking(request: &Request) -> Attempt {
    let (action, what) = match request {
        Request::Redeliver(ids) => {
            let texts: Vec<_> = ids.iter().map(DeliveryId::as_str).collect();
            let what = format!("{} deliveries: {}", ids.len(), texts.join(" "));
            (Action::WebhookRedeliver, what)
        }
        Request::Ping { id, url } => {
            let what = format!("delivery {id} to endpoint {}", EndpointId::of(url));
            (Action::WebhookTest, what)
        }
        Request::Enable(id) => (Action::WebhookEnable, format!("endpoint {id}")),
    };
    Attempt {
        reason: Some(what),
        ..attempt(action)
    }
}

fn list(view: &View, format: Format) -> Result<()> {
    if let Some(absence) = view.source.absence() {
        anstream::eprintln!("note: {absence}");
    }
    let all = view.shelves.all()?;
    let count = |endpoint: &Endpoint, wanted| {
        let on =
            |(shelf, delivery): &&(_, Delivery)| *shelf == wanted && delivery.url == endpoint.url;
        all.iter().filter(on).count()
    };
    let mut entries = Vec::new();
    for endpoint in view.webhooks.endpoints() {
        let standing = view.standings.of(&endpoint.id);
        let pending = count(endpoint, Shelf::Pending);
        let dead = count(endpoint, Shelf::Dead);
        if format == Format::Json {
            entries.push(json!({
                "id": endpoint.id, "url": endpoint.url, "description": endpoint.description,
                "events": endpoint.events, "standing": view.word(endpoint),
                "last_success": standing.last_success, "failing_since": standing.failing_since,
                "pending": pending, "dead": dead,
            }));
            continue;
        }
        let events: Vec<_> = endpoint.events.iter().map(|event| event.as_str()).collect();
        let success = standing
            .last_success
            .map_or_else(|| "never".to_owned(), |time| format!("{time:.0}"));
        let failing = standing
            .failing_since
            .map_or_else(String::new, |time| format!("  failing since {time:.0}"));
        print_line(format_args!(
            "{}  {:<8}  {}  {}  last success {success}{failing}  {pending} pending  {dead} dead",
            endpoint.id,
            view.word(endpoint),
            endpoint.url,
            events.join(","),
        ))?;
    }
    match format {
        Format::Json => print_json(&json!({ "endpoints": entries })),
        Format::Text => Ok(()),
    }
}

fn deliveries(view: &View, limit: usize, format: Format) -> Result<()> {
    let all = view.shelves.all()?;
    let some = all.iter().take(limit);
    match format {
        Format::Json => {
            let entries = some.map(|(shelf, delivery)| entry(*shelf, delivery));
            print_json(&json!({ "deliveries": entries.collect::<Vec<_>>() }))
        }
        Format::Text => some
            .map(|(shelf, delivery)| line(*shelf, delivery))
            .try_for_each(print_line),
    }
}

fn entry(shelf: Shelf, delivery: &Delivery) -> serde_json::Value {
    json!({
        "id": delivery.id, "event": delivery.event, "standing": shelf.as_str(),
        "endpoint": delivery.endpoint(), "url": delivery.url, "created": delivery.created,
        "next": delivery.next, "attempts": delivery.attempts,
    })
}

fn line(shelf: Shelf, delivery: &Delivery) -> String {
    let last = match delivery.last() {
        None => "no attempt yet".to_owned(),
        Some(attempt) => {
            let said = match (&attempt.fault, attempt.status) {
                (Some(fault), _) => fault.clone(),
                (None, status) => status.unwrap_or_default().to_string(),
            };
            format!("{said} in {} ms", attempt.ms)
        }
    };
    let next = delivery
        .next
        .map_or_else(String::new, |next| format!("  next {next:.0}"));
    format!(
        "{}  {:<9}  {}  {}  {:.0}  attempts: {}  {last}{next}",
        delivery.id,
        shelf.as_str(),
        delivery.event,
        delivery.endpoint(),
        delivery.touched(),
        delivery.attempts.len(),
    )
}

fn redeliver(view: &View, which: Which, format: Format) -> Result<()> {
    let is_meant = |shelf: Shelf, delivery: &Delivery| match which.since {
        Some(since) => delivery.created >= since,
        None => shelf == Shelf::Dead && delivery.event != EventKind::Ping,
    };
    let mut deliveries = Vec::new();
    if which.ids.is_empty() {
        let all = view.shelves.all()?.into_iter();
        deliveries.extend(
            all.filter(|(shelf, delivery)| is_meant(*shelf, delivery))
                .map(|(_, delivery)| delivery),
        );
    }
    for id in &which.ids {
        let Some((_, delivery)) = view.shelves.find(id)? else {
            let why = format!(
                "there is no delivery {id}; `rackgen webhooks deliveries` names those that there are"
            );
            return Err(Error::refused(&view.state, why));
        };
        deliveries.push(delivery);
    }
    let listens = |delivery: &Delivery| {
        let mut endpoints = view.webhooks.endpoints().iter();
        endpoints
            .any(|endpoint| endpoint.url == delivery.url && view.standings.is_listening(endpoint))
    };
    let (again, not): (Vec<_>, Vec<_>) = deliveries.into_iter().partition(listens);
    let again: Vec<_> = again.into_iter().map(|delivery| delivery.id).collect();
    if !again.is_empty() {
        view.ask(&Request::Redeliver(again.clone()))?;
    }
    match format {
        Format::Json => print_json(&json!({
            "asked": again, "not_asked": not.iter().map(|delivery| &delivery.id).collect::<Vec<_>>(),
        })),
        Format::Text => {
            print_line(format_args!(
                "{} deliveries are made again by `rackd`, at once if it runs",
                again.len()
            ))?;
            match not.len() {
                0 => Ok(()),
                count => print_line(format_args!(
                    "{count} are not: their endpoints are not configured, not enabled, or answered 410"
                )),
            }
        }
    }
}

fn enable(view: &View, named: &str, format: Format) -> Result<()> {
    let endpoint = view.endpoint(named)?;
    if !endpoint.enabled {
        let why = format!("`enabled` of endpoint {} is false there", endpoint.id);
        return Err(Error::refused(&view.source.path, why));
    }
    view.ask(&Request::Enable(endpoint.id.clone()))?;
    match format {
        Format::Json => print_json(&json!({ "id": endpoint.id })),
        Format::Text => print_line(format_args!(
            "{} is told again by `rackd`, at once if it runs; `redeliver --dead` makes up for what it missed",
            endpoint.id
        )),
    }
}

/// A daemon takes a request up in less time.
const TAKEN_UP: Duration = Duration::from_secs(5);

fn test(view: &View, named: &str, format: Format) -> Result<Outcome> {
    let endpoint = view.endpoint(named)?;
    if !view.standings.is_listening(endpoint) {
        let why = format!("endpoint {} is not enabled, or answered 410", endpoint.id);
        return Err(Error::refused(&view.source.path, why));
    }
    let id = DeliveryId::random()?;
    let (url, start) = (endpoint.url.clone(), Instant::now());
    let asked = view.ask(&Request::Ping {
        id: id.clone(),
        url,
    })?;
    let patience = TAKEN_UP + view.settings.timeout.duration();
    let delivery = loop {
        match view.shelves.find(&id)? {
            Some((Shelf::Delivered | Shelf::Dead, delivery)) => break delivery,
            None if start.elapsed() > TAKEN_UP && asked.exists() => {
                durable::remove_if_there(&asked)?;
                let why = "no `rackd` takes up what is asked for here, and it is the one that sends; does it run?";
                return Err(Error::refused(&view.state, why));
            }
            _ if start.elapsed() > patience => {
                durable::remove_if_there(&asked)?;
                view.shelves.remove(Shelf::Pending, &id)?;
                let why = "no answer came in time, and the ping is taken back; the log of `rackd` tells why";
                return Err(Error::refused(&view.state, why));
            }
            _ => thread::sleep(Duration::from_millis(20)),
        }
    };
    // Nobody needs a ping that did not arrive.
    view.shelves.remove(Shelf::Dead, &id)?;
    let attempt = delivery.last();
    let fault = attempt.and_then(|attempt| attempt.fault.as_deref());
    let ms = attempt.map_or(0, |attempt| attempt.ms);
    let status = attempt.and_then(|attempt| attempt.status);
    match format {
        Format::Json => {
            print_json(&json!({ "id": id, "status": status, "ms": ms, "fault": fault }))?
        }
        Format::Text => match fault {
            None => print_line(format_args!(
                "{} answered {} in {ms} ms",
                endpoint.id,
                status.unwrap_or_default()
            ))?,
            Some(fault) => print_line(format_args!("{}: {fault}, after {ms} ms", endpoint.id))?,
        },
    }
    Ok(match fault {
        None => Outcome::Done,
        Some(_) => Outcome::PartsRefused,
    })
}
