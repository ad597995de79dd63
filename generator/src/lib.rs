//! Turns a source tree of registry items into trees that any web server can serve.
//!
//! A build is a pipeline: `source` loads what is there into the `model`, `render` says what it comes to,
//! `plan` compares that with the last build, `commit` writes the difference. Dependencies point back along it,
//! never forth; `model`, `plan` and `render` do no I/O.

pub mod access;
pub mod admin_token;
mod appended;
pub mod audit;
pub mod build;
pub mod check;
pub mod cli;
pub mod client;
pub mod coding;
pub mod commit;
pub mod compress;
pub mod config;
pub mod doctor;
pub mod error;
pub mod error_code;
pub mod folders;
pub mod hashing;
pub mod import;
pub mod lifecycle;
pub mod lock;
pub mod model;
pub mod nginx;
pub mod package;
pub mod plan;
pub mod public_url;
pub mod rate;
pub mod regular;
pub mod render;
pub mod report;
pub mod schema;
pub mod source;
mod state_file;
pub mod token;
pub mod usage;
mod users;
pub mod verify;
pub mod watch;
pub mod watchers;
pub mod webhook;
