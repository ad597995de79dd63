//! `scripts/mirror`, run as an admin would. A remote source is a real rsync daemon, which rsync itself starts for each
//! connection; nothing listens on a port.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::project_root;
use crate::registry::Run;
use crate::wait;

/// Brings the mirror at `to` up to date with the public tree at `from`, from the side of the registry.
pub fn push(from: &Path, to: &Path) {
    run(&["push", text(to), "--tree", text(from)]).exits(0);
}

/// Runs the script to its end.
pub fn run(args: &[&str]) -> Run {
    Run::of(command(args))
}

/// Runs the script and kills it after so long, with all that it started. The tree here is free again then.
pub fn kill(mut script: Command, tree: &Path, after: Duration) {
    // What it keeps for itself goes the way of the test's folder.
    let temporary = tree.parent().expect("a tree in a folder of the test");
    script.env("TMPDIR", temporary);
    let silent = script.stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = silent.process_group(0).spawn().expect("the script runs");
    // The moment is part of the experiment, so there is nothing else to wait for.
    thread::sleep(after);
    // Nobody is left of a group that came to its end.
    kill_process_group(Pid::from_child(&process), Signal::KILL).ok();
    process.wait().expect("a child can be waited for");
    wait::until("the lock of the killed", wait::LONG, || {
        File::open(tree).map_or(Some(()), |folder| folder.try_lock().ok())
    });
}

/// The script, to be run.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(project_root().join("scripts/mirror"));
    command.args(args).stdin(Stdio::null());
    command
}

/// A folder that an rsync daemon gives to whoever asks, to be read.
#[derive(Debug)]
pub struct RsyncDaemon {
    config: PathBuf,
}

impl RsyncDaemon {
    /// Its configuration goes to a file of that name.
    pub fn serving(folder: &Path, config: PathBuf) -> Self {
        let text = format!(
            "use chroot = no\nlog file = /dev/null\n[tree]\npath = {}\nread only = yes\nuid = root\ngid = root\n",
            folder.display()
        );
        fs::write(&config, text).expect("a file");
        Self { config }
    }

    /// What brings the mirror at `to` up to date with what the daemon gives.
    pub fn pull(&self, to: &Path) -> Command {
        self.pull_with(to, ":")
    }

    /// The same; this shell command runs before each time that the script connects, and has its environment.
    pub fn pull_with(&self, to: &Path, before: &str) -> Command {
        let mut command = command(&["pull", "rsync://registry.example/tree", "--tree", text(to)]);
        let daemon = format!("rsync --daemon --config={}", self.config.display());
        // rsync talks to the daemon by the standard streams.
        let program = format!("( {before} ) </dev/null >&2; {daemon}");
        command.env("RSYNC_CONNECT_PROG", program);
        command
    }
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}
