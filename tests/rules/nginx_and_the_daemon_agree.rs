//! Whatever is asked for, well or badly, nginx and the embedded server answer the same: status, code, body, headers.

use std::collections::BTreeMap;

use rack_tests::agreement::differences;
use rack_tests::errors::faults;
use rack_tests::http::{Connection, Response};
use rack_tests::nginx::with_daemon;
use rack_tests::questions::{Question, TOKEN, known};
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::{proved, rounds};
use serde_json::json;

#[test]
fn nginx_and_the_daemon_agree() {
    let mut random = Random::announced("nginx_and_the_daemon_agree");
    let registry = registry();
    let (nginx, daemon) = with_daemon(&registry);
    let known = known(&nginx.url());
    let mut embedded = Connection::new(daemon.url());
    let mut through_nginx = Connection::new(&nginx.url());

    let (mut seen, mut problems) = (BTreeMap::<u16, usize>::new(), BTreeMap::new());
    let asked = rounds(1_000, 50_000);
    for _ in 0..asked {
        let question = Question::any(&known, &mut random);
        let [first, second] = [&mut embedded, &mut through_nginx].map(|connection| {
            let answer = connection.ask_raw(&question.bytes(), question.method == "HEAD");
            answer.unwrap_or_else(|fault| panic!("{question:?}: {fault}"))
        });
        *seen.entry(second.status).or_default() += 1;
        let lines = disagreement(&question, &first, &second);
        if !lines.is_empty() {
            // One of each kind is enough to read.
            let label = |line: &String| line.split(':').next().map(str::to_owned);
            let labels: Vec<_> = lines.iter().map(label).collect();
            let kind = (
                first.status,
                second.status,
                first.code(),
                second.code(),
                labels,
            );
            problems.entry(kind).or_insert((question, lines.join("; ")));
        }
    }
    let listed: Vec<String> = problems
        .values()
        .take(40)
        .map(|(question, lines)| format!("{question:?}\n    {lines}"))
        .collect();
    assert!(
        listed.is_empty(),
        "embedded or nginx:\n{}",
        listed.join("\n")
    );
    // Questions of which all are refused in the same way prove nothing.
    for status in [200, 204, 304, 400, 401, 403, 404, 405] {
        let times = seen.get(&status).copied().unwrap_or_default();
        assert!(
            times * 200 >= asked,
            "{status} was answered {times} times: {seen:?}"
        );
    }
    proved(
        "nginx and the daemon agree",
        format!("{asked} requests, answered with {seen:?}"),
    );
}

/// What they should not differ in, and do.
fn disagreement(question: &Question, embedded: &Response, nginx: &Response) -> Vec<String> {
    match is_excused(question, embedded, nginx) {
        true => Vec::new(),
        false => differences(embedded, nginx),
    }
}

/// Whether one of them cannot but answer something else.
fn is_excused(question: &Question, embedded: &Response, nginx: &Response) -> bool {
    let is_refused = nginx.status >= 400 && faults(nginx, question.method == "HEAD").is_empty();
    let is_bad = nginx.status == 400 && is_refused;
    // Numbers of 20 digits and more: the daemon counts up to them, a pattern cannot.
    question.has_a_long_number()
        // Of two conditions nginx wants both, HTTP only the first. A 200 is right in any case.
        || (question.contradicts_itself && nginx.status == 200 && embedded.status == 304)
        // The daemon's library refuses bytes that no address has, before any code of ours sees them. nginx does not
        // look at queries.
        || (is_bare(embedded) && (is_refused || nginx.status == 204 || question.has_an_odd_query()))
        // It also cuts off what follows a `#`, which no client sends: to the daemon it is another address.
        || (question.target.contains(&b'#') && (is_refused || nginx.status == 204))
        // What the daemon tells those who are near, nginx keeps to itself.
        || (is_for_the_near(question) && nginx.status == 404)
        // nginx refuses what it cannot decode before anybody asks for the method.
        || (matches!(embedded.status, 204 | 405 | 501) && is_bad)
        // 8 KiB are the target's to the daemon, and the whole line's to nginx.
        || (nginx.status == 414 && question.target.len() > (8 << 10) - 40)
}

fn is_for_the_near(question: &Question) -> bool {
    let path = question.target.split(|byte| *byte == b'?').next();
    matches!(path, Some(b"/auth" | b"/metrics"))
}

/// An answer of the library alone.
fn is_bare(answer: &Response) -> bool {
    answer.status == 400 && answer.header("Content-Type").is_none()
}

fn registry() -> Registry {
    let registry =
        Registry::new(&json!({ "@open": [], "@empty": [], "@team": [{ "token": TOKEN }] }))
            .setting("RACK_ENCODINGS", "br,gzip,zstd");
    let text = |word: &str| format!("export const {word} = '{word}'\n").repeat(30);
    for version in ["1.0.0", "1.1.0+build.42", "2.0.0-beta.11"] {
        let lint = Release::new("@open", "lint", version)
            .with("type", "registry:quality")
            .file("src/index.ts", text("lint"))
            .file("templates/.gitignore", "/target\n")
            .file("src/@scope+name.svg", "<svg/>\n")
            .file("LICENSE", text("licence"));
        registry.put(&lint);
    }
    let tags = ["beta 2.0.0-beta.11", "lts 1.1.0+build.42"];
    registry.put_file("@open/quality/lint/releases.jsonl", tagged(&tags));
    registry.put_file(
        "@team/features/secret/releases.jsonl",
        tagged(&["stable 1.0.0"]),
    );
    registry.put(&Release::new("@open", "yank", "1.0.0"));
    registry.put(&Release::new("@open", "auth", "1.0.0"));
    let jwt = Release::new("@open", "jwt", "1.0.0").with("path", "features/auth/jwt");
    registry.put(&jwt.file("index.json", "{}\n"));
    registry.put(&Release::new("@team", "secret", "1.0.0").file("src/secret.ts", text("secret")));
    registry.put(&Release::new("@hidden", "ghost", "1.0.0"));
    let preset =
        json!({ "name": "starter", "version": "1.0.0", "registries": ["@open/features/auth"] });
    registry.put_file("presets/starter/preset.json", preset.to_string());
    registry
}

/// The log of an item whose tags were set in this order.
fn tagged(tags: &[&str]) -> String {
    let line = |tag: &&str| {
        let (tag, version) = tag.split_once(' ').expect("a tag and a version");
        let time = "2026-01-02T03:04:05Z";
        let event =
            json!({ "event": "tag", "tag": tag, "version": version, "time": time, "by": "x" });
        format!("{event}\n")
    };
    tags.iter().map(line).collect()
}
