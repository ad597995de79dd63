//! `Allow` names the methods of an address, all of them and no other: in a 405, and in the answer to OPTIONS.

use std::collections::BTreeSet;

use rack_tests::http::Request;

use crate::suite::Suite;

const READ: &str = "get, head, options";
const ACTION: &str = "put, delete, options";
const TAG: &str = "get, head, put, delete, options";

const ADDRESSES: [(&str, &str); 23] = [
    ("/registries/@open/features/tagged/1.0.0/yank", ACTION),
    (
        "/registries/@open/features/tagged/1.0.0/deprecation",
        ACTION,
    ),
    (
        "/registries/%40open/features/tagged/1.1.0%2Bbuild.7/yank",
        ACTION,
    ),
    (
        "/registries/@open/features/tagged/1.0.0/yank?reason=x",
        ACTION,
    ),
    ("/registries/@open/features/none/1.0.0/yank", ACTION),
    ("/registries/@team/features/secret/1.0.0/yank", ACTION),
    ("/registries/@nowhere/features/any/1.0.0/yank", ACTION),
    ("/registries/@open/features/tagged/tags/beta", TAG),
    ("/registries/%40open/features/tagged/tags/none?x", TAG),
    ("/registries/@team/features/tagged/tags/stable", TAG),
    ("/registries/@open/features/tagged/tags/yank", TAG),
    // Not one of them, though near.
    ("/registries/@open/features/yank", READ),
    ("/registries/@open/features/deprecation", READ),
    ("/registries/@open/features/tagged", READ),
    ("/registries/@open/features/tagged/1.0.0", READ),
    ("/registries/@open/features/tagged/versions", READ),
    ("/registries/@open/features/tagged/1.0.0/yank/", READ),
    ("/registries/@open/features/tagged/1.0.0/yank/x", READ),
    ("/registries/@open/features/tagged/1.0.0/files/yank", READ),
    ("/registries/@open/features/tagged/1.0.0/files/tags/x", READ),
    ("/registries/@open/features/tagged/tags", READ),
    ("/registries/@open/features/tagged/tags/beta/x", READ),
    ("/registries/yank", READ),
];

/// Runs the cases.
pub(super) fn run(suite: &mut Suite) {
    for (address, allowed) in ADDRESSES {
        let allowed: BTreeSet<String> = allowed.split(", ").map(str::to_owned).collect();
        for method in ["OPTIONS", "POST", "PATCH", "TRACE", "PUT", "DELETE"] {
            let is_allowed = allowed.contains(&method.to_lowercase());
            if is_allowed && method != "OPTIONS" {
                continue;
            }
            let status = if is_allowed { 204 } else { 405 };
            suite.check(&format!("allowed: {method} {address}"), |target| {
                let answer = Request::new(method, address).send(&target.url)?;
                let mut problems = Vec::new();
                if answer.status != status {
                    problems.push(format!("expected {status}, got {}", answer.status));
                }
                let lists: &[&str] = match status {
                    204 => &["Allow", "Access-Control-Allow-Methods"],
                    _ => &["Allow"],
                };
                for name in lists {
                    let got = answer.list(name);
                    if got != allowed {
                        problems.push(format!("{name}: expected {allowed:?}, got {got:?}"));
                    }
                }
                Ok(problems)
            });
        }
    }
}
