//! Every secret that the tests of this process hand out, and the search for them in whatever the programs say: each
//! error body and each complaint as it comes, figures at the end of a daemon, logs and audit logs at the end of a registry.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use walkdir::WalkDir;

/// What is shorter may be a word that stands in a log by right.
const SHORTEST: usize = 10;

static HANDED_OUT: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn handed_out() -> MutexGuard<'static, BTreeSet<String>> {
    HANDED_OUT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on nobody may say this.
pub fn hand_out(secret: &str) {
    if secret.len() >= SHORTEST {
        handed_out().insert(secret.to_owned());
    }
}

/// The same of what a header holds, if it is one for credentials.
pub fn hand_out_header(name: &str, value: &str) {
    let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
    if is("Authorization") {
        hand_out(value.split_once(' ').map_or(value, |(_, token)| token));
    } else if is("X-Registry-Token") {
        hand_out(value);
    }
}

/// The same of the tokens in an access file, if this is one. A hash opens nothing.
pub fn hand_out_access(text: &[u8]) {
    let document: Value = serde_json::from_slice(text).unwrap_or_default();
    let namespaces = document.as_object().into_iter().flatten();
    let entries = namespaces.filter_map(|(_, entries)| entries.as_array());
    for token in entries.flatten().filter_map(|it| it["token"].as_str()) {
        if !token.starts_with("sha256:") {
            hand_out(token);
        }
    }
}

/// The same of the secrets in an entry of a webhooks file, one or a list.
pub fn hand_out_webhook(entry: &Value) {
    let secret = &entry["secret"];
    let many = secret.as_array().into_iter().flatten();
    for secret in many.chain([secret]).filter_map(Value::as_str) {
        hand_out(secret);
    }
}

/// Stops the test if one of them is in there.
pub fn assert_none(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let said = handed_out().iter().find(|it| text.contains(&**it)).cloned();
    assert_eq!(said, None, "a secret in {what}: {text}");
}

/// Stops the test if one of them is in what stays of a registry: logs of daemons and web servers, audit logs.
pub(crate) fn assert_none_below(root: &Path) {
    // A test that fails says why itself.
    if thread::panicking() {
        return;
    }
    let entries = WalkDir::new(root).into_iter().filter_map(Result::ok);
    let files = entries.filter(|entry| entry.file_type().is_file());
    let files = files.map(|entry| entry.into_path());
    let told = found_in(&files.filter(|it| is_log(root, it)).collect::<Vec<_>>());
    assert_eq!(told, "", "secrets in logs");
}

/// All that programs of ours and nginx write down to be read. The verdicts that nginx keeps hold tokens, and say so.
fn is_log(root: &Path, path: &Path) -> bool {
    let below = path.strip_prefix(root).expect("a path below");
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    below.starts_with("logs")
        || below.starts_with("state") && name.starts_with("audit")
        || name.ends_with(".log")
        || name == "stderr"
}

/// The lines with one of them, each with its file: `grep` is much faster than we are.
fn found_in(files: &[PathBuf]) -> String {
    let patterns: Vec<String> = handed_out().iter().cloned().collect();
    if files.is_empty() || patterns.is_empty() {
        return String::new();
    }
    let mut grep = Command::new("grep")
        .args(["-aHFf", "-"])
        .args(files)
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("grep runs");
    let mut stdin = grep.stdin.take().expect("a pipe");
    // It reads all of them before it looks for the first.
    stdin
        .write_all(patterns.join("\n").as_bytes())
        .expect("grep reads");
    drop(stdin);
    let output = grep.wait_with_output().expect("grep ends");
    let status = output.status.code();
    assert!(matches!(status, Some(0 | 1)), "grep ended with {status:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Stops the test if one of them is in the figures of a daemon, if that still answers.
pub(crate) fn assert_none_in_figures(address: &str) {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return;
    };
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok();
    let request = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut figures = Vec::new();
    if stream.write_all(request.as_bytes()).is_ok() {
        stream.read_to_end(&mut figures).ok();
    }
    assert_none("figures", &figures);
}
