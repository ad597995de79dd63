//! A deployment that moves from the server before finds its variables working where ours are not set, and `doctor`
//! says where each setting comes from (interface.md, "Configuration").

use std::fs;

use rack_tests::audit::audit;
use rack_tests::binaries;
use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::registry::{Registry, Run};
use rack_tests::release::Release;
use serde_json::json;

#[test]
fn the_variables_of_the_server_before_work() {
    let mut random = Random::announced("the_variables_of_the_server_before_work");
    let registry = Registry::new(&json!({ "@open": [] }));
    // Where none of ours would look.
    let [storage, access] = ["storage", "who.json"].map(|name| registry.root().join(name));
    fs::rename(registry.source(), &storage).expect("a rename");
    fs::rename(registry.access(), &access).expect("a rename");
    let variables = [
        ("STORAGE_ROOT", "storage"),
        ("AUTH_CONFIG_PATH", "who.json"),
        ("HOST", "localhost"),
        ("PORT", "0"),
        ("TRUST_PROXY", "true"),
        ("LOG_LEVEL", "warn"),
        ("ADMIN_TOKEN", ADMIN_TOKEN),
    ];

    let daemon = registry.rackd().with_nothing_but(&variables).start();
    let release = Release::new("@open", "item", "1.0.0");
    let upload = Upload::new(Archive::pack(&release, &mut random)).request();
    let upload = upload
        .bearer(ADMIN_TOKEN)
        .header("X-Forwarded-For", "192.0.2.7");
    let answer = upload.send(daemon.url()).expect("an answer");
    assert_eq!(answer.status, 201, "{}", answer.json());
    assert!(storage.join("@open/features/item/1.0.0").is_dir());
    let audit = audit(&registry, &[]);
    assert_eq!(audit[0]["client"], "192.0.2.7", "{audit:?}");
    assert_eq!(daemon.logged(), "", "at this level there is nothing to say");
    assert_eq!(daemon.stop().code(), Some(0));

    let doctor = |variables: &[(&str, &str)]| {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let variables: Vec<_> = variables.iter().map(owned).collect();
        let mut command = registry.bare_command(&binaries::rackgen(), &variables);
        command.arg("doctor");
        Run::of(command).exits(0).stdout
    };
    let said = doctor(&variables);
    for line in [
        "source = storage (environment, STORAGE_ROOT)",
        "access = who.json (environment, AUTH_CONFIG_PATH)",
        "listen = localhost:0 (environment, HOST, PORT)",
        "trust_proxy = true (environment, TRUST_PROXY)",
        "log_level = warn (environment, LOG_LEVEL)",
    ] {
        assert!(said.contains(line), "no {line} in {said}");
    }

    // An empty one counts as none; the file comes after them, and ours before.
    registry.write_config("listen = \"127.0.0.1:9\"\nlog_level = \"error\"\n");
    let mut variables = variables.to_vec();
    variables.retain(|(name, _)| !matches!(*name, "HOST" | "LOG_LEVEL" | "TRUST_PROXY"));
    variables.extend([
        ("LOG_LEVEL", ""),
        ("RACK_TRUST_PROXY", "2"),
        ("TRUST_PROXY", "1"),
    ]);
    let said = doctor(&variables);
    for line in [
        "listen = 127.0.0.1:0 (environment, HOST, PORT)",
        "log_level = error (rack.toml)",
        "trust_proxy = 2 (environment, RACK_TRUST_PROXY)",
    ] {
        assert!(said.contains(line), "no {line} in {said}");
    }
}
