//! A `rackgen` that runs until it is stopped.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Child;

use crate::binaries;
use crate::registry::Registry;
use crate::wait;

/// A running command, killed when it is dropped.
#[derive(Debug)]
pub struct Running {
    process: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Running {
    /// Starts `rackgen` with these arguments.
    pub fn start(registry: &Registry, args: &[&str]) -> Self {
        let (stdout, stderr) = (registry.log("stdout"), registry.log("stderr"));
        let process = registry
            .command(&binaries::rackgen())
            .args(args)
            .stdout(File::create(&stdout).expect("a file"))
            .stderr(File::create(&stderr).expect("a file"))
            .spawn()
            .expect("rackgen runs");
        Self {
            process,
            stdout,
            stderr,
        }
    }

    /// What it has printed so far.
    pub fn printed(&self) -> String {
        fs::read_to_string(&self.stdout).unwrap_or_default()
    }

    /// What it has complained of so far.
    pub fn complained(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    /// Waits until something is so, while it runs.
    pub fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        wait::until(what, wait::LONG, || {
            let ended = self.process.try_wait().expect("a child can be waited for");
            assert!(ended.is_none(), "{what}: it ended: {}", self.complained());
            is_so(self).then_some(())
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
