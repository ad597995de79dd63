//! The same cases, once for each way to the registry, and what differs between these ways by nature: all of it here.

use rack_tests::agreement::differences;
use rack_tests::http::{Request, Response};

use crate::expect::Expect;

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// A `rackd` that we started, with nothing in front.
    Rackd,
    /// nginx with a `rackd` behind it.
    Nginx,
    /// nginx whose daemon is down.
    NginxAlone,
    /// A server that somebody else started.
    Elsewhere,
}

impl Pass {
    /// What stands in front of the names of its cases.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Rackd | Self::Elsewhere => "",
            Self::Nginx => "through nginx, ",
            Self::NginxAlone => "nginx alone, ",
        }
    }

    /// What is to be expected here of what a complete registry answers like that.
    pub(crate) fn expect(self, request: &Request, expect: &Expect) -> Expect {
        match self {
            Self::NginxAlone if needs_daemon(request, expect) => Expect::error(503, "UNAVAILABLE"),
            _ => expect.clone(),
        }
    }
}

/// Namespaces of the seed that anyone may read and that have a folder: their files are all that is needed. Without one
/// nobody but the daemon can tell them from the others.
const OPEN: [&str; 2] = ["@open", "@drop"];

/// Whether only the daemon knows the answer. What is wrong by itself (the path, the method, a request without
/// credentials for an upload) is told by nginx.
fn needs_daemon(request: &Request, expect: &Expect) -> bool {
    if matches!(&request.method[..], "PUT" | "DELETE") {
        // nginx knows where that may be sent, and of what was sent there nothing.
        return !matches!(expect.wanted_status(), 405 | 414);
    }
    if matches!(expect.wanted_status(), 204 | 400 | 405 | 414 | 501) {
        return false;
    }
    let path = request.target.split('?').next().unwrap_or_default();
    let has_credentials = request
        .headers
        .iter()
        .any(|(name, _)| ["Authorization", "X-Registry-Token"].contains(&&name[..]));
    let mut segments = path.split('/').skip(1);
    match (segments.next(), segments.next()) {
        (Some("health" | "openapi.json" | "tokens"), None) => true,
        (Some("namespaces"), None) => has_credentials,
        (Some("registries" | "namespaces"), Some(namespace)) => {
            !OPEN.contains(&&namespace.replace("%40", "@")[..])
        }
        _ => false,
    }
}

/// Requests of which nginx and the embedded server say different things, each with the reason.
const DIFFERENT: [(&str, &str); 1] = [(
    "/metrics",
    "nginx keeps it to itself: behind it every peer is near",
)];

/// Whether the second server may be asked the same, and to the same effect: what was refused changed nothing.
pub(crate) fn can_be_repeated(request: &Request, answer: &Response) -> bool {
    let path = request.target.split('?').next().unwrap_or_default();
    let changes_nothing =
        matches!(&request.method[..], "GET" | "HEAD" | "OPTIONS") || answer.status >= 400;
    changes_nothing && !DIFFERENT.iter().any(|(different, _)| *different == path)
}

/// What the embedded server and nginx do not agree on.
pub(crate) fn disagreement(embedded: &Response, nginx: &Response) -> Vec<String> {
    let lines = differences(embedded, nginx).into_iter();
    lines
        .map(|line| format!("embedded or nginx: {line}"))
        .collect()
}
