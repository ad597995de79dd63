//! The daemon of a registry: takes uploads, publishes them, and serves the trees where no web server does.
//!
//! Small on purpose: what a registry is, how it is loaded and how trees are written is the generator's.

mod answer;
mod app;
mod auth;
mod config;
mod intake;
mod log;
mod metrics;
mod publish;
mod rate;
mod reads;
mod reload;
mod routes;
mod server;

use std::process::ExitCode;

use rackgen::usage;

use crate::config::Args;

/// Runs the daemon until it is told to stop; exit statuses are those of interface.md.
pub fn run() -> ExitCode {
    let args: Args = match usage::parse() {
        Ok(args) => args,
        Err(exit) => return exit,
    };
    let result = args
        .resolve()
        .and_then(|settings| actix_web::rt::System::new().block_on(server::run(settings)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rackd: {error}");
            ExitCode::from(2)
        }
    }
}
