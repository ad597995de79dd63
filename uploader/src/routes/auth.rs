//! `GET /auth`: what nginx's `auth_request` asks before it serves from the private tree (interface.md).
//!
//! It knows three answers: 204, 401 and 403. The code goes into a header, and nginx writes the body from it.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderName, RETRY_AFTER};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use rackgen::audit::Subject;
use rackgen::error_code::ErrorCode;
use rackgen::model::{Audience, Namespace};

use super::blocking;
use crate::answer::Refusal;
use crate::app::App;
use crate::auth::{Credential, decide};

const NAMESPACE: HeaderName = HeaderName::from_static("x-rack-namespace");
/// Who may, as people call the token: for nginx's access log.
const BY: HeaderName = HeaderName::from_static("x-rack-token");
const CODE: HeaderName = HeaderName::from_static("x-rack-code");
/// nginx keeps verdicts for seconds, by namespace and credentials, but for those with a 0 in here.
const CACHE_SECONDS: HeaderName = HeaderName::from_static("x-accel-expires");

/// The verdict on whether a namespace may be read with what was sent.
pub(super) async fn auth(app: &Data<App>, request: &HttpRequest, id: &str) -> HttpResponse {
    match judge(app, request, id).await {
        Ok(granted) => grant(&granted),
        Err(refusal) => {
            app.metrics.refused("auth", &refusal);
            refuse(&refusal, Credential::is_sent(request.headers()))
        }
    }
}

/// That a namespace may be read.
struct Granted {
    /// By whom else.
    audience: Audience,
    /// What people call the token; none where none was needed.
    name: Option<String>,
}

async fn judge(app: &Data<App>, request: &HttpRequest, id: &str) -> Result<Granted, Refusal> {
    // Before credentials are looked at: they may be guesses.
    app.strict.check(app.client(request))?;
    let namespace = namespace(request)?;
    let mut access = app.access();
    if access.audience(&namespace) == Some(Audience::Public) {
        // nginx asks before it looks into the private tree, which no decision of the past may open.
        let app = app.clone();
        access = blocking(move || Ok(app.decision())).await?;
    }
    let mut name = None;
    let identify = || {
        let caller = app.caller(&access, request.headers())?;
        name = caller.as_ref().map(|it| it.by(Some(&namespace)).name);
        Ok(caller)
    };
    match decide::read(&access, &namespace, identify) {
        Ok(audience) => Ok(Granted { audience, name }),
        Err(refusal) => {
            let subject = Subject::Namespace(namespace);
            app.tell_refused_read(request, id, &access, subject, &refusal);
            Err(refusal)
        }
    }
}

fn grant(Granted { audience, name }: &Granted) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    response.insert_header((CACHE_CONTROL, "no-store"));
    if let Some(name) = name {
        response.insert_header((BY, header_text(name)));
    }
    if *audience == Audience::Public {
        // Nor may one that is kept.
        response.insert_header((CACHE_SECONDS, "0"));
    }
    response.finish()
}

/// What a header can hold of a name, which may be any text.
fn header_text(name: &str) -> String {
    /// Characters.
    const LONGEST: usize = 64;
    let plain = |c: char| match c {
        ' '..='~' => c,
        _ => '?',
    };
    name.chars().take(LONGEST).map(plain).collect()
}

fn namespace(request: &HttpRequest) -> Result<Namespace, Refusal> {
    request
        .headers()
        .get(NAMESPACE)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .ok_or_else(|| {
            Refusal::new(
                ErrorCode::ForbiddenNamespace,
                "X-Rack-Namespace names no namespace",
            )
        })
}

/// A refusal in the words of `auth_request`, to which every status but these two is a fault of the server.
fn refuse(refusal: &Refusal, credentials_sent: bool) -> HttpResponse {
    let (status, code) = match refusal.code {
        code if code.status() == 401 => (StatusCode::UNAUTHORIZED, code),
        code if code.status() == 403 => (StatusCode::FORBIDDEN, code),
        ErrorCode::RateLimitExceeded => (StatusCode::FORBIDDEN, ErrorCode::RateLimitExceeded),
        _ => (StatusCode::FORBIDDEN, ErrorCode::Unavailable),
    };
    let mut response = HttpResponse::build(status);
    response
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CODE, code.as_str()));
    // Another guess has to meet the limiter, and what passes soon is not to be kept.
    if credentials_sent || !matches!(refusal.code.status(), 401 | 403) {
        response.insert_header((CACHE_SECONDS, "0"));
    }
    if let Some(seconds) = refusal.header_value(&RETRY_AFTER) {
        response.insert_header((RETRY_AFTER, seconds));
    }
    response.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_a_401_or_a_403() {
        let table = [
            // code, credentials were sent, status, code in the header, may be cached
            (ErrorCode::Unauthorized, false, 401, "UNAUTHORIZED", true),
            (ErrorCode::InvalidToken, true, 401, "INVALID_TOKEN", false),
            (
                ErrorCode::ForbiddenNamespace,
                false,
                403,
                "FORBIDDEN_NAMESPACE",
                true,
            ),
            (
                ErrorCode::ForbiddenNamespace,
                true,
                403,
                "FORBIDDEN_NAMESPACE",
                false,
            ),
            (
                ErrorCode::RateLimitExceeded,
                false,
                403,
                "RATE_LIMIT_EXCEEDED",
                false,
            ),
            (ErrorCode::InternalError, false, 403, "UNAVAILABLE", false),
            (ErrorCode::Unavailable, false, 403, "UNAVAILABLE", false),
        ];
        for (code, credentials_sent, status, word, cached) in table {
            let answer = refuse(&Refusal::new(code, ""), credentials_sent);
            assert_eq!(answer.status().as_u16(), status, "{code:?}");
            assert_eq!(answer.headers().get(CODE).unwrap(), word, "{code:?}");
            assert_eq!(
                !answer.headers().contains_key(CACHE_SECONDS),
                cached,
                "{code:?}"
            );
            assert!(!answer.headers().contains_key("www-authenticate"));
        }
    }
}
