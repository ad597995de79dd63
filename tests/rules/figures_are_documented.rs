//! Whoever reads docs/metrics.md finds every figure there and no other, and what to do about every alert; and the figures
//! are for those that `[metrics]` names.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::http::Request;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use serde_json::{Value, json};

const DOCUMENT: &str = include_str!("../../docs/metrics.md");
const ALERTS_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/alerts.yml");
const ALERTS: &str = include_str!("../../scripts/alerts.yml");

#[test]
fn every_figure_and_every_alert_is_documented() {
    let mut random = Random::announced("figures_are_documented");
    let registry = Registry::new(&json!({ "@open": [] }));
    let daemon = registry.rackd().flag("--rate-limit", "3/min").start();
    let release = Release::new("@open", "item", "1.0.0");
    let statuses: Vec<u16> = [
        ADMIN_TOKEN,
        ADMIN_TOKEN,
        "token-of-nobody-7d21",
        ADMIN_TOKEN,
    ]
    .map(|token| daemon.publish(&release, token, &mut random).status)
    .to_vec();
    assert_eq!(statuses, [201, 409, 401, 429]);

    let answer = Request::get("/metrics")
        .send(daemon.url())
        .expect("an answer");
    let text = String::from_utf8(answer.body).expect("text");
    for line in [
        "rack_uploads_total{outcome=\"created\",reason=\"\"} 1",
        "rack_uploads_total{outcome=\"refused\",reason=\"VERSION_EXISTS\"} 1",
        "rack_token_failures_total{reason=\"unknown\"} 1",
        "rack_rate_limited_total{route=\"upload\"} 1",
        "rack_publish_queue_length 0",
        "rack_unseen_change_age_seconds 0",
    ] {
        assert!(text.contains(line), "no {line} in\n{text}");
    }
    // Nobody is told of anything here.
    let silent = "rack_webhook_attempts_total".to_owned();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let mut there: BTreeSet<String> = types
        .filter_map(|line| Some(line.split_once(' ')?.0.to_owned()))
        .filter(|name| !name.starts_with("process_"))
        .collect();
    there.insert(silent);
    assert_eq!(there, figures(DOCUMENT));

    let asked: BTreeSet<String> = figures(ALERTS)
        .iter()
        .map(|name| name.trim_end_matches("_bucket").to_owned())
        .collect();
    let unknown: Vec<&String> = asked.difference(&there).collect();
    assert!(
        unknown.is_empty(),
        "alerts on what is not there: {unknown:?}"
    );
    let alerts: Vec<&str> = ALERTS
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .collect();
    assert!(!alerts.is_empty());
    for alert in alerts {
        assert!(DOCUMENT.contains(&format!("| `{alert}` |")), "{alert}");
    }
}

#[test]
fn promtool_takes_the_alerts() {
    promtool(&["check", "rules", ALERTS_FILE]);
}

/// Prometheus sees no increase where a line is there only when it counted: so these begin at 0.
#[test]
fn the_first_failure_is_an_alert() {
    let registry = Registry::new(&json!({}));
    let daemon = registry.rackd().start();
    let answer = Request::get("/metrics")
        .send(daemon.url())
        .expect("an answer");
    let text = String::from_utf8(answer.body).expect("text");
    for line in [
        "rack_reloads_total{file=\"access\",outcome=\"failed\"} 0",
        "rack_reloads_total{file=\"webhooks\",outcome=\"failed\"} 0",
        "rack_uploads_total{outcome=\"failed\",reason=\"INTERNAL_ERROR\"} 0",
        "rack_uploads_total{outcome=\"failed\",reason=\"STORAGE_FULL\"} 0",
        "rack_uploads_total{outcome=\"failed\",reason=\"UNAVAILABLE\"} 0",
    ] {
        assert!(text.contains(line), "no {line} in\n{text}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let figures = [
        "rack_reloads_total{file='access',outcome='failed'}",
        "rack_uploads_total{outcome='failed',reason='STORAGE_FULL'}",
    ];
    let series = figures.map(|figure| json!({ "series": figure, "values": "0x20 1x40" }));
    let alerts = ["RackReloadFailed", "RackUploadsFail"];
    let firing =
        alerts.map(|alert| json!({ "labels": format!("{{alertname='{alert}'}}"), "value": 1 }));
    let at = |time: &str, alerts: &[Value]| {
        json!({ "expr": "count by (alertname) (ALERTS{alertstate='firing'})", "eval_time": time,
            "exp_samples": alerts })
    };
    let looks = [at("20m", &[]), at("22m", &firing), at("40m", &[])];
    let tests = json!({ "rule_files": [ALERTS_FILE], "tests": [
        { "interval": "1m", "input_series": series, "promql_expr_test": looks },
    ] });
    // JSON is YAML as well.
    let file = folder.path().join("tests.yml");
    fs::write(&file, tests.to_string()).expect("a file");
    promtool(&["test", "rules", file.to_str().expect("a path in UTF-8")]);
}

/// Runs it where it is.
fn promtool(args: &[&str]) {
    match Command::new("promtool").args(args).output() {
        Err(_) => println!("SKIPPED: promtool is not here, so the alert rules are not checked"),
        Ok(said) => assert!(said.status.success(), "{said:?}"),
    }
}

#[test]
fn figures_are_for_those_that_are_named() {
    let named = "token-of-prometheus-2c80";
    let other = "token-of-somebody-91ab";
    let access = json!({ "@team": [
        { "token": named, "mark": "prometheus" },
        { "token": other, "mark": "somebody" },
    ] });
    let registry = Registry::new(&access);
    registry.write_config(
        "[metrics]\naddresses = [\"192.0.2.0/24\", \"2001:db8::7\"]\ntokens = [\"prometheus\"]\n",
    );
    let daemon = registry.rackd().behind_a_proxy().start();
    let ask = |from: &str, token: Option<&str>| {
        let request = Request::get("/metrics").header("X-Forwarded-For", from);
        let request = token.map_or(request.clone(), |token| request.bearer(token));
        let answer = request.send(daemon.url()).expect("an answer");
        answer.status
    };
    for (from, token, status) in [
        ("192.0.2.9", None, 200),
        ("2001:db8::7", None, 200),
        ("127.0.0.1", None, 401),
        ("198.51.100.1", None, 401),
        ("198.51.100.1", Some("token-of-nobody-7d21"), 401),
        ("198.51.100.1", Some(other), 403),
        ("198.51.100.1", Some(named), 200),
        ("198.51.100.1", Some(ADMIN_TOKEN), 200),
    ] {
        assert_eq!(ask(from, token), status, "{from} {token:?}");
    }
}

/// The names of ours in a text.
fn figures(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
    text.split(|c| !is_name(c))
        .filter(|word| word.starts_with("rack_"))
        .map(str::to_owned)
        .collect()
}
