//! A running `rackd`.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::binaries;
use crate::http::Response;
use crate::multipart::Upload;
use crate::package::Archive;
use crate::random::Random;
use crate::registry::{Registry, Run};
use crate::release::Release;
use crate::secrets;
use crate::wait;

/// The admin token of every daemon that a test starts.
pub const ADMIN_TOKEN: &str = "admin-token-of-the-tests-4b1d";

/// How `rackd` is to be started.
#[derive(Debug)]
pub struct RackdBuilder<'a> {
    registry: &'a Registry,
    listen: String,
    args: Vec<OsString>,
    admin_token: String,
    /// Its variables, where it has nothing else.
    alone: Option<Vec<(String, String)>>,
    /// How many descriptors it is started with, and may have.
    descriptors: Option<(u32, u32)>,
}

impl<'a> RackdBuilder<'a> {
    pub(crate) fn new(registry: &'a Registry) -> Self {
        secrets::hand_out(ADMIN_TOKEN);
        Self {
            registry,
            listen: "127.0.0.1:0".to_owned(),
            args: Vec::new(),
            admin_token: ADMIN_TOKEN.to_owned(),
            alone: None,
            descriptors: None,
        }
    }

    /// With a flag and its value.
    pub fn flag(mut self, name: &str, value: &str) -> Self {
        self.args.extend([name.into(), value.into()]);
        self
    }

    /// With a flag that has no value.
    pub fn switch(mut self, name: &str) -> Self {
        self.args.push(name.into());
        self
    }

    /// Where another one was before: who is in front finds it there.
    pub fn listen(mut self, address: &str) -> Self {
        self.listen = address.to_owned();
        self
    }

    /// Behind one proxy, whose word for the client's address counts.
    pub fn behind_a_proxy(self) -> Self {
        self.flag("--trust-proxy", "1")
    }

    /// With rates that hold nobody up: tests ask more often than a client should.
    pub fn unhurried(self) -> Self {
        self.flag("--rate-limit", "1000000/min")
            .flag("--rate-limit-reads", "1000000/min")
    }

    /// With another admin token than usual.
    pub fn admin_token(mut self, token: &str) -> Self {
        secrets::hand_out(token);
        self.admin_token = token.to_owned();
        self
    }

    /// With these variables in place of all flags, and of all variables of ours.
    pub fn with_nothing_but(mut self, variables: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.alone = Some(variables.iter().map(owned).collect());
        self
    }

    /// With so many descriptors, of so many that it may have.
    pub fn descriptors(mut self, soft: u32, hard: u32) -> Self {
        self.descriptors = Some((soft, hard));
        self
    }

    /// Starts it, and waits until it accepts connections.
    pub fn start(self) -> Rackd {
        let mut daemon = self.spawn();
        daemon.url = wait::until("the line `listening on …`", wait::LONG, || {
            daemon.check_alive();
            let printed = daemon.printed();
            let (_, rest) = printed.split_once("listening on ")?;
            Some(rest.split_once('\n')?.0.trim().to_owned())
        });
        daemon
    }

    /// Starts it where it should refuse to, and waits for its end.
    pub fn refuse(self) -> Run {
        let mut daemon = self.spawn();
        let status = wait::until("rackd to refuse to start", wait::LONG, || daemon.ended());
        Run {
            command: "rackd".to_owned(),
            status: status.code(),
            stdout: daemon.printed(),
            stderr: daemon.logged(),
        }
    }

    fn spawn(self) -> Rackd {
        let (stdout, stderr) = (self.registry.log("stdout"), self.registry.log("stderr"));
        let rackd = binaries::rackd();
        let mut command = match self.alone {
            Some(variables) => self.registry.bare_command(&rackd, &variables),
            None => {
                let mut command = match self.descriptors {
                    None => self.registry.command(&rackd),
                    Some((soft, hard)) => {
                        let mut command = self.registry.command("prlimit".as_ref());
                        command.arg(format!("--nofile={soft}:{hard}")).arg(&rackd);
                        command
                    }
                };
                command
                    .args(["--listen", &self.listen])
                    .args(self.args)
                    .env("RACK_ADMIN_TOKEN", self.admin_token);
                command
            }
        };
        let process = command
            .stdout(File::create(&stdout).expect("a file"))
            .stderr(File::create(&stderr).expect("a file"))
            .spawn()
            .expect("rackd runs");
        Rackd {
            process,
            url: String::new(),
            stdout,
            stderr,
        }
    }
}

/// A running `rackd`, killed when it is dropped.
#[derive(Debug)]
pub struct Rackd {
    process: Child,
    url: String,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Rackd {
    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Its number among the processes.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Uploads a version with this token.
    pub fn publish(&self, release: &Release, token: &str, random: &mut Random) -> Response {
        let upload = Upload::new(Archive::pack(release, random));
        let answer = upload.request().bearer(token).send(self.url());
        answer.expect("an answer")
    }

    /// What it has printed so far.
    pub fn printed(&self) -> String {
        fs::read_to_string(&self.stdout).unwrap_or_default()
    }

    /// What it has logged so far.
    pub fn logged(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    /// Kills it, as a power cut would.
    pub fn kill(&mut self) {
        self.process
            .kill()
            .expect("a process of ours can be killed");
        self.process.wait().expect("a child can be waited for");
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal)
            .expect("a process of ours takes signals");
    }

    /// Waits until it has ended.
    pub fn wait(mut self) -> ExitStatus {
        wait::until("the end of rackd", Duration::from_secs(30), || self.ended())
    }

    /// The most memory that it ever held, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.process.id());
        let status = fs::read_to_string(path).expect("/proc is there");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
        1024 * kilobytes
            .and_then(|number| number.parse::<u64>().ok())
            .expect("VmHWM in kB")
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().expect("a child can be waited for")
    }

    fn check_alive(&mut self) {
        if let Some(status) = self.ended() {
            panic!("rackd ended with {status}:\n{}", self.logged());
        }
    }
}

impl Drop for Rackd {
    fn drop(&mut self) {
        if !thread::panicking() && !self.url.is_empty() && self.ended().is_none() {
            secrets::assert_none_in_figures(self.address());
        }
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
