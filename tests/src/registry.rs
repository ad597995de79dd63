//! A registry in a temporary folder, and `rackgen` run on it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::binaries;
use crate::daemon::{ADMIN_TOKEN, Rackd, RackdBuilder};
use crate::nginx::NginxBuilder;
use crate::random::Random;
use crate::release::Release;
use crate::secrets;
use crate::tree;
use crate::wait;

/// Variables of the existing server, which count where ours are not set (interface.md).
const INHERITED: [&str; 8] = [
    "STORAGE_ROOT",
    "AUTH_CONFIG_PATH",
    "WEBHOOK_CONFIG_PATH",
    "HOST",
    "PORT",
    "TRUST_PROXY",
    "LOG_LEVEL",
    "ADMIN_TOKEN",
];

/// A registry: a source tree and an access file. The other folders are made by the binaries.
#[derive(Debug)]
pub struct Registry {
    folder: TempDir,
    /// Of two for one variable the later counts.
    settings: Vec<(String, String)>,
    logs: AtomicUsize,
}

impl Registry {
    /// An empty source tree, and this access file.
    pub fn new(access: &Value) -> Self {
        let registry = Self {
            folder: tempfile::Builder::new()
                .prefix("rack-")
                .tempdir()
                .expect("a folder"),
            settings: Vec::new(),
            logs: AtomicUsize::new(0),
        };
        fs::create_dir(registry.source()).expect("a folder");
        registry.write_access(access.to_string());
        registry
    }

    /// One open and one gated item, `@open/features/item` and `@team/features/secret`, built.
    pub fn open_and_gated() -> Self {
        let registry =
            Self::new(&json!({ "@open": [], "@team": [{ "token": "secret-of-the-team-0b6e" }] }));
        let item = Release::new("@open", "item", "1.0.0");
        registry.put(&item.file("src/index.ts", "export {}\n"));
        registry.put(&Release::new("@team", "secret", "1.0.0"));
        registry.build();
        registry
    }

    /// A registry of its own with the same source and the same access file.
    pub fn copy(&self) -> Self {
        let copy = Self::new(&Value::Null);
        tree::copy(&self.source(), &copy.source());
        fs::copy(self.access(), copy.access()).expect("a copy");
        copy
    }

    /// The trees are those of a build of the same source that nobody disturbed, byte for byte.
    pub fn is_undisturbed(&self, when: &str) {
        let undisturbed = self.copy();
        undisturbed.build();
        for (what, expected, actual) in [
            ("public", undisturbed.public(), self.public()),
            ("private", undisturbed.private(), self.private()),
        ] {
            let (expected, actual) = (tree::contents(&expected), tree::contents(&actual));
            tree::assert_same(&format!("{what} {when}"), &expected, &actual);
        }
    }

    /// A daemon that has opened and made what it needs for its first publish.
    pub fn warm_rackd(&self, random: &mut Random) -> Rackd {
        let daemon = self.rackd().unhurried().start();
        let release = Release::new("@open", "small", "1.0.0").file("a.bin", random.bytes(64 << 10));
        let answer = daemon.publish(&release, ADMIN_TOKEN, random);
        assert_eq!(answer.status, 201, "{}", answer.json());
        daemon
    }

    /// With a setting for both binaries, given by its environment variable.
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets what [`Registry::setting`] sets, from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// The folder of everything, which is also the working directory of the binaries.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The source tree.
    pub fn source(&self) -> PathBuf {
        self.root().join("source")
    }

    /// The public tree.
    pub fn public(&self) -> PathBuf {
        self.root().join("public")
    }

    /// The private tree.
    pub fn private(&self) -> PathBuf {
        self.root().join("private")
    }

    /// The state folder.
    pub fn state(&self) -> PathBuf {
        self.root().join("state")
    }

    /// The access file.
    pub fn access(&self) -> PathBuf {
        self.root().join("access.json")
    }

    /// The folder of what the daemons wrote, created at first use.
    pub fn logs(&self) -> PathBuf {
        let logs = self.root().join("logs");
        fs::create_dir_all(&logs).expect("a folder");
        logs
    }

    /// A new file among the logs.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        let number = self.logs.fetch_add(1, Ordering::Relaxed);
        self.logs().join(format!("{number:03}-{name}"))
    }

    /// A new folder of a server in front, for its configuration and whatever it writes.
    pub(crate) fn front(&self) -> PathBuf {
        let number = self.logs.fetch_add(1, Ordering::Relaxed);
        let folder = self.root().join(format!("nginx-{number:03}"));
        fs::create_dir(&folder).expect("a folder");
        folder
    }

    /// Replaces the access file by any text.
    pub fn write_access(&self, text: impl AsRef<[u8]>) {
        secrets::hand_out_access(text.as_ref());
        fs::write(self.access(), text).expect("a file");
    }

    /// Replaces the webhooks file by one with these entries, and lets deliveries go to this machine, with a timeout and
    /// pauses that a test can wait for.
    pub fn write_webhooks(&self, entries: &[Value]) {
        entries.iter().for_each(secrets::hand_out_webhook);
        self.write_config(
            "[webhook]\nallow_private = true\ntimeout = '500ms'\nretry_after = ['50ms', '100ms']\n",
        );
        fs::write(
            self.root().join("webhooks.json"),
            json!({ "webhooks": entries }).to_string(),
        )
        .expect("a file");
    }

    /// Replaces `rack.toml`.
    pub fn write_config(&self, text: &str) {
        fs::write(self.root().join("rack.toml"), text).expect("a file");
    }

    /// Puts a version into the source tree, by hand.
    pub fn put(&self, release: &Release) {
        release.put(&self.source());
    }

    /// Writes a file into the source tree, by hand.
    pub fn put_file(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.source().join(path);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }

    /// Runs `rackgen` to its end.
    pub fn rackgen(&self, args: &[&str]) -> Run {
        let mut command = self.command(&binaries::rackgen());
        command.args(args);
        Run::of(command)
    }

    /// Runs `rackgen` to its end as another user, which only root can.
    pub fn rackgen_of(&self, user: u32, args: &[&str]) -> Run {
        let mut command = self.command(&binaries::rackgen());
        command.args(args).uid(user).gid(user);
        Run::of(command)
    }

    /// Runs `rackgen` as somebody for whom modes count: root may read everything.
    pub fn rackgen_without_privileges(&self, args: &[&str]) -> Run {
        let mut command = self.command(&binaries::rackgen());
        if rustix::process::geteuid().is_root() {
            command = self.command(Path::new("setpriv"));
            command.arg("--bounding-set=-dac_override,-dac_read_search");
            command.arg(binaries::rackgen());
        }
        command.args(args);
        Run::of(command)
    }

    /// Runs `rackgen` by a clock that is off by so much; none where there is no `faketime`.
    pub fn rackgen_at(&self, off: &str, args: &[&str]) -> Option<Run> {
        let mut command = self.command(Path::new("faketime"));
        // The clock alone: the times of files are what they are.
        command
            .env("NO_FAKE_STAT", "1")
            .env("DONT_FAKE_MONOTONIC", "1");
        command
            .args(["-f", off])
            .arg(binaries::rackgen())
            .args(args);
        let is_there = Command::new("faketime").arg("--version").output().is_ok();
        is_there.then(|| Run::of(command))
    }

    /// Writes what stands in the log of the record over into the record, so that nothing else is beside it.
    pub fn write_record_over(&self) {
        let record = rusqlite::Connection::open(self.state().join("record.db")).expect("a record");
        let items = record.query_row("SELECT count(*) FROM items", [], |row| row.get::<_, i64>(0));
        assert_ne!(items.expect("a record"), 0);
        // The last one that closes it does so.
    }

    /// Runs `rackgen build`, which has to go through without a complaint.
    pub fn build(&self) {
        self.rackgen(&["build"]).exits(0);
    }

    /// Runs `rackgen` to its end, which has to come in time.
    pub fn rackgen_within(&self, deadline: Duration, args: &[&str]) -> Run {
        let (stdout, stderr) = (self.log("stdout"), self.log("stderr"));
        let mut process = self
            .command(&binaries::rackgen())
            .args(args)
            .stdout(File::create(&stdout).expect("a file"))
            .stderr(File::create(&stderr).expect("a file"))
            .spawn()
            .expect("rackgen runs");
        let status = wait::within(deadline, || {
            process.try_wait().expect("a child can be waited for")
        });
        if status.is_none() {
            process.kill().expect("a process of ours can be killed");
            process.wait().expect("a child can be waited for");
        }
        let read = |log| fs::read_to_string(log).expect("what rackgen wrote");
        Run {
            command: format!("rackgen {}", args.join(" ")),
            status: status.and_then(|status| status.code()),
            stdout: read(stdout),
            stderr: read(stderr),
        }
    }

    /// Starts `rackgen` and kills it after so long; says whether it was still at it.
    pub fn kill_rackgen(&self, args: &[&str], after: Duration) -> bool {
        let mut process = self.start_rackgen(args);
        // The moment is part of the experiment, so there is nothing else to wait for.
        thread::sleep(after);
        let ended = process.try_wait().expect("a child can be waited for");
        process.kill().expect("a process of ours can be killed");
        process.wait().expect("a child can be waited for");
        ended.is_none()
    }

    /// Starts `rackgen` and leaves it running, unheard.
    pub fn start_rackgen(&self, args: &[&str]) -> Child {
        self.command(&binaries::rackgen())
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("rackgen runs")
    }

    /// A daemon on these folders.
    pub fn rackd(&self) -> RackdBuilder<'_> {
        RackdBuilder::new(self)
    }

    /// An nginx on these folders.
    pub fn nginx(&self) -> NginxBuilder<'_> {
        NginxBuilder::new(self)
    }

    /// A command that has this registry's settings, and none of the caller's.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = self.bare_command(program, &[]);
        self.lend(&mut command);
        command
    }

    /// A command in this registry's folder that has these variables in place of any settings.
    pub fn bare_command(&self, program: &Path, variables: &[(String, String)]) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            let ours = name.as_encoded_bytes().starts_with(b"RACK_");
            if ours || INHERITED.iter().any(|inherited| name == *inherited) {
                command.env_remove(name);
            }
        }
        command
            .current_dir(self.root())
            .stdin(Stdio::null())
            .envs(variables.iter().cloned());
        command
    }

    /// Gives a command the settings of this registry, for those that it starts.
    pub fn lend(&self, command: &mut Command) {
        command
            .env("RACK_SOURCE", self.source())
            .env("RACK_PUBLIC", self.public())
            .env("RACK_PRIVATE", self.private())
            .env("RACK_STATE", self.state())
            .env("RACK_ACCESS", self.access())
            .envs(self.settings.iter().cloned());
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        secrets::assert_none_below(self.root());
    }
}

/// A command that came to its end.
#[derive(Debug)]
pub struct Run {
    pub(crate) command: String,
    /// The exit status; none if a signal ended it.
    pub status: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// Runs a program to its end.
    pub fn of(mut command: Command) -> Self {
        let output = command.output().expect("the program runs");
        secrets::assert_none("a complaint", &output.stderr);
        let program = Path::new(command.get_program()).file_name();
        let words = program.into_iter().chain(command.get_args());
        let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
        Self {
            command: words.join(" "),
            status: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Stops the test unless the exit status is this one, and in any case if the program panicked.
    pub fn exits(self, status: i32) -> Self {
        assert!(!self.stderr.contains("panicked"), "{self}");
        assert_eq!(self.status, Some(status), "{self}");
        self
    }

    /// Whether one line of what it complained of has all these words.
    pub fn names(&self, words: &[&str]) -> bool {
        let has_all = |line: &str| words.iter().all(|word| line.contains(word));
        self.stderr.lines().any(has_all)
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "`{}` ended with {:?}\n--- stdout\n{}--- stderr\n{}",
            self.command, self.status, self.stdout, self.stderr
        )
    }
}
