//! `POST /registries`: receive, verify, publish (protocol.md, "Publishing").

use actix_web::http::StatusCode;
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use rackgen::config::UPLOAD_TIME;
use rackgen::error_code::ErrorCode;
use rackgen::model::ReleaseId;
use serde_json::json;

use crate::answer::Refusal;
use crate::app::App;
use crate::auth::{Credential, decide};
use crate::intake::body::Body;
use crate::intake::receive::receive;
use crate::intake::staging::Staging;
use crate::intake::verify::verify;
use crate::publish::{Mode, Upload, publish};

pub(super) async fn upload(
    app: &Data<App>,
    request: &HttpRequest,
    body: Body,
    request_id: &str,
) -> Result<HttpResponse, Refusal> {
    let mode = match request
        .query_string()
        .split('&')
        .any(|pair| pair == "dry_run=true")
    {
        true => Mode::DryRun,
        false => Mode::Publish,
    };
    let outcome = take(app, request, body, mode).await;
    match &outcome {
        Ok(id) => tracing::info!(request_id, release = %id, ?mode, "upload accepted"),
        Err(refusal) => tracing::info!(request_id, code = refusal.code.as_str(), "upload refused"),
    }
    app.metrics.upload(match (&outcome, mode) {
        (Err(refusal), _) => refusal.code.as_str(),
        (Ok(_), Mode::Publish) => "created",
        (Ok(_), Mode::DryRun) => "checked",
    });
    outcome.map(|id| accepted(&id, mode))
}

async fn take(
    app: &Data<App>,
    request: &HttpRequest,
    body: Body,
    mode: Mode,
) -> Result<ReleaseId, Refusal> {
    app.strict.check(app.client(request))?;
    // Before a byte of the body is looked at.
    let sender = Credential::from_headers(request.headers())?.ok_or_else(decide::unauthorized)?;
    app.identify(&app.access(), sender)?.require_live()?;
    app.require_writable()?;
    let staging = Staging::new(app.registry.source())?;
    let archive = staging.archive();
    let received = receive(request.headers(), body, &archive, app.limits.archive);
    let archive = tokio::time::timeout(UPLOAD_TIME, received)
        .await
        .map_err(|_| {
            Refusal::new(
                ErrorCode::RequestTimeout,
                "the upload took longer than ten minutes",
            )
        })??;

    // The rest works on files, and waits for locks.
    let app = app.clone();
    web::block(move || {
        let access = app.access();
        let caller = app.identify(&access, sender)?;
        let package = verify(&staging, &access, &caller, &app.limits.contents)?;
        let upload = Upload {
            staging,
            package,
            archive,
            sender,
        };
        publish(&app, upload, mode)
    })
    .await
    .map_err(|fault| Refusal::internal(&fault))?
}

fn accepted(id: &ReleaseId, mode: Mode) -> HttpResponse {
    let (status, message) = match mode {
        Mode::Publish => (StatusCode::CREATED, "Registry uploaded successfully"),
        Mode::DryRun => (
            StatusCode::OK,
            "Registry would be uploaded; nothing was stored",
        ),
    };
    HttpResponse::build(status)
        .insert_header(("cache-control", "no-store"))
        .json(json!({
            "message": message,
            "namespace": id.item.namespace,
            "name": id.item.path.name(),
            "version": id.version,
            "path": id.to_string(),
        }))
}
