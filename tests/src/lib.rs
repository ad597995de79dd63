//! The harness of the tests across both crates. It drives the real binaries over real folders, archives and
//! sockets, and uses nothing of their libraries: what it knows of the protocol it knows from protocol.md.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot set itself up stops loudly"
)]

pub mod agreement;
pub mod audit;
pub mod binaries;
pub mod canaries;
pub mod coding;
pub mod crawler;
pub mod daemon;
pub mod errors;
pub mod etags;
pub mod hostile;
pub mod http;
pub mod line;
pub mod lock;
pub mod minted;
pub mod mirror;
pub mod mount;
pub mod multipart;
pub mod nginx;
pub mod origin;
pub mod package;
pub mod questions;
pub mod random;
pub mod raw_tar;
pub mod readers;
pub mod receiver;
pub mod registry;
pub mod release;
pub mod running;
pub mod secrets;
pub mod served;
pub mod sound;
pub mod standing;
pub mod traces;
pub mod tree;
pub mod wait;
pub mod watched;

use std::env;
use std::fmt::Display;
use std::path::PathBuf;

/// The root of the checkout.
pub fn project_root() -> PathBuf {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("the package is in a folder of the checkout")
        .to_owned()
}

/// Prints a figure that was seen; `scripts/prove` makes its table of these lines.
pub fn proved(what: &str, figure: impl Display) {
    println!("PROVED {what}: {figure}");
}

/// How often a rule tries its luck: a sample, or all of it where `RACK_PROVE=1` asks for proof.
pub fn rounds(sample: usize, proof: usize) -> usize {
    match env::var_os("RACK_PROVE") {
        Some(value) if value == "1" => proof,
        _ => sample,
    }
}
