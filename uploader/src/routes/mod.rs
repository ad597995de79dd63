//! From a request to its answer: what is asked for, who answers, what is logged and counted.

mod auth;
mod health;
mod json_body;
mod lifecycle;
mod metrics;
mod openapi;
mod tokens;
mod upload;
mod whoami;

use std::time::Instant;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW,
    HeaderMap, HeaderName, HeaderValue,
};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::web::{self, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use rackgen::error_code::ErrorCode;
use rackgen::folders::random_hex;
use rackgen::nginx::ALLOWED_HEADERS;
use rackgen::plan::key::PublicKey;
use rackgen::plan::url::{InvalidUrl, LifecycleUrl};
use rackgen::token::TokenId;

use crate::answer::Refusal;
use crate::app::App;
use crate::intake::body::Body;
use crate::publish::Publisher;
use crate::reads;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Bytes of a request target, as nginx has it by default.
const TARGET_MAX: usize = 8 << 10;

/// What a request asks for, by method and path.
enum Route {
    Upload,
    Health,
    Metrics,
    Auth,
    Whoami,
    Tokens,
    Mint,
    Revoke(TokenId),
    OpenApi,
    Read(PublicKey),
    Lifecycle(LifecycleUrl),
    Options { allowed: &'static str },
}

impl Route {
    /// All labels that there are.
    #[cfg(test)]
    const LABELS: [&str; 20] = [
        "upload",
        "health",
        "metrics",
        "auth",
        "whoami",
        "tokens",
        "token",
        "openapi",
        "yank",
        "deprecation",
        "tag",
        "options",
        "schema",
        "file",
        "manifest",
        "versions",
        "latest",
        "preset",
        "listing",
        "namespaces",
    ];

    /// The label of its figures: few, whatever is asked for.
    fn label(&self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Health => "health",
            Self::Metrics => "metrics",
            Self::Auth => "auth",
            Self::Whoami => "whoami",
            Self::Tokens | Self::Mint => "tokens",
            Self::Revoke(_) => "token",
            Self::OpenApi => "openapi",
            Self::Lifecycle(LifecycleUrl::Yank(_)) => "yank",
            Self::Lifecycle(LifecycleUrl::Deprecation(_)) => "deprecation",
            Self::Lifecycle(LifecycleUrl::Tag(..)) => "tag",
            Self::Options { .. } => "options",
            Self::Read(PublicKey::Schema(_)) => "schema",
            Self::Read(PublicKey::File(..)) => "file",
            Self::Read(PublicKey::Manifest(_)) => "manifest",
            Self::Read(PublicKey::Versions(_)) => "versions",
            Self::Read(PublicKey::Latest(_)) => "latest",
            Self::Read(PublicKey::Tag(..)) => "tag",
            Self::Read(PublicKey::Preset(_)) => "preset",
            Self::Read(PublicKey::Listing(_)) => "listing",
            Self::Read(PublicKey::Namespaces) => "namespaces",
        }
    }

    /// Methods are judged first, by the shape of the path. `/auth` is there for a trusted peer only.
    fn of(request: &HttpRequest, trusted: bool) -> Result<Self, Refusal> {
        let method = request.method();
        if !is_http(method) {
            return Err(Refusal::new(
                ErrorCode::BadRequest,
                "a method is written in capital letters, `_` and `-`",
            ));
        }
        let target = request
            .uri()
            .path_and_query()
            .map_or("/", |target| target.as_str());
        if target.len() > TARGET_MAX {
            return Err(Refusal::new(
                ErrorCode::UriTooLong,
                "the address is over 8 KiB long",
            ));
        }
        let path = request.uri().path();
        let token = token_of(path);
        let allowed = match path {
            "/registries" => "POST, OPTIONS",
            "/tokens" => "GET, HEAD, POST, OPTIONS",
            _ if token.is_some() => "DELETE, OPTIONS",
            path => LifecycleUrl::allowed(path).unwrap_or("GET, HEAD, OPTIONS"),
        };
        if *method == Method::OPTIONS {
            return Ok(Self::Options { allowed });
        }
        // An action that is only read is no address at all, which is another fault.
        let is_read = matches!(*method, Method::GET | Method::HEAD) && path != "/registries";
        if !is_read
            && !allowed
                .split(", ")
                .any(|allowed| allowed == method.as_str())
        {
            return Err(match is_known(method) {
                true => Refusal::method_not_allowed(allowed),
                false => Refusal::new(
                    ErrorCode::NotImplemented,
                    "this method is none that the registry knows",
                ),
            });
        }
        let invalid = |invalid: InvalidUrl| Refusal::new(invalid.code, invalid.why);
        if matches!(*method, Method::PUT | Method::DELETE)
            && let Some(url) = LifecycleUrl::parse(path)
        {
            return url.map(Self::Lifecycle).map_err(invalid);
        }
        if *method == Method::DELETE
            && let Some(id) = token
        {
            return Ok(Self::Revoke(id));
        }
        match path {
            "/registries" => Ok(Self::Upload),
            "/tokens" if *method == Method::POST => Ok(Self::Mint),
            "/tokens" => Ok(Self::Tokens),
            "/health" => Ok(Self::Health),
            "/metrics" => Ok(Self::Metrics),
            "/auth" if trusted => Ok(Self::Auth),
            "/whoami" => Ok(Self::Whoami),
            "/openapi.json" => Ok(Self::OpenApi),
            path => PublicKey::parse(path).map(Self::Read).map_err(invalid),
        }
    }
}

/// The token that a path names; whatever else stands there, nothing is at it.
fn token_of(path: &str) -> Option<TokenId> {
    path.strip_prefix("/tokens/")?.parse().ok()
}

/// Whether nginx would take it for a method, known or not.
fn is_http(method: &Method) -> bool {
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte == b'_' || byte == b'-';
    method.as_str().bytes().all(allowed)
}

/// The methods of RFC 9110 and RFC 5789.
fn is_known(method: &Method) -> bool {
    [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS,
        Method::TRACE,
        Method::CONNECT,
    ]
    .contains(method)
}

/// The id that a trusted peer gave the request, so that its log and ours have one; else a new one.
fn request_id(headers: &HeaderMap, trusted: bool) -> String {
    let given = headers.get(REQUEST_ID).filter(|_| trusted);
    given
        .and_then(|value| value.to_str().ok())
        .filter(|id| is_request_id(id))
        .map_or_else(|| random_hex::<8>().unwrap_or_default(), str::to_owned)
}

/// Nothing that a log or a header would have to escape.
fn is_request_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

/// Answers every request.
pub(crate) async fn dispatch(
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
    publisher: Data<Publisher>,
) -> HttpResponse {
    let start = Instant::now();
    let trusted = app.trusts(&request);
    let id = request_id(request.headers(), trusted);
    let body = Body::new(payload);
    let route = Route::of(&request, trusted);
    let label = route.as_ref().map_or("none", Route::label);
    let answer = match route {
        Ok(route) => answer(route, &request, &body, &app, &publisher, &id).await,
        Err(refusal) => Err(refusal),
    };
    let mut response = match answer {
        Ok(response) => response,
        Err(refusal) => {
            app.metrics.refused(label, &refusal);
            // The rest of an upload, so that the client comes to read why it was refused; but not of one that was refused
            // because it does not arrive.
            let drained = *request.method() == Method::CONNECT
                || refusal.code != ErrorCode::RequestTimeout && body.drain().await;
            let mut response = refusal.into_response(&id);
            if !drained {
                // What is left of the body stands in the way of any further request.
                response
                    .head_mut()
                    .set_connection_type(ConnectionType::Close);
            }
            response
        }
    };
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let status = response.status().as_u16();
    let took = start.elapsed();
    let method = match is_known(request.method()) {
        true => request.method().as_str(),
        // Whoever makes up methods makes no new figures.
        false => "other",
    };
    app.metrics.request(label, method, status, took);
    app.metrics.bytes(label, body.arrived(), length(&response));
    tracing::info!(
        request_id = id,
        client = %app.client(&request),
        method = %request.method(),
        path = request.uri().path(),
        status,
        ms = took.as_millis() as u64,
        "request"
    );
    response
}

/// Bytes of an answer's body, as far as that is known before it is sent.
fn length(response: &HttpResponse) -> u64 {
    match response.body().size() {
        BodySize::Sized(length) => length,
        BodySize::None | BodySize::Stream => 0,
    }
}

async fn answer(
    route: Route,
    request: &HttpRequest,
    body: &Body,
    app: &Data<App>,
    publisher: &Publisher,
    id: &str,
) -> Result<HttpResponse, Refusal> {
    match route {
        Route::Upload => upload::upload(app, publisher, request, body.clone(), id).await,
        Route::Health => Ok(health::health(app)),
        Route::Metrics => metrics::metrics(app, request),
        Route::Auth => Ok(auth::auth(app, request, id).await),
        Route::Whoami => whoami::whoami(app, request),
        Route::Tokens => tokens::list(app, request).await,
        Route::Mint => tokens::mint(app, request, body.clone(), id).await,
        Route::Revoke(token) => tokens::revoke(app, request, token, id).await,
        Route::OpenApi => openapi::openapi(app, request),
        Route::Options { allowed } => Ok(options(allowed)),
        Route::Lifecycle(url) => lifecycle::lifecycle(app, request, body.clone(), url, id).await,
        Route::Read(key) if app.serve_reads => reads::read(app, request, key, id).await,
        Route::Read(key) => Err(Refusal::new(
            ErrorCode::NotFound,
            format!("{key} is served by the web server, not by the daemon"),
        )),
    }
}

/// Files are looked at, and locks waited for, where nobody else waits.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    web::block(work)
        .await
        .map_err(|fault| Refusal::internal(&fault))?
}

fn options(allowed: &'static str) -> HttpResponse {
    HttpResponse::build(StatusCode::NO_CONTENT)
        .insert_header((ALLOW, allowed))
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, allowed))
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS))
        .finish()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_a_trusted_peer_gives_a_request_its_id() {
        let id_of = |given: &str, trusted| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_str(given).unwrap());
            request_id(&headers, trusted)
        };
        let longest = "x".repeat(64);
        for good in ["1", "0af7651916cd43dd8448eb211c80319c", "A_b-9", &longest] {
            assert_eq!(id_of(good, true), good);
            assert_ne!(id_of(good, false), good);
        }
        for bad in ["", "a b", "a\"b", "a.b", "\u{e4}", &format!("{longest}x")] {
            assert_eq!(id_of(bad, true).len(), 16, "{bad}");
        }
        assert_ne!(
            request_id(&HeaderMap::new(), true),
            request_id(&HeaderMap::new(), true)
        );
    }

    #[test]
    fn verdicts_are_for_trusted_peers_only() {
        let request = TestRequest::with_uri("/auth").to_http_request();
        assert!(matches!(Route::of(&request, true), Ok(Route::Auth)));
        let refusal = Route::of(&request, false).err();
        assert_eq!(
            refusal.map(|refusal| refusal.code),
            Some(ErrorCode::NotFound)
        );
    }
}
