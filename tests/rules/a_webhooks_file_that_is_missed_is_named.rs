//! A webhooks file that is not there though somebody named it, or though something waits to be told, is no fault that stops
//! a start (interface.md: "missing: none"); but everybody who asks hears of it, and what waits waits on.

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
fn a_webhooks_file_that_was_named_is_missed() {
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
        let run = run.exits(0);
        assert!(
            run.names(&["hooks.json", "no such file", "nobody is told"]),
            "{run}"
        );
    }
    // `rackgen init` names this one before there is one.
    let run = check("webhooks = 'webhooks.json'\n", &[], none).exits(0);
    assert!(run.stdout.contains("all is well"), "{run}");
    let run = registry
        .rackgen(&["doctor", "--webhooks", "hooks.json"])
        .exits(0);
    assert!(run.stdout.contains("nobody is told"), "{run}");
    let daemon = registry.rackd().flag("--webhooks", "hooks.json").start();
    wait::until("what /health says", wait::LONG, || {
        let health = Request::get("/health").send(daemon.url()).ok()?.json();
        let message = health["checks"]["webhooks"]["message"].as_str()?;
        message.contains("nobody is told").then_some(())
    });
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
    // It is announced after its 201.
    wait::until("an announcement", wait::LONG, || {
        (count("outbox") == 1).then_some(())
    });
    assert_eq!(count("dead"), 0);
    registry.write_webhooks(&[entry]);
    receiver.until(3);
    assert_eq!(count("dead"), 0);
}
