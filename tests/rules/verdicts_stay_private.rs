//! What nginx remembers of tokens is for nobody's eyes and for a few seconds: the folder is closed to others, a token
//! that was revoked stops to work, and without the daemon nobody is let in on what was once said.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rack_tests::errors::faults;
use rack_tests::http::{Connection, Request};
use rack_tests::nginx::{Nginx, with_daemon};
use rack_tests::proved;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::traces::traces;
use rack_tests::wait;
use serde_json::json;
use walkdir::WalkDir;

const TOKEN: &str = "secret-of-a-reader-b71c";
const OTHER: &str = "secret-of-another-2d09";
const OPEN: &str = "/registries/@open/features/item";
const GATED: &str = "/registries/@team/features/secret";

/// The seconds that a verdict holds, and those that a machine may be busy with other things.
const VERDICT: Duration = Duration::from_secs(5 + 10);

#[test]
fn verdicts_stay_private() {
    let registry = registry();
    let (nginx, _daemon) = with_daemon(&registry);
    assert_eq!(read(&nginx, GATED, Some(TOKEN)), 200);
    assert_eq!(read(&nginx, GATED, Some("unknown")), 401);

    let verdicts = verdicts(&nginx);
    assert_eq!(mode(&verdicts), 0o700, "{}", verdicts.display());
    let entries: Vec<PathBuf> = below(&verdicts);
    assert!(
        entries.iter().any(|path| path.is_file()),
        "nothing is remembered"
    );
    for path in &entries {
        assert_eq!(mode(path) & 0o077, 0, "{}", path.display());
    }
    // Nowhere else: not in a log, not in what nginx has on its way.
    let elsewhere = || {
        let told = traces(registry.root(), &[TOKEN]).into_iter();
        let known = |path: &String| {
            Path::new(path).starts_with(&verdicts) || path.ends_with("/access.json")
        };
        told.filter(|path| !known(path)).collect::<Vec<_>>()
    };
    nginx.access_log(2);
    assert_eq!(elsewhere(), Vec::<String>::new());
}

#[test]
fn the_private_tree_is_for_its_group() {
    let registry = registry();
    registry.build();
    let mut files = 0;
    for path in below(&registry.private()) {
        let expected = if path.is_dir() { 0o750 } else { 0o640 };
        // Markers and locks of ours tell nothing, and lie behind a closed door.
        let is_ours = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b".rack-"));
        assert!(
            is_ours || mode(&path) == expected,
            "{}: {:o}",
            path.display(),
            mode(&path)
        );
        files += usize::from(path.is_file() && !is_ours);
    }
    assert_eq!(mode(&registry.private()), 0o750);
    assert!(files > 8, "{files} files");
}

#[test]
fn a_revoked_token_is_soon_worth_nothing() {
    let registry = registry();
    let (nginx, daemon) = with_daemon(&registry);
    assert_eq!(read(&nginx, GATED, Some(TOKEN)), 200);
    registry.write_access(access(&[OTHER]).to_string());
    wait::until("the daemon to know", wait::LONG, || {
        let answer = Request::get(GATED).bearer(TOKEN).send(daemon.url());
        (answer.expect("an answer").status == 401).then_some(())
    });
    let start = Instant::now();
    // Asking all the time does not keep a verdict alive.
    let mut connection = Connection::new(&nginx.url());
    wait::until("nginx to know", VERDICT, || {
        let answer = connection
            .ask(&Request::get(GATED).bearer(TOKEN))
            .expect("an answer");
        assert!(matches!(answer.status, 200 | 401), "{answer:?}");
        (answer.status == 401).then_some(())
    });
    let took = start.elapsed();
    for _ in 0..100 {
        assert_eq!(read(&nginx, GATED, Some(TOKEN)), 401);
    }
    assert_eq!(read(&nginx, GATED, Some(OTHER)), 200);
    proved(
        "a revoked token stops to work",
        format!("{:.1} s after the daemon knew", took.as_secs_f64()),
    );
}

#[test]
fn nobody_is_let_in_on_an_old_verdict() {
    let registry = registry();
    let (nginx, daemon) = with_daemon(&registry);
    assert_eq!(read(&nginx, GATED, Some(TOKEN)), 200);
    let address = daemon.address().to_owned();
    daemon.stop();

    let mut connection = Connection::new(&nginx.url());
    let mut ask = |request: &Request| {
        let answer = connection.ask(request).expect("an answer");
        assert_eq!(faults(&answer, false), Vec::<String>::new(), "{request:?}");
        (answer.status, answer.code())
    };
    let unavailable = (503, "UNAVAILABLE".to_owned());
    let gated = Request::get(GATED).bearer(TOKEN);
    wait::until("the verdict to be over", VERDICT, || {
        // All the time anyone reads what is open.
        assert_eq!(ask(&Request::get(OPEN)).0, 200);
        assert_eq!(ask(&Request::get(OPEN).bearer("unknown")).0, 200);
        let answer = ask(&gated);
        assert!(answer.0 == 200 || answer == unavailable, "{answer:?}");
        (answer == unavailable).then_some(())
    });
    for _ in 0..20 {
        assert_eq!(ask(&gated), unavailable);
        assert_eq!(ask(&Request::get(GATED)), unavailable);
        assert_eq!(
            ask(&Request::new("POST", "/registries").bearer(TOKEN)),
            unavailable
        );
        assert_eq!(ask(&Request::get("/namespaces").bearer(TOKEN)), unavailable);
        assert_eq!(ask(&Request::get("/namespaces")).0, 200);
        assert_eq!(ask(&Request::get(OPEN)).0, 200);
    }

    // And when it is back all is as it was, without a new start of nginx.
    let _back = registry
        .rackd()
        .behind_a_proxy()
        .unhurried()
        .listen(&address)
        .start();
    wait::until("gated reads to work again", VERDICT, || {
        (ask(&gated).0 == 200).then_some(())
    });
}

fn registry() -> Registry {
    let registry = Registry::new(&access(&[TOKEN, OTHER]));
    registry.put(&Release::new("@open", "item", "1.0.0"));
    let text = "export const secret = true\n".repeat(40);
    registry.put(&Release::new("@team", "secret", "1.0.0").file("src/secret.ts", text));
    registry
}

fn access(tokens: &[&str]) -> serde_json::Value {
    let tokens: Vec<_> = tokens
        .iter()
        .map(|token| json!({ "token": token }))
        .collect();
    json!({ "@open": [], "@team": tokens })
}

fn read(nginx: &Nginx, url: &str, token: Option<&str>) -> u16 {
    let request = token.into_iter().fold(Request::get(url), Request::bearer);
    request.send(&nginx.url()).expect("an answer").status
}

/// The folder of what nginx remembers of tokens.
fn verdicts(nginx: &Nginx) -> PathBuf {
    let mut folders = fs::read_dir(nginx.folder())
        .expect("a folder")
        .flatten()
        .map(|entry| entry.path());
    let verdicts = folders.find(|path| path.to_string_lossy().ends_with("-verdicts"));
    verdicts.expect("a folder of verdicts")
}

/// Everything below a folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = WalkDir::new(folder).min_depth(1).into_iter();
    entries
        .map(|entry| entry.expect("a folder that can be read").into_path())
        .collect()
}

fn mode(path: &Path) -> u32 {
    let metadata = fs::symlink_metadata(path).expect("a file's metadata");
    metadata.permissions().mode() & 0o7777
}
