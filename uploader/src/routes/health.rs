//! `GET /health`: whether the daemon can do its work (protocol.md, "Reading").

use std::fs;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::json;

use crate::answer::document;
use crate::app::App;

pub(super) fn health(app: &App) -> HttpResponse {
    let folders = app.registry.folders();
    let mut named = folders.named().into_iter();
    let missing = named
        .find(|(_, folder)| !fs::metadata(folder).is_ok_and(|metadata| metadata.is_dir()))
        .map(|(name, _)| format!("the {name} folder cannot be read"))
        .or_else(|| Some(folders.require_source().err()?.to_string()));
    let mut checks = json!({"storage": {"status": "ok"}});
    if let Some(message) = &missing {
        checks["storage"] = json!({"status": "error", "message": message});
    }
    let faults = app.faults();
    let (status, word) = match (missing, faults.is_empty()) {
        (Some(_), _) => (StatusCode::SERVICE_UNAVAILABLE, "error"),
        (None, false) => (StatusCode::OK, "degraded"),
        (None, true) => (StatusCode::OK, "ok"),
    };
    for (what, fault) in faults {
        checks[what.as_str()] = json!({"status": "degraded", "message": fault});
    }
    document(status, &json!({"status": word, "checks": checks}))
}
