//! `/tokens` (docs/tokens.md, "Over HTTP"): whoever is admin of a namespace lists, mints and revokes the tokens that
//! reach no further. Who that is, is decided in [`decide`]; what becomes of the files, in [`Office`].

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;
use rackgen::audit::{Action, Attempt};
use rackgen::error_code::ErrorCode;
use rackgen::token::lifetime::Lifetime;
use rackgen::token::office::{Created, Office, Order, TokenName};
use rackgen::token::usage::Usage;
use rackgen::token::{Row, Scope, TokenId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::blocking;
use super::json_body::{self, parse};
use crate::answer::{Refusal, document};
use crate::app::App;
use crate::auth::{Credential, decide};
use crate::intake::body::Body;

/// A token is sent in a header, and web servers take 8 KiB of those.
const SCOPES_MAX: usize = 32;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderBody {
    name: TokenName,
    scopes: Vec<Scope>,
    expires: Lifetime,
}

/// `GET /tokens`: those that reach no further than the caller is admin.
pub(super) async fn list(app: &Data<App>, request: &HttpRequest) -> Result<HttpResponse, Refusal> {
    // Before credentials are looked at: they may be guesses.
    app.strict.check(app.client(request))?;
    let sender = Credential::from_headers(request.headers())?.ok_or_else(decide::unauthorized)?;
    let app = app.clone();
    let list = blocking(move || {
        let access = app.access();
        let caller = app.identify(&access, sender)?;
        decide::administer_at_all(&caller)?;
        let tokens = app.minted.current();
        let usage = usage(&app);
        let now = Timestamp::now();
        let rows = tokens
            .ledger()
            .iter()
            .filter(|(_, entry)| decide::administer(&caller, &entry.scopes).is_ok())
            .map(|(id, entry)| Row::of(id, entry, &tokens, &usage, now));
        Ok(json!({ "tokens": rows.collect::<Vec<_>>() }))
    });
    Ok(document(StatusCode::OK, &list.await?))
}

/// `POST /tokens`: a new one, told this once.
pub(super) async fn mint(
    app: &Data<App>,
    request: &HttpRequest,
    body: Body,
    request_id: &str,
) -> Result<HttpResponse, Refusal> {
    let mut attempt = app.attempt(request, request_id, Action::TokenCreate);
    let outcome = order(app, request, body, &mut attempt).await;
    settled(app, attempt, outcome)
        .await
        .map(|created| document(StatusCode::CREATED, &created))
}

/// `DELETE /tokens/<id>`: it is worth nothing from now on. May be repeated.
pub(super) async fn revoke(
    app: &Data<App>,
    request: &HttpRequest,
    id: TokenId,
    request_id: &str,
) -> Result<HttpResponse, Refusal> {
    let mut attempt = app.attempt(request, request_id, Action::TokenRevoke);
    attempt.token = Some(id.clone());
    let outcome = take_back(app, request, id, &mut attempt).await;
    settled(app, attempt, outcome)
        .await
        .map(|row| document(StatusCode::OK, &row))
}

async fn order(
    app: &Data<App>,
    request: &HttpRequest,
    body: Body,
    attempt: &mut Attempt,
) -> Result<Created, Refusal> {
    let sender = admit(app, request, attempt)?;
    let body = json_body::receive(body).await?;
    let shape = r#"{"name":"ci","scopes":["publish:@team"],"expires":"90d"}"#;
    let OrderBody {
        name,
        scopes,
        expires,
    } = parse(&body, shape)?;
    let bad = |why| Refusal::new(ErrorCode::BadRequest, why);
    if !(1..=SCOPES_MAX).contains(&scopes.len()) {
        return Err(bad(format!("a token has 1 to {SCOPES_MAX} scopes")));
    }
    let (app, attempt) = (app.clone(), attempt.clone());
    blocking(move || {
        let now = Timestamp::now();
        let order = Order {
            name,
            scopes,
            expires: expires.end_within(&app.max_token_age, now).map_err(bad)?,
        };
        let office = Office::enter(&app.registry.folders().state)?;
        let access = app.access();
        decide::mint(&app.identify(&access, sender)?, &order, &app.watchers)?;
        app.require_audit()?;
        let created = office
            .create(app.minted.names(), order, now)
            .inspect_err(|error| app.end_if_broken(error))?;
        let attempt = Attempt {
            token: Some(created.id.clone()),
            reason: Some(created.entry.to_string()),
            ..attempt
        };
        // Nobody holds a token that has no line.
        app.tell_durably(&attempt.succeeded())?;
        Ok(created)
    })
    .await
}

async fn take_back(
    app: &Data<App>,
    request: &HttpRequest,
    id: TokenId,
    attempt: &mut Attempt,
) -> Result<Value, Refusal> {
    let sender = admit(app, request, attempt)?;
    let (app, attempt) = (app.clone(), attempt.clone());
    blocking(move || {
        let office = Office::enter(&app.registry.folders().state)?;
        let access = app.access();
        let caller = app.identify(&access, sender)?;
        let tokens = app.minted.current();
        let entry = tokens.ledger().get(&id);
        // Of another's token nobody is told that it is there.
        entry
            .filter(|entry| decide::administer(&caller, &entry.scopes).is_ok())
            .ok_or_else(|| {
                let message = format!("there is no token {id} among those that you may revoke");
                Refusal::new(ErrorCode::NotFound, message)
            })?;
        let now = Timestamp::now();
        let entry = office
            .revoke(&id, now)
            .inspect_err(|error| app.end_if_broken(error))?;
        let attempt = Attempt {
            reason: Some(entry.name.clone()),
            ..attempt
        };
        // What was revoked stays so if that cannot be noted; whoever is told of it may ask again.
        app.tell_durably(&attempt.succeeded())?;
        Ok(json!(Row::of(&id, &entry, &tokens, &usage(&app), now)))
    })
    .await
}

/// Whoever is admin of something, before a byte of the body is looked at; and again by the files of the moment, under
/// their lock.
fn admit(app: &App, request: &HttpRequest, attempt: &mut Attempt) -> Result<Credential, Refusal> {
    app.strict.check(app.client(request))?;
    let sender = Credential::from_headers(request.headers())?.ok_or_else(decide::unauthorized)?;
    let access = app.access();
    let caller = app.identify(&access, sender.clone())?;
    attempt.by = Some(caller.by(None));
    decide::administer_at_all(&caller)?;
    app.require_writable()?;
    Ok(sender)
}

/// When tokens were used, as far as that can be read: nothing depends on it.
fn usage(app: &App) -> Usage {
    Usage::load(&app.registry.folders().state).unwrap_or_default()
}

/// A refusal has its line too.
async fn settled<T>(
    app: &App,
    attempt: Attempt,
    outcome: Result<T, Refusal>,
) -> Result<T, Refusal> {
    if let Err(refusal) = &outcome {
        app.tell_refusal(attempt, refusal).await;
    }
    outcome
}
