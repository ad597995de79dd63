//! The shell of every job in `docs/ci.md` publishes, may be run again, and fails where the content is another.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use rack_tests::binaries;
use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::http::Request;
use rack_tests::registry::{Registry, Run};
use rack_tests::release::Release;
use serde_json::json;

#[test]
fn the_jobs_of_docs_ci_work() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/ci.md");
    let page = fs::read_to_string(page).expect("docs/ci.md");
    let registry = Registry::new(&json!({ "@team": [{ "token": "ci", "publish": true }] }));
    let daemon = registry.rackd().unhurried().start();
    let bin = binaries::rackgen();
    let bin = bin.parent().expect("a binary is in a folder");
    let path = format!("{}:{}", bin.display(), env::var("PATH").expect("a PATH"));
    // As somebody may write it down.
    let url = format!("{}/", daemon.url());
    let run = |script: &str| {
        // As the runners of both do, with what every system has.
        let mut shell = Command::new("sh");
        shell.args(["-e", "-c", script]);
        shell.current_dir(registry.root()).env("PATH", &path);
        shell.envs([("RACK_URL", &url[..]), ("RACK_TOKEN", "ci")]);
        Run::of(shell)
    };
    let scripts = scripts(&page);
    let (checks, publishes): (Vec<_>, Vec<_>) = scripts
        .iter()
        .partition(|script| script.starts_with("rackgen check"));
    assert_eq!((checks.len(), publishes.len()), (1, 4), "{scripts:#?}");
    for (number, script) in publishes.into_iter().enumerate() {
        let version = format!("1.{number}.0");
        let release = Release::new("@team", "my-item", &version).file("a.txt", "a");
        release.put_at(registry.root(), "my-item");
        run(checks[0]).exits(0);
        run(script).exits(0);
        let read = Request::get(&release.url()).bearer(ADMIN_TOKEN);
        assert_eq!(read.send(daemon.url()).expect("an answer").status, 200);
        run(script).exits(0);
        release
            .with("priority", 6)
            .put_at(registry.root(), "my-item");
        let refused = run(script);
        assert_ne!(refused.status, Some(0), "{refused}");
        assert!(refused.to_string().contains("VERSION_EXISTS"), "{refused}");
    }
}

/// The block scalars of the YAML in a page, each without its indentation.
fn scripts(page: &str) -> Vec<String> {
    let mut scripts = Vec::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        if !line.ends_with(": |") && !line.ends_with("- |") {
            continue;
        }
        let indented = |line: &str| line.len() - line.trim_start().len();
        let depth = lines.peek().map_or(0, |first| indented(first));
        let mut script = String::new();
        while let Some(line) = lines.next_if(|line| indented(line) >= depth && depth > 0) {
            script += &line[depth..];
            script.push('\n');
        }
        scripts.push(script);
    }
    scripts
}
