//! Changes that are refused for who asks, or for what is not there. The order: the path, the credentials, the
//! namespace, the scope, and only then the body and the version.

use rack_tests::http::Request;
use serde_json::json;

use super::change;
use crate::expect::Expect;
use crate::seed::{OTHER_PUBLISH, TEAM_EXPIRED, TEAM_PUBLISH, TEAM_READ};
use crate::suite::Suite;

/// Behind an item's address, with the scope that it takes.
const KINDS: [(&str, &str); 3] = [
    ("1.0.0/yank", "yank"),
    ("1.0.0/deprecation", "yank"),
    ("tags/beta", "tag"),
];

/// Runs the cases.
pub(super) fn run(suite: &mut Suite) {
    for (below, scope) in KINDS {
        for method in ["PUT", "DELETE"] {
            credentials(suite, below, scope, method);
        }
    }
    paths(suite);
    nothing_there(suite);
}

fn credentials(suite: &mut Suite, below: &str, scope: &str, method: &str) {
    let admin = suite.target().admin.clone();
    let open = "@open/features/tagged";
    let team = "@team/features/tagged";
    let hidden = "@hidden/features/ghost";
    let unauthorized = Expect::error(401, "UNAUTHORIZED").header("WWW-Authenticate", "Bearer");
    let invalid = Expect::error(401, "INVALID_TOKEN");
    let expired = Expect::error(401, "TOKEN_EXPIRED");
    let forbidden = Expect::error(403, "FORBIDDEN_NAMESPACE").message_has(&["@hidden"]);
    let lacks =
        |namespace| Expect::error(403, "INSUFFICIENT_PERMISSIONS").message_has(&[scope, namespace]);
    let bearer = |token: &str| ("Authorization", format!("Bearer {token}"));
    for (name, item, header, expect) in [
        ("nobody", open, None, &unauthorized),
        ("nobody in a gated namespace", team, None, &unauthorized),
        ("nobody in none", hidden, None, &unauthorized),
        (
            "an empty token",
            open,
            Some(("X-Registry-Token", String::new())),
            &unauthorized,
        ),
        ("an unknown token", open, Some(bearer("unknown")), &invalid),
        (
            "an unknown token, gated",
            team,
            Some(bearer("unknown")),
            &invalid,
        ),
        (
            "an unknown token in none",
            hidden,
            Some(bearer("unknown")),
            &invalid,
        ),
        (
            "an unknown X-Registry-Token",
            open,
            Some(("X-Registry-Token", "unknown".to_owned())),
            &invalid,
        ),
        (
            "another scheme",
            open,
            Some(("Authorization", format!("Basic {admin}"))),
            &invalid,
        ),
        (
            "another's token",
            team,
            Some(bearer(OTHER_PUBLISH)),
            &invalid,
        ),
        (
            "an expired token",
            team,
            Some(bearer(TEAM_EXPIRED)),
            &expired,
        ),
        (
            "an expired token, open",
            open,
            Some(bearer(TEAM_EXPIRED)),
            &expired,
        ),
        (
            "an expired token in none",
            hidden,
            Some(bearer(TEAM_EXPIRED)),
            &expired,
        ),
        (
            "a reader's token",
            team,
            Some(bearer(TEAM_READ)),
            &lacks("@team"),
        ),
        (
            "a reader's X-Registry-Token",
            team,
            Some(("X-Registry-Token", TEAM_READ.to_owned())),
            &lacks("@team"),
        ),
        (
            "a publisher's token elsewhere",
            open,
            Some(bearer(TEAM_PUBLISH)),
            &lacks("@open"),
        ),
        (
            "a publisher's token in none",
            hidden,
            Some(bearer(TEAM_PUBLISH)),
            &forbidden,
        ),
        (
            "the admin in none",
            hidden,
            Some(bearer(&admin)),
            &forbidden,
        ),
    ] {
        // Nobody is to look at the body: it is no JSON.
        let target = format!("/registries/{item}/{below}");
        let mut request = Request::new(method, &target).body(b"no JSON".to_vec());
        if let Some((header, value)) = header {
            request = request.header(header, &value);
        }
        suite.ask(
            &format!("refused: {method} {below} by {name}"),
            &request,
            expect,
        );
    }
    let large =
        Request::new(method, &format!("/registries/{open}/{below}")).body(vec![b' '; 5 << 20]);
    let name = format!("refused: {method} {below} with 5 MiB by");
    suite.ask(&format!("{name} nobody"), &large, &unauthorized);
    let large = large.bearer("unknown");
    suite.ask(&format!("{name} an unknown token"), &large, &invalid);
}

/// What has the shape of such an address, and is none.
fn paths(suite: &mut Suite) {
    let invalid = Expect::error(400, "INVALID_PATH");
    for target in [
        "/registries/@Open/features/tagged/1.0.0/yank",
        "/registries/open/features/tagged/1.0.0/yank",
        "/registries/@open/1.0.0/yank",
        "/registries/@open/features/tagged/1.0/yank",
        "/registries/@open/features/tagged/v1.0.0/deprecation",
        "/registries/@open/features/tagged/1.0.0/1.0.0/yank",
        "/registries/@open/features/tagged/tags/latest",
        "/registries/@open/features/tagged/tags/1.0.0",
        "/registries/@open/features/tagged/tags/Beta",
        "/registries/@open/tags/beta",
        "/registries/@open/features/tagged/1.0.0/tags/beta",
    ] {
        for body in [Some(json!({})), None] {
            let request = change(target, body.as_ref());
            let name = format!("refused: {} {target}", request.method);
            suite.ask(&name, &request, &invalid);
        }
    }
}

fn nothing_there(suite: &mut Suite) {
    let admin = suite.target().admin.clone();
    let reason = json!({ "reason": "x" });
    let message = json!({ "message": "x" });
    let version = json!({ "version": "9.9.9" });
    for (target, body) in [
        ("@open/features/tagged/9.9.9/yank", Some(&reason)),
        ("@open/features/tagged/9.9.9/yank", None),
        ("@open/features/tagged/9.9.9/deprecation", Some(&message)),
        ("@open/features/tagged/9.9.9/deprecation", None),
        ("@open/features/tagged/tags/beta", Some(&version)),
        // Another version, though of the same precedence.
        ("@open/features/tagged/1.1.0/yank", Some(&reason)),
        ("@open/features/tagged/1.0.0%2Bbuild/yank", Some(&reason)),
        ("@open/features/none/1.0.0/yank", Some(&reason)),
        ("@open/features/none/1.0.0/yank", None),
        ("@open/features/none/tags/beta", Some(&version)),
        ("@open/features/none/tags/beta", None),
        // A folder on the way to items.
        ("@open/features/tags/beta", None),
        ("@empty/features/any/1.0.0/yank", Some(&reason)),
        ("@vault/features/any/tags/beta", None),
    ] {
        let request = change(&format!("/registries/{target}"), body).bearer(&admin);
        let name = format!("refused: {} {target}, which is not there", request.method);
        suite.ask(&name, &request, &Expect::error(404, "NOT_FOUND"));
    }
}
