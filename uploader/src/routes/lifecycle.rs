//! `PUT` and `DELETE` of yanks, deprecations and tags (interface.md): who may, what exactly, and the new state.

use std::time::Instant;

use actix_web::http::{Method, StatusCode};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use rackgen::audit::{Action, Attempt, Subject};
use rackgen::lifecycle::{LifecycleError, Standing};
use rackgen::lock::PATIENCE;
use rackgen::model::{Change, Version};
use rackgen::plan::url::LifecycleUrl;
use serde::Deserialize;

use super::blocking;
use super::json_body::{self, parse};
use crate::answer::{Refusal, document};
use crate::app::App;
use crate::auth::Credential;
use crate::auth::decide::{self, Deed};
use crate::intake::body::Body;
use crate::publish;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct YankBody {
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeprecationBody {
    message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TagBody {
    version: Version,
}

pub(super) async fn lifecycle(
    app: &Data<App>,
    request: &HttpRequest,
    body: Body,
    url: LifecycleUrl,
    request_id: &str,
) -> Result<HttpResponse, Refusal> {
    let mut attempt = app.attempt(request, request_id, action(&url, request.method()));
    attempt.item = Some(Subject::Item(url.item().clone()));
    let outcome = take(app, request, body, url, &mut attempt).await;
    if let Err(refusal) = &outcome {
        tracing::info!(request_id, code = refusal.code.as_str(), "change refused");
        app.tell_refusal(attempt, refusal).await;
    }
    outcome.map(|standing| document(StatusCode::OK, &standing))
}

async fn take(
    app: &Data<App>,
    request: &HttpRequest,
    body: Body,
    url: LifecycleUrl,
    attempt: &mut Attempt,
) -> Result<Standing, Refusal> {
    match &url {
        LifecycleUrl::Yank(release) | LifecycleUrl::Deprecation(release) => {
            attempt.version = Some(release.version.clone());
        }
        LifecycleUrl::Tag(_, tag) => attempt.tag = Some(tag.clone()),
    }
    app.strict.check(app.client(request))?;
    let sender = Credential::from_headers(request.headers())?.ok_or_else(decide::unauthorized)?;
    // Before a byte of the body is looked at; and again by the file of the moment, under the lock.
    {
        let access = app.access();
        let caller = app.identify(&access, sender.clone())?;
        attempt.by = Some(caller.by(Some(&url.item().namespace)));
        decide::decide(&access, Some(&caller), deed(&url))?;
    }
    app.require_writable()?;
    let body = json_body::receive(body).await?;
    let change = change(&url, request.method(), &body)?;
    *attempt = attempt.clone().about(url.item(), &change);
    let (app, attempt) = (app.clone(), attempt.clone());
    // For whatever there is to wait for, all in all.
    let until = Instant::now() + PATIENCE;
    blocking(move || act(&app, &url, change, sender, attempt, until)).await
}

fn action(url: &LifecycleUrl, method: &Method) -> Action {
    match (url, *method == Method::PUT) {
        (LifecycleUrl::Yank(_), true) => Action::Yank,
        (LifecycleUrl::Yank(_), false) => Action::Unyank,
        (LifecycleUrl::Deprecation(_), true) => Action::Deprecate,
        (LifecycleUrl::Deprecation(_), false) => Action::Undeprecate,
        (LifecycleUrl::Tag(..), true) => Action::Tag,
        (LifecycleUrl::Tag(..), false) => Action::Untag,
    }
}

fn deed(url: &LifecycleUrl) -> Deed<'_> {
    match url {
        LifecycleUrl::Yank(release) | LifecycleUrl::Deprecation(release) => {
            Deed::Yank(&release.item)
        }
        LifecycleUrl::Tag(item, _) => Deed::Tag(item),
    }
}

/// What is asked for.
fn change(url: &LifecycleUrl, method: &Method, body: &[u8]) -> Result<Change, Refusal> {
    let puts = *method == Method::PUT;
    Ok(match url.clone() {
        LifecycleUrl::Yank(release) if puts => {
            let YankBody { reason } = match body.trim_ascii().is_empty() {
                true => YankBody::default(),
                false => parse(body, r#"{"reason":"…"}, or nothing"#)?,
            };
            Change::Yank {
                version: release.version,
                reason,
            }
        }
        LifecycleUrl::Yank(release) => Change::Unyank {
            version: release.version,
        },
        LifecycleUrl::Deprecation(release) if puts => {
            let DeprecationBody { message } = parse(body, r#"{"message":"…"}"#)?;
            Change::Deprecate {
                version: release.version,
                message,
            }
        }
        LifecycleUrl::Deprecation(release) => Change::Undeprecate {
            version: release.version,
        },
        LifecycleUrl::Tag(_, tag) if puts => {
            let TagBody { version } = parse(body, r#"{"version":"…"}"#)?;
            Change::Tag { tag, version }
        }
        LifecycleUrl::Tag(_, tag) => Change::Untag { tag },
    })
}

fn act(
    app: &App,
    url: &LifecycleUrl,
    change: Change,
    sender: Credential,
    attempt: Attempt,
    until: Instant,
) -> Result<Standing, Refusal> {
    let writer = app.write_until(until)?;
    let _lock = app.lock_source_until(until)?;
    // A version that a kill left between folder and trees is there all the same.
    publish::replay(app, &writer)?;
    let access = app.decision();
    let caller = app.identify(&access, sender)?;
    let item = url.item();
    decide::decide(&access, Some(&caller), deed(url))?;
    let by = caller.by(Some(&item.namespace));
    app.require_audit()?;
    let start = Instant::now();
    app.registry
        .change(item, change, by, attempt, &access)
        .inspect(|_| app.metrics.build(start.elapsed()))
        .map_err(|error| match error {
            LifecycleError::Stopped(error) => {
                app.end_if_broken(&error);
                error.into()
            }
            LifecycleError::Unfinished(error) => {
                app.end_if_broken(&error);
                Refusal::from(error).may_have_happened()
            }
            refusal => Refusal::new(refusal.code(), refusal),
        })
}
