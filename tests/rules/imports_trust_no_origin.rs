//! Whatever an origin sends, nothing is written but sound versions in their own folders; what could not be had is
//! named, one line each, and the rest is taken. The token stays with the origin.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use rack_tests::origin::{Answer, Origin};
use rack_tests::registry::{Registry, Run};
use rack_tests::release::Release;
use rack_tests::tree::contents;
use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};
use serde_json::json;

const DEADLINE: Duration = Duration::from_secs(30);
const TOKEN: &str = "imports-with-this-5e02";
const ENDLESS: &str =
    "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n";

/// An item that is wrong in one way: its name, how it answers what stands behind its URL (and how often that was
/// asked for before), and the words of the line that complains.
type Case = (
    &'static str,
    fn(&Release, &str, usize) -> Option<Answer>,
    &'static [&'static str],
);

/// Where it answers nothing of its own, an item is a sound one.
const CASES: [Case; 18] = [
    (
        "bad-version",
        |_, rest, _| {
            let versions =
                json!({ "versions": ["../../../up", "1.0.0/../../x", "\u{1b}[2J", "1.0.0"] });
            (rest == "/versions").then(|| Answer::json(&versions))
        },
        &["bad-version/versions: `../../../up` is not a version"],
    ),
    (
        "other-name",
        |_, rest, _| {
            (rest == "/1.0.0")
                .then(|| Answer::ok(Release::new("@open", "good", "1.0.0").manifest()))
        },
        &["other-name/1.0.0: ", "its name is `good`"],
    ),
    (
        "other-version",
        |_, rest, _| {
            (rest == "/1.0.0")
                .then(|| Answer::ok(Release::new("@open", "other-version", "2.0.0").manifest()))
        },
        &["other-version/1.0.0: ", "its version is `2.0.0`"],
    ),
    (
        "no-json",
        |_, rest, _| (rest == "/1.0.0").then(|| Answer::ok("<html>")),
        &["no-json/1.0.0:1:1: "],
    ),
    (
        "escape",
        |release, rest, _| {
            (rest == "/1.0.0").then(|| {
                Answer::ok(
                    release
                        .clone()
                        .declared("../../../../escape.txt")
                        .manifest(),
                )
            })
        },
        &["escape/1.0.0:", "escape.txt"],
    ),
    (
        "absolute",
        |_, rest, _| {
            let files =
                json!([{ "target": "a", "type": "registry:asset", "path": "/tmp/absolute.txt" }]);
            let release = Release::new("@open", "absolute", "1.0.0").with("files", files);
            (rest == "/1.0.0").then(|| Answer::ok(release.manifest()))
        },
        &["absolute/1.0.0:", "/tmp/absolute.txt"],
    ),
    (
        "file-and-folder",
        |release, rest, _| {
            (rest == "/1.0.0")
                .then(|| Answer::ok(release.clone().declared("a").declared("a/b").manifest()))
        },
        &["file-and-folder/1.0.0: ", "`a` as a file"],
    ),
    (
        "digest",
        |_, rest, _| {
            let digests = json!({ "1.0.0": { "manifest": "0".repeat(64) } });
            let document = json!({ "versions": ["1.0.0"], "digests": digests });
            (rest == "/versions").then(|| Answer::json(&document))
        },
        &["digest/1.0.0: its SHA-256 is", "0000"],
    ),
    (
        "endless-list",
        |_, rest, _| (rest == "/versions").then(|| Answer::Endless(ENDLESS.into())),
        &["endless-list/versions: ", "[limits]"],
    ),
    (
        "endless-manifest",
        |_, rest, _| (rest == "/1.0.0").then(|| Answer::Endless(ENDLESS.into())),
        &["endless-manifest/1.0.0: ", "[limits]"],
    ),
    (
        "endless-file",
        |_, rest, _| (rest == FILE).then(|| Answer::Endless(ENDLESS.into())),
        &["endless-file/1.0.0/files/a.txt: ", "[limits]"],
    ),
    (
        "announced-too-long",
        |_, rest, _| {
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n";
            (rest == FILE).then(|| Answer::Raw(head.into()))
        },
        &["announced-too-long/1.0.0/files/a.txt: ", "[limits]"],
    ),
    (
        "no-length",
        |_, rest, _| (rest == FILE).then(|| Answer::Raw("HTTP/1.1 200 OK\r\n\r\na".into())),
        &["no-length/1.0.0/files/a.txt: ", "Content-Length"],
    ),
    (
        "compressed",
        |_, rest, _| (rest == FILE).then(|| Answer::new(200, "Content-Encoding: gzip\r\n", b"a")),
        &["compressed/1.0.0/files/a.txt: ", "compressed"],
    ),
    (
        "login-page",
        |_, rest, _| {
            let of_html = "Content-Type: Text/HTML; charset=utf-8\r\n";
            (rest == FILE).then(|| Answer::new(200, of_html, b"<html>Log in"))
        },
        &["login-page/1.0.0/files/a.txt: ", "a page for people"],
    ),
    (
        "missing-file",
        |_, rest, _| (rest == FILE).then(Answer::not_found),
        &["missing-file/1.0.0/files/a.txt: 404 NOT_FOUND"],
    ),
    (
        "cut-for-ever",
        |_, rest, _| {
            (rest == FILE)
                .then(|| Answer::Raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc".into()))
        },
        &["cut-for-ever/1.0.0/files/a.txt: ", "cut short"],
    ),
    (
        "broken-for-ever",
        |_, rest, _| (rest == FILE).then(|| Answer::new(503, "", b"")),
        &["broken-for-ever/1.0.0/files/a.txt: 503"],
    ),
];

const FILE: &str = "/1.0.0/files/a.txt";

#[test]
fn imports_trust_no_origin() {
    let items: Vec<String> = CASES
        .iter()
        .map(|(name, ..)| format!("features/{name}"))
        .collect();
    let bad = [
        "../up",
        "features/../../up",
        "/etc",
        "features/files/x",
        "features/\u{1b}[31mred",
    ]
    .map(str::to_owned);
    let listed = [&items[..], &bad, &["features/good".to_owned()]].concat();
    let listing = json!({ "registries": listed });
    let origin = Origin::start(move |target, before| {
        if let Some(rest) = target.strip_prefix("/registries/@open/features/") {
            return item(rest, before);
        }
        match target {
            "/namespaces" => {
                Answer::json(&json!({ "namespaces": ["@open", "../up", "@Up", "@a/../../up"] }))
            }
            "/namespaces/@open/registries" => Answer::json(&listing),
            _ => Answer::not_found(),
        }
    });
    let registry = limited();
    let before = others(&registry);
    let args = ["import", "--from", &origin.url(), "--jobs", "32"];
    let run = registry.rackgen_within(DEADLINE, &args).exits(1);

    let missing = CASES.iter().filter(|(_, _, words)| !run.names(words));
    let missing: Vec<_> = missing.map(|(name, ..)| name).collect();
    assert!(missing.is_empty(), "{missing:?} are not named: {run}");
    for words in [
        &["/namespaces: `../up`"][..],
        &["/registries: `features/../../up`"],
    ] {
        assert!(run.names(words), "{words:?}: {run}");
    }
    assert!(
        !run.stderr.contains('\u{1b}'),
        "a terminal is not an origin's to draw on: {run}"
    );

    let source = contents(&registry.source());
    let expected = ["bad-version", "good"].map(|name| format!("@open/features/{name}"));
    let belongs = |path: &String| expected.iter().any(|item| path.starts_with(item));
    let strange: Vec<_> = source.keys().filter(|path| !belongs(path)).collect();
    assert!(strange.is_empty(), "{strange:?}");
    assert_eq!(
        source.len(),
        2 * 3,
        "manifest, file and log of each: {source:?}"
    );
    assert_eq!(
        before,
        others(&registry),
        "nothing is written beside the source tree"
    );
    let asked = origin.targets();
    assert!(
        !asked.iter().any(|target| target.contains("..")),
        "{asked:?}"
    );
}

#[test]
fn what_passes_is_waited_for() {
    let origin = Origin::start(|target, before| match (target, before) {
        ("/namespaces", 0) => Answer::new(503, "", b""),
        ("/namespaces", _) => Answer::json(&json!({ "namespaces": ["@open"] })),
        ("/namespaces/@open/registries", 0) => Answer::Raw(Vec::new()),
        ("/namespaces/@open/registries", _) => {
            Answer::json(&json!({ "registries": ["features/good"] }))
        }
        ("/registries/@open/features/good/1.0.0/files/a.txt", 0) => {
            Answer::new(429, "Retry-After: 2\r\n", b"{}")
        }
        ("/registries/@open/features/good/1.0.0/files/a.txt", 1) => {
            Answer::Raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc".into())
        }
        _ => item(
            target.trim_start_matches("/registries/@open/features/"),
            before,
        ),
    });
    let registry = limited();
    let start = Instant::now();
    let run = registry.rackgen_within(DEADLINE, &["import", "--from", &origin.url()]);
    let run = run.exits(0);
    // Who waits is told for what, and for how long.
    assert!(run.names(&["/namespaces: 503", "trying again in"]), "{run}");
    assert_eq!(run.stderr.matches("trying again in").count(), 4, "{run}");
    assert!(
        start.elapsed() > Duration::from_secs(2),
        "the origin asked to wait so long"
    );
    let file = registry.source().join("@open/features/good/1.0.0/a.txt");
    assert_eq!(fs::read_to_string(file).expect("a file"), "a\n");
}

#[test]
fn what_an_origin_says_is_bounded() {
    let listing = json!({ "registries": ["features/many", "features/wordy"] });
    let many: Vec<String> = (0..=100_000).map(|n| format!("1.{n}.0")).collect();
    let many = json!({ "versions": many });
    let yank = json!({ "reason": "ä".repeat(1 << 20), "time": "2026-01-01T00:00:00Z" });
    let wordy = json!({ "versions": [], "yanked": { "1.0.0": yank } });
    let origin = Origin::start(move |target, before| match target {
        "/namespaces/@open/registries" => Answer::json(&listing),
        "/registries/@open/features/many/versions" => Answer::json(&many),
        "/registries/@open/features/wordy/versions" => Answer::json(&wordy),
        _ => item(
            target.trim_start_matches("/registries/@open/features/"),
            before,
        ),
    });
    let registry = Registry::new(&json!({ "@open": [] }));
    let url = origin.url();
    let args = ["import", "--from", &url, "--namespace", "@open"];
    let run = registry.rackgen_within(DEADLINE, &args).exits(1);
    let words = ["many/versions: ", "100001 versions", "100000"];
    assert!(run.names(&words), "{run}");
    // Twice: what was cut is known.
    registry.rackgen_within(DEADLINE, &args).exits(1);
    let log = registry
        .source()
        .join("@open/features/wordy/releases.jsonl");
    let log = fs::read_to_string(log).expect("a log");
    assert_eq!(log.lines().count(), 2, "{}", log.len());
    assert!(log.len() < 70_000, "{}", log.len());
}

#[test]
fn an_origin_that_asks_to_be_left_alone_is() {
    let origin = of_a_dozen(|_, _| Answer::new(429, "Retry-After: 3600\r\n", b""));
    let run = import_in_parallel(&origin, "2").exits(2);
    let words = ["/1.0.0: 429", "asks to wait 3600 s", "run this again then"];
    assert!(run.names(&words), "{run}");
    let asked = origin.targets().into_iter();
    let asked = asked.filter(|target| target.ends_with("/1.0.0")).count();
    assert!(asked <= 2, "by each worker once: {asked}");
}

#[test]
fn the_token_goes_to_the_origin_only() {
    let elsewhere = Origin::start(|_, _| Answer::json(&json!({ "namespaces": [] })));
    let to = format!("Location: {}/namespaces\r\n", elsewhere.url());
    let origin = Origin::start(move |_, _| Answer::new(302, &to, b""));
    let registry = limited().setting("RACK_TOKEN", TOKEN);
    let run = registry
        .rackgen_within(DEADLINE, &["import", "--from", &origin.url()])
        .exits(2);
    assert!(
        run.names(&["/namespaces: 302 to", &elsewhere.url(), "not followed"]),
        "{run}"
    );
    assert!(elsewhere.heads().is_empty(), "{:?}", elsewhere.heads());
    let heads = origin.heads();
    assert!(
        heads.iter().all(|head| head
            .to_lowercase()
            .contains(&format!("authorization: bearer {TOKEN}"))),
        "{heads:?}"
    );

    let run = registry.rackgen_within(DEADLINE, &["import", "--from", "http://registry.invalid"]);
    let run = run.exits(2);
    assert!(
        run.names(&["http://registry.invalid", "plain HTTP"]),
        "{run}"
    );
    assert!(!run.stderr.contains(TOKEN), "{run}");
}

#[test]
fn an_origin_that_is_gone_stops_the_import() {
    // A socket that has the port and does not listen: who connects is refused, and nobody else gets it.
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    bind(&socket, &loopback).expect("a free port");
    let address = getsockname(&socket).expect("a bound socket knows its address");
    let address = SocketAddr::try_from(address).expect("an address of IPv4");
    let gone = format!("http://{address}");
    let run = limited()
        .rackgen_within(DEADLINE, &["import", "--from", &gone])
        .exits(2);
    assert!(run.names(&["cannot reach", &gone]), "{run}");

    // A proxy that is gone is not the registry's fault.
    let proxied = limited().setting("HTTPS_PROXY", &format!("http://user:hunter2@{address}"));
    let args = ["import", "--from", "https://registry.invalid"];
    let run = proxied.rackgen_within(DEADLINE, &args).exits(2);
    let through = format!("through the proxy {address}");
    let words = ["cannot reach https://registry.invalid", &through];
    assert!(run.names(&words), "{run}");
    assert!(!run.stderr.contains("hunter2"), "{run}");
}

#[test]
fn an_origin_that_died_behind_a_proxy_stops_the_import() {
    // One of them is had before.
    let origin = of_a_dozen(|target, before| match target.split_once("/features/") {
        Some((_, path)) if path.starts_with("item-0/") => item(path, before),
        _ => Answer::new(502, "", b"<html>Bad Gateway</html>"),
    });
    let run = import_in_parallel(&origin, "16").exits(2);
    let words = [
        "cannot reach",
        &origin.url(),
        "10 resources in a row",
        "502",
    ];
    assert!(run.names(&words), "{run}");
}

/// An origin that lists a dozen items of one version, and gives this for them.
fn of_a_dozen(answer: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> Origin {
    let items: Vec<String> = (0..12).map(|n| format!("features/item-{n}")).collect();
    let listing = json!({ "registries": items });
    Origin::start(move |target, before| match target {
        "/namespaces/@open/registries" => Answer::json(&listing),
        _ if target.ends_with("/versions") => Answer::json(&json!({ "versions": ["1.0.0"] })),
        _ => answer(target, before),
    })
}

/// Takes so many of its items at a time.
fn import_in_parallel(origin: &Origin, jobs: &str) -> Run {
    let url = origin.url();
    let from = ["import", "--from", &url, "--namespace", "@open"];
    limited().rackgen_within(DEADLINE, &[&from[..], &["--jobs", jobs]].concat())
}

/// A registry that takes little.
fn limited() -> Registry {
    let registry = Registry::new(&json!({ "@open": [] }));
    let limits = "[limits]\nmax_file = \"64KiB\"\nmax_manifest = \"16KiB\"\n";
    fs::write(registry.root().join("rack.toml"), limits).expect("a file");
    registry
}

/// The answer of an item, given what stands behind `features/` in the URL.
fn item(path: &str, before: usize) -> Answer {
    let (name, rest) = path.split_at(path.find('/').unwrap_or(path.len()));
    let release = Release::new("@open", name, "1.0.0").file("a.txt", "a\n");
    let case = CASES.iter().find(|(case, ..)| *case == name);
    let own = case.and_then(|(_, answer, _)| answer(&release, rest, before));
    own.unwrap_or_else(|| match rest {
        "/versions" => Answer::json(&json!({ "versions": ["1.0.0"] })),
        "/1.0.0" => Answer::ok(release.manifest()),
        FILE => Answer::ok("a\n"),
        _ => Answer::not_found(),
    })
}

/// What lies in the registry's folder beside the source tree and what its own commands write.
fn others(registry: &Registry) -> BTreeMap<String, String> {
    let mut others = contents(registry.root());
    others.retain(|path, _| !path.starts_with("source/") && !path.starts_with("logs/"));
    others
}
