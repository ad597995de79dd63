//! Faults in the access file (protocol.md, "The access file"), and what a change of it does to readers.

use std::io;
use std::time::Duration;

use rack_tests::daemon::Rackd;
use rack_tests::http::{Request, Response};
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::traces::traces;
use rack_tests::wait;
use rustix::process::Signal;
use serde_json::json;

use crate::daemons::{UNHURRIED, with};
use crate::expect::Expect;
use crate::suite::{Suite, Target, unless};

/// By then a daemon has noticed that the file changed.
const RELOAD: Duration = Duration::from_secs(10);

/// Runs the cases.
pub(crate) fn run(suite: &mut Suite) {
    let registry = Registry::new(&json!({
        "@fine": [],
        "@late": [{ "token": "late-token", "expiresAt": "next week" }],
        "@Upper": [],
    }));
    for namespace in ["@fine", "@late"] {
        registry.put(&Release::new(namespace, "auth", "1.0.0"));
    }
    let build = registry.rackgen(&["build"]);
    suite.check(
        "access file: a fault in one namespace is no reason not to build",
        |_| {
            let built = matches!(build.status, Some(0 | 1));
            Ok(unless(built, || build.to_string()))
        },
    );
    with(suite, &registry, &UNHURRIED, |suite, daemon| {
        faults(suite);
        reload(suite, &registry, daemon);
    });
}

fn faults(suite: &mut Suite) {
    let fine = Request::get("/registries/@fine/features/auth");
    suite.ask(
        "access file: the others go on working",
        &fine,
        &Expect::status(200),
    );
    let late = Request::get("/registries/@late/features/auth");
    let forbidden = Expect::error(403, "FORBIDDEN_NAMESPACE");
    suite.ask(
        "access file: an unreadable date makes undeclared",
        &late,
        &forbidden,
    );
    let late = late.bearer("late-token");
    suite.ask("access file: also for its own token", &late, &forbidden);
    let listed = Expect::status(200).json_has(json!({ "namespaces": ["@fine"] }));
    suite.ask(
        "access file: the list has the others",
        &Request::get("/namespaces"),
        &listed,
    );
    for namespace in ["@late", "@Upper"] {
        suite.check(
            &format!("access file: health names {namespace}"),
            |target| {
                let health = health_of(target)?;
                Ok(unless(health.contains(namespace), || health))
            },
        );
    }
}

fn health_of(target: &Target) -> io::Result<String> {
    let answer = Request::get("/health").send(&target.url)?;
    Ok(String::from_utf8_lossy(&answer.body).into_owned())
}

fn reload(suite: &mut Suite, registry: &Registry, daemon: &Rackd) {
    let fine = Request::get("/registries/@fine/features/auth");
    suite.check("access file: health shows that it is broken", |target| {
        let before = health_of(target)?;
        registry.write_access("[ this is no object");
        daemon.signal(Signal::HUP);
        let shown = wait::within(RELOAD, || {
            health_of(target).ok().filter(|now| *now != before)
        });
        Ok(unless(shown.is_some(), || format!("still {before}")))
    });
    suite.ask(
        "access file: a broken one changes nothing",
        &fine,
        &Expect::status(200),
    );

    registry.write_access(json!({ "@fine": [{ "token": "fine-token" }] }).to_string());
    daemon.signal(Signal::HUP);
    let url = suite.target().url.clone();
    let gated = |answer: &Response| answer.status == 401;
    wait::within(RELOAD, || fine.send(&url).ok().filter(gated));
    let unauthorized = Expect::error(401, "UNAUTHORIZED");
    suite.ask(
        "access file: a namespace becomes gated",
        &fine,
        &unauthorized,
    );
    // What is withdrawn is nowhere for a moment, before it is in the private tree.
    let fine = fine.bearer("fine-token");
    let is_back = |answer: &Response| answer.status == 200;
    wait::within(RELOAD, || fine.send(&url).ok().filter(is_back));
    let private = Expect::status(200).header("Cache-Control", "private, max-age=60");
    suite.ask("access file: its token reads", &fine, &private);
    let empty = Expect::status(200).json_has(json!({ "namespaces": [] }));
    let list = Request::get("/namespaces");
    let left = |answer: &Response| !answer.json().to_string().contains("@fine");
    wait::within(RELOAD, || list.send(&url).ok().filter(left));
    suite.ask("access file: it leaves the list", &list, &empty);
    suite.check(
        "access file: nothing of it is left in the public tree",
        |_| {
            let of_it = || traces(&registry.public(), &["@fine"]);
            wait::within(RELOAD, || of_it().is_empty().then_some(()));
            Ok(of_it())
        },
    );
}
