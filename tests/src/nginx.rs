//! A running nginx, the stock one of the system, with the configuration that `rackgen nginx` prints.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde_json::Value;

use crate::binaries;
use crate::daemon::Rackd;
use crate::registry::{Registry, Run};
use crate::wait;

/// Somebody else may take a port between the moment that it was free and the moment that nginx wants it.
const TRIES: usize = 5;

/// How nginx is to be started.
#[derive(Debug)]
pub struct NginxBuilder<'a> {
    registry: &'a Registry,
    flags: Vec<(String, String)>,
    settings: Vec<(String, String)>,
    http: &'a str,
}

impl<'a> NginxBuilder<'a> {
    pub(crate) fn new(registry: &'a Registry) -> Self {
        Self {
            registry,
            flags: Vec::new(),
            settings: Vec::new(),
            http: "",
        }
    }

    /// With this daemon behind it. Without one it serves what is public, and nothing else.
    pub fn daemon(self, daemon: &Rackd) -> Self {
        self.flag("--daemon", daemon.address())
    }

    /// With a flag of `rackgen nginx` and its value.
    pub fn flag(mut self, name: &str, value: &str) -> Self {
        self.flags.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a setting that its configuration follows, given by its environment variable.
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With what an operator has in `http` besides.
    pub fn in_http(mut self, directives: &'a str) -> Self {
        self.http = directives;
        self
    }

    /// With rates that hold nobody up: tests ask more often than a client should.
    pub fn unhurried(self) -> Self {
        self.setting("RACK_RATE_LIMIT", "1000000/min")
            .setting("RACK_RATE_LIMIT_READS", "1000000/min")
    }

    /// Starts it, and waits until it accepts connections.
    pub fn start(self) -> Nginx {
        let folder = self.registry.front();
        serve(&folder, 1, |addresses| {
            let listen = addresses[0].to_string();
            let mut args = vec!["--listen", &listen];
            if geteuid().is_root() {
                // The folders of tests are those of the user that runs them, and of nobody else.
                args.extend(["--user", "root"]);
            }
            let printed = self.rackgen(&folder, &args).exits(0).stdout;
            printed.replacen("\nhttp {\n", &format!("\nhttp {{\n{}\n", self.http), 1)
        })
    }

    /// Runs `rackgen nginx` with these arguments besides, for an nginx whose files are in that folder.
    pub fn rackgen(&self, folder: &Path, args: &[&str]) -> Run {
        let text = folder.to_str().expect("a path in UTF-8");
        let mut all = vec!["nginx", "--run", text, "--logs", text];
        for (name, value) in &self.flags {
            all.extend([&name[..], value]);
        }
        all.extend(args);
        let mut command = self.registry.command(&binaries::rackgen());
        command.envs(self.settings.iter().cloned()).args(&all);
        Run::of(command)
    }
}

/// Starts nginx on a configuration, made for so many ports that are free. Its files, the one with its process id
/// among them, are in the folder.
pub fn serve(folder: &Path, ports: usize, config: impl Fn(&[SocketAddr]) -> String) -> Nginx {
    for _ in 0..TRIES {
        let free: Vec<_> = (0..ports).map(|_| free_port()).collect();
        let addresses: Vec<_> = free.iter().map(address).collect();
        let path = folder.join("nginx.conf");
        fs::write(&path, config(&addresses)).expect("a file");
        drop(free);
        if let Some(nginx) = Nginx::launch(folder, addresses) {
            return nginx;
        }
    }
    panic!("in {TRIES} tries somebody else took the port each time");
}

fn free_port() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a free port")
}

fn address(listener: &TcpListener) -> SocketAddr {
    listener
        .local_addr()
        .expect("a listener knows where it listens")
}

/// Debian keeps it where only root looks.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let mut programs = folders.map(|folder| folder.join("nginx"));
    programs
        .find(|program| program.is_file())
        .expect("nginx is installed: scripts/test does that")
}

/// A running nginx, ended with its workers when it is dropped.
#[derive(Debug)]
pub struct Nginx {
    process: Child,
    addresses: Vec<SocketAddr>,
    folder: PathBuf,
}

impl Nginx {
    /// None if a port was taken.
    fn launch(folder: &Path, addresses: Vec<SocketAddr>) -> Option<Self> {
        let stderr = folder.join("stderr");
        let process = Command::new(program())
            .arg("-c")
            .arg(folder.join("nginx.conf"))
            .args(["-g", "daemon off;"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&stderr).expect("a file"))
            .spawn()
            .expect("nginx runs");
        let mut nginx = Self {
            process,
            addresses,
            folder: folder.to_owned(),
        };
        wait::until("nginx to accept connections", wait::LONG, || {
            if let Some(status) = nginx.process.try_wait().expect("a child can be waited for") {
                let said = fs::read_to_string(&stderr).unwrap_or_default();
                let taken = said.contains("Address already in use");
                assert!(taken, "nginx ended with {status}:\n{said}");
                return Some(false);
            }
            (nginx.has_bound() && nginx.accepts()).then_some(true)
        })
        .then_some(nginx)
    }

    /// It writes its id down when the ports are its own, so nobody else is taken for it.
    fn has_bound(&self) -> bool {
        let id = self.process.id().to_string();
        let written = |path: &PathBuf| fs::read_to_string(path).is_ok_and(|text| text.trim() == id);
        self.files(".pid").iter().any(written)
    }

    fn accepts(&self) -> bool {
        self.addresses
            .iter()
            .all(|address| TcpStream::connect(address).is_ok())
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.addresses[0])
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The folder of all that it writes.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The processes that do the work.
    pub fn workers(&self) -> Vec<u32> {
        let id = self.process.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        let children = children.expect("/proc is there");
        children
            .split_whitespace()
            .map(|id| id.parse().expect("a process id"))
            .collect()
    }

    /// Has it read its configuration again, and waits until the workers are new ones.
    pub fn reload(&self) {
        let before = self.workers();
        self.signal(Signal::HUP);
        wait::until("new workers", wait::LONG, || {
            let now = self.workers();
            let is_new = !now.is_empty() && now.iter().all(|worker| !before.contains(worker));
            is_new.then_some(())
        });
    }

    /// Sends the master a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal)
            .expect("a process of ours takes signals");
    }

    /// What it complained of so far.
    pub fn complaints(&self) -> String {
        let mut logs = self.files("-error.log");
        logs.push(self.folder.join("stderr"));
        let texts = logs.iter().map(fs::read_to_string);
        texts.filter_map(Result::ok).collect()
    }

    /// The lines of its access log, once that has so many. They come within a second or so.
    pub fn access_log(&self, lines: usize) -> Vec<Value> {
        wait::until("the access log", wait::LONG, || {
            let log = self.files("-access.log").pop()?;
            let text = fs::read_to_string(log).ok()?;
            // A line without an end is still being written.
            let whole = text
                .split_inclusive('\n')
                .filter(|line| line.ends_with('\n'));
            let parse = |line: &str| {
                serde_json::from_str(line).unwrap_or_else(|fault| panic!("{line}: {fault}"))
            };
            let whole: Vec<Value> = whole.map(parse).collect();
            (whole.len() >= lines).then_some(whole)
        })
    }

    /// The files in its folder that are called like that.
    fn files(&self, ending: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.folder).expect("a folder").flatten();
        let named = |path: &PathBuf| path.to_string_lossy().ends_with(ending);
        entries.map(|entry| entry.path()).filter(named).collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Not SIGKILL: the workers would live on and keep the port.
        kill_process(Pid::from_child(&self.process), Signal::TERM).ok();
        let ended = wait::within(Duration::from_secs(10), || self.process.try_wait().ok()?);
        if ended.is_none() {
            self.process.kill().ok();
            self.process.wait().ok();
        }
    }
}

/// A daemon and nginx in front of it, neither of which holds anybody up.
pub fn with_daemon(registry: &Registry) -> (Nginx, Rackd) {
    let daemon = registry.rackd().behind_a_proxy().unhurried().start();
    let nginx = registry.nginx().daemon(&daemon).unhurried().start();
    (nginx, daemon)
}
