//! `POST /registries`: receive, verify, publish (protocol.md, "Publishing").

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use rackgen::audit::{Action, Attempt};
use rackgen::error_code::ErrorCode;
use rackgen::model::{ContentDigest, ReleaseId};
use serde_json::json;

use crate::answer::{Refusal, document};
use crate::app::App;
use crate::auth::{Credential, decide};
use crate::intake::archive::Archive;
use crate::intake::body::Body;
use crate::intake::receive::{Received, receive};
use crate::intake::staging::Staging;
use crate::intake::verify::verify;
use crate::publish::{Mode, Publisher, Upload};

pub(super) async fn upload(
    app: &Data<App>,
    publisher: &Publisher,
    request: &HttpRequest,
    body: Body,
    request_id: &str,
) -> Result<HttpResponse, Refusal> {
    let asked = mode(request.query_string());
    let mode = *asked.as_ref().unwrap_or(&Mode::Publish);
    let action = match mode {
        Mode::Publish => Action::Publish,
        Mode::DryRun => Action::Check,
    };
    let mut attempt = app.attempt(request, request_id, action);
    let outcome = take(app, publisher, request, body, asked, &mut attempt).await;
    match &outcome {
        Ok((id, _)) => tracing::info!(request_id, release = %id, ?mode, "upload accepted"),
        Err(refusal) => tracing::info!(request_id, code = refusal.code.as_str(), "upload refused"),
    }
    match (&outcome, mode) {
        (Err(refusal), _) => app.metrics.upload_refused(refusal.code),
        (Ok(_), Mode::Publish) => app.metrics.upload("created"),
        (Ok(_), Mode::DryRun) => app.metrics.upload("checked"),
    }
    match (&outcome, mode) {
        // The writer has told of it.
        (Ok(_), Mode::Publish) => {}
        (Ok(_), Mode::DryRun) => app.tell_first(attempt.succeeded()).await,
        (Err(refusal), _) => app.tell_refusal(attempt, refusal).await,
    }
    outcome.map(|(id, digest)| accepted(&id, digest, mode))
}

/// What the query of a publish asks for. Keys that we do not know are left to whoever put them there.
///
/// # Errors
/// A `dry_run` that is neither `true` nor `false`, or both: what was meant to store nothing must not be published for good.
fn mode(query: &str) -> Result<Mode, Refusal> {
    let bad = |why: &dyn std::fmt::Display| {
        let message = format!("`dry_run` of the query is to be `true` or `false`, and once: {why}");
        Refusal::new(ErrorCode::BadRequest, message)
    };
    let pairs = Query::<Vec<(String, String)>>::from_query(query).map_err(|why| bad(&why))?;
    let mut values = pairs.iter().filter(|(key, _)| key == "dry_run");
    let mode = match values.next() {
        None => Mode::Publish,
        Some((_, value)) => match &**value {
            "true" => Mode::DryRun,
            "false" => Mode::Publish,
            _ => return Err(bad(&"it is something else")),
        },
    };
    match values.next() {
        None => Ok(mode),
        Some(_) => Err(bad(&"it stands there twice")),
    }
}

async fn take(
    app: &Data<App>,
    publisher: &Publisher,
    request: &HttpRequest,
    body: Body,
    asked: Result<Mode, Refusal>,
    attempt: &mut Attempt,
) -> Result<(ReleaseId, ContentDigest), Refusal> {
    app.strict.check(app.client(request))?;
    // Before a byte of the body is looked at.
    let sender = Credential::from_headers(request.headers())?.ok_or_else(decide::unauthorized)?;
    {
        let access = app.access();
        let caller = app.identify(&access, sender.clone())?;
        attempt.by = Some(caller.by(None));
        decide::publish_at_all(&caller)?;
    }
    let mode = asked?;
    app.require_writable()?;
    // Before anything is staged in it.
    app.registry.folders().require_source()?;
    let place = app.uploads.clone().try_acquire_owned().map_err(|_| {
        let message = "too many uploads are on their way; try again later";
        Refusal::new(ErrorCode::Unavailable, message)
    })?;
    let archive = Archive::new(app.registry.source().clone());
    let received = tokio::select! {
        received = receive(request.headers(), body.clone(), archive, app.limits.archive) => received?,
        refusal = body.too_slow(&app.limits.contents) => return Err(refusal),
    };
    let Received {
        mut archive,
        sha256,
    } = received;

    // The rest works on files.
    let served = app.clone();
    let mut found = attempt.clone();
    let verified = web::block(move || {
        let access = served.access();
        let mut unpack = || -> Result<Upload, Refusal> {
            let caller = served.identify(&access, sender.clone())?;
            let staging = Staging::new(served.registry.source())?;
            let limits = &served.limits.contents;
            let package = verify(&mut archive, &staging, &access, &caller, limits, &mut found)?;
            Ok(Upload {
                staging,
                package,
                archive: sha256,
                sender: sender.clone(),
                mode,
                attempt: found.clone(),
            })
        };
        let upload = unpack();
        (found, upload, place)
    });
    // Its place is taken until then, also when nobody waits for the answer any longer.
    let (found, upload, _place) = verified.await.map_err(|fault| Refusal::internal(&fault))?;
    *attempt = found;
    let upload = upload?;
    let digest = upload.package.digest;
    let id = upload.package.id.clone();
    let _queued = app.metrics.queued();
    match publisher.publish(upload).await {
        Ok(id) => Ok((id, digest)),
        // Who sent it may have to find it: it has no other way to the name of what it packed.
        Err(refusal) if refusal.code == ErrorCode::VersionExists => Err(refusal
            .detail("path", id.to_string())
            .detail("digest", digest.to_string())),
        Err(refusal) => Err(refusal),
    }
}

fn accepted(id: &ReleaseId, digest: ContentDigest, mode: Mode) -> HttpResponse {
    let (status, message) = match mode {
        Mode::Publish => (StatusCode::CREATED, "Registry uploaded successfully"),
        Mode::DryRun => (
            StatusCode::OK,
            "Registry would be uploaded; nothing was stored",
        ),
    };
    let body = json!({
        "message": message,
        "namespace": id.item.namespace,
        "name": id.item.path.name(),
        "version": id.version,
        "path": id.to_string(),
        "digest": digest,
    });
    document(status, &body)
}
