//! A webhooks file that somebody named and that is not there stops a start; without one that nobody named, what waits to
//! be told waits on, and everybody who asks hears of it.

use std::fs;

use rack_tests::binaries;
use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::http::Request;
use rack_tests::random::Random;
use rack_tests::receiver::{Receiver, Reply};
use rack_tests::registry::{Registry, Run};
use rack_tests::release::Release;
use rack_tests::wait;
use serde_json::json;

#[test]
fn a_webhooks_file_that_was_named_has_to_be_there() {
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let check = |config: &str, args: &[&str], variable: (&str, &str)| {
        registry.write_config(config);
        let mut command = registry.command(&binaries::rackd());
        command
            .arg("--check")
            .args(args)
            .env(variable.0, variable.1);
        Run::of(command)
    };
    let none = ("RACK_TESTS", "");
    for run in [
        check("", &["--webhooks", "hooks.json"], none),
        check("", &[], ("RACK_WEBHOOKS", "hooks.json")),
        check("", &[], ("WEBHOOK_CONFIG_PATH", "hooks.json")),
        check("webhooks = 'hooks.json'\n", &[], none),
    ] {
        let run = run.exits(2);
        assert!(run.names(&["hooks.json", "no such webhooks file"]), "{run}");
    }
    // `rackgen init` names this one before there is one.
    check("webhooks = 'webhooks.json'\n", &[], none).exits(0);
    let run = registry
        .rackgen(&["doctor", "--webhooks", "hooks.json"])
        .exits(1);
    assert!(run.stdout.contains("no such webhooks file"), "{run}");
}

#[test]
fn what_waits_is_not_given_up_where_no_file_says_for_whom() {
    let mut random = Random::announced("what_waits_is_not_given_up_where_no_file_says_for_whom");
    let registry = Registry::new(&json!({ "@open": [] }));
    let receiver = Receiver::start(|_, before| Reply::status(if before == 0 { 500 } else { 200 }));
    let entry = receiver.entry("s", &["version.created"]);
    registry.write_webhooks(std::slice::from_ref(&entry));
    let config = "[webhook]\nallow_private = true\nretry_after = ['1s']\n";
    registry.write_config(config);
    let mut publish = |daemon: &rack_tests::daemon::Rackd, version: &str| {
        let release = Release::new("@open", "item", version);
        let answer = daemon.publish(&release, ADMIN_TOKEN, &mut random);
        assert_eq!(answer.status, 201, "{}", answer.json());
    };
    let daemon = registry.rackd().start();
    publish(&daemon, "1.0.0");
    receiver.until(1);
    assert!(daemon.stop().success());
    let file = registry.root().join("webhooks.json");
    fs::remove_file(&file).expect("a file");
    let folder = |name| registry.state().join("webhooks").join(name);
    let count = |name| fs::read_dir(folder(name)).expect("a folder").count();
    assert_eq!(count("pending"), 1);

    let mut command = registry.command(&binaries::rackd());
    command.arg("--check");
    let run = Run::of(command).exits(0);
    assert!(run.names(&["webhooks.json", "1 deliveries wait"]), "{run}");
    let run = registry.rackgen(&["doctor"]).exits(0);
    assert!(run.stdout.contains("1 deliveries wait"), "{run}");

    let daemon = registry.rackd().start();
    wait::until("what /health says", wait::LONG, || {
        let health = Request::get("/health").send(daemon.url()).ok()?.json();
        let message = health["checks"]["webhooks"]["message"].as_str()?;
        message.contains("deliveries wait").then_some(())
    });
    publish(&daemon, "1.1.0");
    assert_eq!((count("outbox"), count("dead")), (1, 0));
    registry.write_webhooks(&[entry]);
    receiver.until(3);
    assert_eq!(count("dead"), 0);
}
