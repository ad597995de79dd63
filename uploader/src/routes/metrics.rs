//! `GET /metrics`: the figures, for the addresses and tokens that `[metrics]` names.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;
use rackgen::error_code::ErrorCode;
use rackgen::token::SOON;

use crate::answer::Refusal;
use crate::app::App;
use crate::auth::Caller;
use crate::auth::decide;
use crate::metrics::looked::Sight;

pub(super) fn metrics(app: &App, request: &HttpRequest) -> Result<HttpResponse, Refusal> {
    require_watcher(app, request)?;
    let faults = app.faults();
    let sight = Sight {
        faults: &faults,
        folders: app.registry.folders(),
        uploads: app.uploads_in_flight(),
        behind: app.behind(),
        expiring: app.expiring(Timestamp::now(), SOON),
    };
    let text = app
        .metrics
        .render(&sight)
        .map_err(|fault| Refusal::internal(&fault))?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4")
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(text))
}

fn require_watcher(app: &App, request: &HttpRequest) -> Result<(), Refusal> {
    let address = app.client(request);
    if app.watchers.include(address) {
        return Ok(());
    }
    // Others may be guessing.
    app.strict.check(address)?;
    let access = app.access();
    let caller = app.caller(&access, request.headers())?;
    let caller = caller.ok_or_else(decide::unauthorized)?;
    caller.require_live()?;
    let is_named = || app.watchers.tokens.contains(&caller.by(None).name);
    match matches!(caller, Caller::Admin) || is_named() {
        true => Ok(()),
        false => Err(Refusal::new(
            ErrorCode::InsufficientPermissions,
            "the figures are for the addresses and tokens that `[metrics]` of rack.toml names",
        )),
    }
}
