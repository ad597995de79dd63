//! The daemon of a registry: takes uploads, publishes them, and serves the trees where no web server does.
//!
//! Small on purpose: what a registry is, how it is loaded and how trees are written is the generator's.

mod answer;
mod app;
mod audit;
mod auth;
mod config;
#[doc(hidden)]
pub mod edges;
mod intake;
mod log;
mod metrics;
mod publish;
mod rate;
mod reads;
mod reload;
mod routes;
mod server;
mod webhook;

use std::io::Write as _;
use std::process::ExitCode;

use rackgen::usage;

use crate::config::{Args, DaemonSettings};

/// Runs the daemon until it is told to stop; exit statuses are those of interface.md.
pub fn run() -> ExitCode {
    let args: Args = match usage::parse() {
        Ok(args) => args,
        Err(exit) => return exit,
    };
    let check = args.check;
    let result = args.resolve().and_then(|settings| match check {
        true => {
            report(&settings);
            Ok(())
        }
        false => actix_web::rt::System::new().block_on(server::run(settings)),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rackd: {error}");
            ExitCode::from(2)
        }
    }
}

/// What `--check` says of settings that a daemon can start with. Faults of single namespaces keep nobody else from
/// being served, nor does a webhooks file that is missed, so they are no reason against a start.
fn report(settings: &DaemonSettings) {
    let state = &settings.registry.folders().state;
    let missed = settings.webhook_source.missed(state);
    let missed = missed.unwrap_or_else(|error| Some(error.to_string()));
    let of_access = settings.access.faults().iter();
    let faults: Vec<_> = of_access
        .map(|fault| format!("access file: {fault}"))
        .chain(missed.map(|fault| format!("webhooks: {fault}")))
        .collect();
    for fault in &faults {
        eprintln!("rackd: {fault}");
    }
    let line = match faults.is_empty() {
        true => "all is well: settings, access file and folders are in order",
        false => "the daemon can start; what is named above is to be mended",
    };
    // A pipe that nobody reads any longer is no fault of the settings.
    let _ = writeln!(std::io::stdout(), "{line}");
}
