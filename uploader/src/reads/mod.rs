//! The embedded read server: the same answers from the same trees that a web server in front would give.

mod conditional;
pub(crate) mod negotiate;
mod stored;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL,
    CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, LAST_MODIFIED, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use rackgen::access::Access;
use rackgen::audit::Subject;
use rackgen::coding::Coding;
use rackgen::error_code::ErrorCode;
use rackgen::model::{Audience, Namespace};
use rackgen::plan::key::PublicKey;
use rackgen::render::documents;

use crate::answer::{EXPOSED, Refusal};
use crate::app::App;
use crate::auth::decide::{self, Deed};
use crate::auth::{Caller, Credential};
use stored::Stored;

/// What answers differ by besides the encoding, where they depend on the caller.
const BY_CALLER: &str = "Accept-Encoding, Authorization, X-Registry-Token";

/// Answers a read of a resource.
pub(crate) async fn read(
    app: &App,
    request: &HttpRequest,
    key: PublicKey,
    request_id: &str,
) -> Result<HttpResponse, Refusal> {
    let client = app.client(request);
    let access = app.access();
    let identify = || app.caller(&access, request.headers());
    let asks_for_more = key == PublicKey::Namespaces && Credential::is_sent(request.headers());
    let gate = key
        .namespace()
        .and_then(|namespace| access.audience(namespace));
    match asks_for_more || gate == Some(Audience::Private) {
        // Before credentials are looked at: they may be guesses.
        true => app.strict.check(client)?,
        false => app.lenient.check(client)?,
    }
    let audience = match key.namespace() {
        None => Audience::Public,
        Some(namespace) => decide::read(&access, namespace, identify).inspect_err(|refusal| {
            if let Some(subject) = subject(&key) {
                app.tell_refused_read(request, request_id, &access, subject, refusal);
            }
        })?,
    };
    if asks_for_more && let Some(caller) = identify()? {
        return namespaces_of(app, &access, request, &caller);
    }
    let accepted = negotiate::accepted(request.headers().get_all(ACCEPT_ENCODING));
    let Some(stored) = find(app, audience, &key, &accepted)? else {
        return Err(not_found(app, audience, &key));
    };
    let etag = stored.etag();
    conditional::require_preconditions(request.headers(), &etag, Some(stored.modified))?;

    let mut response = head(key.cache_class().cache_control(audience));
    response.insert_header((
        VARY,
        match (&key, audience) {
            (PublicKey::Namespaces, _) | (_, Audience::Private) => BY_CALLER,
            _ => "Accept-Encoding",
        },
    ));
    response.insert_header((ETAG, etag.clone()));
    response.insert_header((LAST_MODIFIED, httpdate::fmt_http_date(stored.modified)));
    if matches!(key, PublicKey::File(..)) {
        // Whatever was published, it never runs on this origin.
        response.insert_header((CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"));
    }
    if conditional::is_not_modified(request.headers(), &etag, stored.modified) {
        return Ok(response.status(StatusCode::NOT_MODIFIED).finish());
    }
    response.insert_header((CONTENT_TYPE, key.media_type().as_str()));
    if let Some(coding) = stored.coding {
        response.insert_header((CONTENT_ENCODING, coding.as_str()));
    }
    stored.send(response)
}

/// What the audit log calls what is read.
fn subject(key: &PublicKey) -> Option<Subject> {
    match key {
        PublicKey::File(release, _) | PublicKey::Manifest(release) => {
            Some(Subject::Item(release.item.clone()))
        }
        PublicKey::Latest(item) | PublicKey::Versions(item) | PublicKey::Tag(item, _) => {
            Some(Subject::Item(item.clone()))
        }
        key => key.namespace().cloned().map(Subject::Namespace),
    }
}

/// The best representation in the tree of this audience. A namespace whose access just changed may still be in
/// the other one; who may read it is decided already, but nothing private becomes public by a decision of the past.
fn find(
    app: &App,
    audience: Audience,
    key: &PublicKey,
    accepted: &[Coding],
) -> Result<Option<Stored>, Refusal> {
    let other = match audience {
        Audience::Public => Audience::Private,
        Audience::Private => Audience::Public,
    };
    for tree in [audience, other] {
        let folder = app.registry.folders().tree(tree);
        let found = Stored::open(folder, key, accepted)?;
        if found.is_some() {
            let opens = |namespace: &Namespace| {
                app.decision().audience(namespace) == Some(Audience::Public)
            };
            let is_crossing = audience == Audience::Public && tree == Audience::Private;
            let allowed = !is_crossing || key.namespace().is_some_and(opens);
            return Ok(found.filter(|_| allowed));
        }
    }
    Ok(None)
}

/// The headers that every answer to a read has.
fn head(cache_control: &str) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CACHE_CONTROL, cache_control))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED));
    response
}

fn not_found(app: &App, audience: Audience, key: &PublicKey) -> Refusal {
    let exists = |namespace: &Namespace| has_listing(app, audience, namespace);
    match key.namespace() {
        Some(namespace) if !exists(namespace) => Refusal::new(
            ErrorCode::NamespaceNotFound,
            format!("nothing was published in {namespace} yet"),
        ),
        _ => Refusal::new(ErrorCode::NotFound, format!("there is nothing at {key}")),
    }
}

/// A namespace that has a folder has a listing, be it an empty one.
fn has_listing(app: &App, audience: Audience, namespace: &Namespace) -> bool {
    let listing = PublicKey::Listing(namespace.clone()).disk_path();
    app.registry.folders().tree(audience).join(listing).exists()
}

/// The namespaces that this caller may read: the open ones and their own.
fn namespaces_of(
    app: &App,
    access: &Access,
    request: &HttpRequest,
    caller: &Caller<'_>,
) -> Result<HttpResponse, Refusal> {
    caller.require_live()?;
    let root = app.registry.folders();
    let mut readable: Vec<Namespace> = Vec::new();
    for audience in Audience::ALL {
        let folder = root.tree(audience).join(PublicKey::Namespaces.disk_path());
        let names = folder.parent().and_then(|folder| folder.read_dir().ok());
        for entry in names.into_iter().flatten().flatten() {
            if let Ok(namespace) = entry.file_name().to_string_lossy().parse()
                && decide::decide(access, Some(caller), Deed::Read(&namespace)).ok()
                    == Some(audience)
                && has_listing(app, audience, &namespace)
            {
                readable.push(namespace);
            }
        }
    }
    readable.sort();
    let document = documents::namespaces(&readable);
    let cache = PublicKey::Namespaces.cache_class();
    made(
        request,
        document,
        cache.cache_control(Audience::Private),
        BY_CALLER,
    )
}

/// A document of JSON that stands in no tree.
pub(crate) fn made(
    request: &HttpRequest,
    document: Vec<u8>,
    cache_control: &str,
    vary: &'static str,
) -> Result<HttpResponse, Refusal> {
    let etag = format!("\"{}\"", &blake3::hash(&document).to_hex()[..16]);
    conditional::require_preconditions(request.headers(), &etag, None)?;
    let mut response = head(cache_control);
    response
        .insert_header((VARY, vary))
        .insert_header((ETAG, etag.clone()));
    if conditional::matches(request.headers(), &etag) {
        return Ok(response.status(StatusCode::NOT_MODIFIED).finish());
    }
    response.insert_header((CONTENT_TYPE, PublicKey::Namespaces.media_type().as_str()));
    Ok(response.body(document))
}
