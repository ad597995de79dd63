//! The protocol, case by case, against servers that are started here, a `rackd` and nginx in front of it, or against
//! any other (`RACK_CONFORMANCE_URL`). README.md in this folder says how to run it, and how to read the data files.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot set itself up stops loudly"
)]

mod access_file;
mod codings;
mod conditional;
mod daemons;
mod described;
mod expect;
mod invariants;
mod lengths;
mod lifecycle;
mod media_types;
mod pass;
mod publish;
mod raw;
mod seed;
mod suite;
mod table;

use std::env;
use std::path::Path;
use std::process::ExitCode;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::http::Request;
use rack_tests::registry::Registry;
use rack_tests::wait;
use serde_json::Value;

use expect::Expect;
use pass::Pass;
use suite::{Suite, Target};

fn main() -> ExitCode {
    if env::args().any(|arg| arg == "--list") {
        return ExitCode::SUCCESS;
    }
    if let Some(folder) = env::var_os("RACK_CONFORMANCE_SEED_DIR") {
        let folder = Path::new(&folder);
        seed::write(folder);
        println!("the seed is in {}", folder.display());
        return ExitCode::SUCCESS;
    }
    // A server that runs elsewhere has a copy of this seed, so its bytes can be looked up here.
    let registry = Registry::new(&Value::Null).setting("RACK_ENCODINGS", "br,gzip,zstd");
    seed::write(registry.root());
    match env::var("RACK_CONFORMANCE_URL") {
        Ok(url) => {
            let mut suite = Suite::new(Target {
                url,
                admin: env::var("RACK_CONFORMANCE_ADMIN_TOKEN")
                    .expect("RACK_CONFORMANCE_ADMIN_TOKEN goes with RACK_CONFORMANCE_URL"),
                source: registry.source(),
                pass: Pass::Elsewhere,
                twin: None,
            });
            all(&mut suite);
            suite.report()
        }
        Err(_) => ours(&registry),
    }
}

/// Three ways to one registry: the embedded server, nginx in front of it, and nginx when it is gone.
fn ours(registry: &Registry) -> ExitCode {
    // Not status 0: the seed has items that are to be refused.
    registry.rackgen(&["build"]).exits(1);
    let daemon = registry.rackd().behind_a_proxy().unhurried().start();
    let embedded = Target {
        url: daemon.url().to_owned(),
        admin: ADMIN_TOKEN.to_owned(),
        source: registry.source(),
        pass: Pass::Rackd,
        twin: None,
    };
    let mut suite = Suite::new(embedded.clone());
    all(&mut suite);
    daemons::run(&mut suite);
    access_file::run(&mut suite);

    let nginx = registry.nginx().daemon(&daemon).unhurried().start();
    let through_nginx = Target {
        url: nginx.url(),
        pass: Pass::Nginx,
        twin: Some(embedded.url.clone()),
        ..embedded.clone()
    };
    suite.on(through_nginx, |suite| {
        all(suite);
        daemons::run(suite);
        access_file::run(suite);
    });

    // When the last verdict is over, so are all that were given before.
    let last = Request::get("/registries/@team/features/secret")
        .bearer(seed::TEAM_READ)
        .header("X-Registry-Token", "which makes it a verdict of its own");
    let status = || last.send(&nginx.url()).map(|answer| answer.status).ok();
    assert_eq!(status(), Some(200));
    daemon.stop();
    wait::until("the last verdict to be over", wait::LONG, || {
        (status() == Some(503)).then_some(())
    });
    let alone = Target {
        url: nginx.url(),
        pass: Pass::NginxAlone,
        ..embedded
    };
    suite.on(alone, |suite| {
        reads(suite);
        lifecycle::refusals(suite);
        writes_without_daemon(suite);
    });
    suite.report()
}

/// Reads come first: they compare lists that publishes make longer.
fn all(suite: &mut Suite) {
    reads(suite);
    lifecycle::refusals(suite);
    publish::run(suite);
    lifecycle::run(suite);
}

fn reads(suite: &mut Suite) {
    for run in [
        table::run,
        media_types::run,
        lengths::run,
        codings::run,
        conditional::run,
        raw::run,
    ] {
        run(suite);
    }
}

/// Nobody publishes without a daemon, and hears so: what comes with credentials waits, what comes without never will.
fn writes_without_daemon(suite: &mut Suite) {
    let upload = publish::right(suite).request();
    let unauthorized = Expect::error(401, "UNAUTHORIZED");
    suite.ask("publish: no credentials", &upload, &unauthorized);
    let unavailable = Expect::error(503, "UNAVAILABLE");
    let known = upload.clone().bearer(ADMIN_TOKEN);
    suite.ask("publish: a token", &known, &unavailable);
    let unknown = upload.header("X-Registry-Token", "unknown");
    suite.ask("publish: an unknown token", &unknown, &unavailable);
}
