//! The protocol, case by case, against a server: a `rackd` that is started here, or any other
//! (`RACK_CONFORMANCE_URL`). README.md in this folder says how to run it, and how to read the data files.

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
mod expect;
mod invariants;
mod lengths;
mod media_types;
mod publish;
mod raw;
mod seed;
mod suite;
mod table;

use std::env;
use std::path::Path;
use std::process::ExitCode;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::registry::Registry;
use serde_json::Value;

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
        Ok(url) => run(Suite::new(Target {
            url,
            admin: env::var("RACK_CONFORMANCE_ADMIN_TOKEN")
                .expect("RACK_CONFORMANCE_ADMIN_TOKEN goes with RACK_CONFORMANCE_URL"),
            source: registry.source(),
            ours: false,
        })),
        Err(_) => {
            // Not status 0: the seed has items that are to be refused.
            registry.rackgen(&["build"]).exits(1);
            let daemon = registry.rackd().unhurried().start();
            run(Suite::new(Target {
                url: daemon.url().to_owned(),
                admin: ADMIN_TOKEN.to_owned(),
                source: registry.source(),
                ours: true,
            }))
        }
    }
}

/// Reads come first: they compare lists that publishes make longer.
fn run(mut suite: Suite) -> ExitCode {
    for run in [
        table::run,
        media_types::run,
        lengths::run,
        codings::run,
        conditional::run,
        raw::run,
        publish::run,
    ] {
        run(&mut suite);
    }
    if suite.target().ours {
        daemons::run(&mut suite);
        access_file::run(&mut suite);
    }
    suite.report()
}
