//! The admin token may come from a credential of systemd (`LoadCredential=admin-token`): behind the environment,
//! before the hash that `rackgen init` kept. An empty one is refused as an empty variable is.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rack_tests::binaries;
use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::http::Request;
use rack_tests::registry::Registry;
use serde_json::json;

const KEPT: &str = "token-that-systemd-keeps-77d1";

#[test]
fn systemd_keeps_the_admin_token() {
    let registry = Registry::new(&json!({ "@team": [{ "token": "read" }] }));
    registry.build();
    // As `rackgen init` keeps it: the hash of another token.
    let hash = format!("sha256:{}\n", "0".repeat(64));
    fs::write(registry.state().join("admin-token"), hash).expect("a file");
    let credentials = registry.root().join("credentials");
    fs::create_dir(&credentials).expect("a folder");
    let credential = credentials.join("admin-token");
    let path = credentials.to_str().expect("a path in UTF-8");
    let registry = registry.setting("CREDENTIALS_DIRECTORY", path);

    let daemon = Unit::start(&registry, &credentials);
    assert_eq!(daemon.status_of(KEPT), 401, "there is no such credential");
    drop(daemon);

    fs::write(&credential, format!("{KEPT}\n")).expect("a file");
    let daemon = Unit::start(&registry, &credentials);
    assert_eq!(daemon.status_of(KEPT), 204);
    assert_eq!(daemon.status_of("another"), 401);
    drop(daemon);
    let daemon = registry.rackd().start();
    for (token, status) in [(ADMIN_TOKEN, 204), (KEPT, 401)] {
        assert_eq!(
            status_of(token, daemon.url()),
            status,
            "the environment wins"
        );
    }
    assert!(daemon.stop().success());

    fs::write(&credential, " \n").expect("a file");
    let output = rackd(&registry, &credentials).output().expect("rackd runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains("credentials/admin-token"), "{stderr}");
}

/// A daemon as a unit starts it: no admin token in its environment.
fn rackd(registry: &Registry, credentials: &Path) -> Command {
    let mut command = Command::new(binaries::rackd());
    command
        .current_dir(registry.root())
        .env_clear()
        .env("CREDENTIALS_DIRECTORY", credentials)
        .args(["--listen", "127.0.0.1:0"]);
    command
}

/// A running daemon, killed when it is dropped.
struct Unit {
    process: Child,
    url: String,
}

impl Unit {
    fn start(registry: &Registry, credentials: &Path) -> Self {
        let mut process = rackd(registry, credentials)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("rackd runs");
        let stdout = process.stdout.take().expect("it is piped");
        let mut line = String::new();
        let read = BufReader::new(stdout).read_line(&mut line);
        read.expect("a line");
        let url = line.trim().strip_prefix("listening on ");
        Self {
            url: url.expect("where it listens").to_owned(),
            process,
        }
    }

    fn status_of(&self, token: &str) -> u16 {
        status_of(token, &self.url)
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Whether a token is worth anything in the gated namespace.
fn status_of(token: &str, url: &str) -> u16 {
    let request = Request::get("/auth").header("X-Rack-Namespace", "@team");
    request.bearer(token).send(url).expect("an answer").status
}
