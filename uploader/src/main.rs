//! The `rackd` binary: an outcome becomes an exit status, nothing more.

use std::process::ExitCode;

fn main() -> ExitCode {
    rackd::run()
}
