//! `GET /whoami`: who a token is, what it allows, and until when (interface.md).

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;
use rackgen::model::Namespace;
use rackgen::token::{Pattern, Scope, TokenId, Verb};
use serde::Serialize;

use crate::answer::{Refusal, document};
use crate::app::App;
use crate::auth::credentials::ADMIN_NAME;
use crate::auth::{Caller, decide};

/// What is told of a caller.
#[derive(Debug, Serialize)]
struct Identity {
    kind: Kind,
    /// What people call the token.
    name: String,
    /// What a minted token is revoked by.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<TokenId>,
    scopes: Vec<Scope>,
    /// From when on some of that is no more; null: it stays.
    expires: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Admin,
    /// Of the access file.
    Access,
    Minted,
}

pub(super) fn whoami(app: &App, request: &HttpRequest) -> Result<HttpResponse, Refusal> {
    // Before credentials are looked at: they may be guesses.
    app.strict.check(app.client(request))?;
    let access = app.access();
    let caller = app.caller(&access, request.headers())?;
    let caller = caller.ok_or_else(decide::unauthorized)?;
    caller.require_live()?;
    Ok(document(StatusCode::OK, &identity(caller)))
}

fn identity(caller: Caller<'_>) -> Identity {
    match &caller {
        Caller::Admin => Identity {
            kind: Kind::Admin,
            name: ADMIN_NAME.into(),
            id: None,
            scopes: Scope::new(Verb::Admin, Pattern::Everywhere)
                .into_iter()
                .collect(),
            expires: None,
        },
        Caller::Minted(token) => Identity {
            kind: Kind::Minted,
            name: token.name.clone(),
            id: Some(token.id.clone()),
            scopes: token.scopes.clone(),
            expires: Some(token.expires),
        },
        Caller::Holder { tokens, .. } => {
            let held = tokens.iter().map(|(namespace, _)| *namespace);
            // Where it has expired it allows nothing.
            let live =
                held.filter_map(|namespace| Some((namespace, caller.token(namespace).ok()??)));
            let live: Vec<_> = live.collect();
            Identity {
                kind: Kind::Access,
                name: live
                    .first()
                    .map(|(_, token)| token.name.clone())
                    .unwrap_or_default(),
                id: None,
                scopes: live
                    .iter()
                    .flat_map(|(namespace, token)| scopes(namespace, token.publish))
                    .collect(),
                expires: live.iter().filter_map(|(_, token)| token.expires).min(),
            }
        }
    }
}

/// What a token of the access file allows, in the words of scopes.
fn scopes(namespace: &Namespace, publish: bool) -> Vec<Scope> {
    let verbs: &[Verb] = match publish {
        true => &[Verb::Read, Verb::Publish, Verb::Yank, Verb::Tag],
        false => &[Verb::Read],
    };
    let over = |verb| Scope::new(verb, Pattern::Namespace(namespace.clone())).ok();
    verbs.iter().copied().filter_map(over).collect()
}
