//! Over TLS, with a certificate of nobody's, a client that speaks HTTP/2 gets the answers of the protocol too.

use std::net::SocketAddr;
use std::process::Command;

use rack_tests::coding::decode;
use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::errors::faults;
use rack_tests::http::Request;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use serde_json::{Value, json};

#[test]
fn http2_has_the_same_answers() {
    let speaks = |program: &str, words: &[&str], feature: &str| {
        let output = Command::new(program).args(words).output();
        output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(feature))
    };
    if !speaks("openssl", &["version"], "OpenSSL") || !speaks("curl", &["--version"], "HTTP2") {
        println!(
            "SKIPPED: TLS and HTTP/2 through nginx: there is no openssl, or no curl that speaks HTTP/2"
        );
        return;
    }
    let registry = Registry::new(&json!({ "@open": [], "@team": [{ "token": "some-word" }] }));
    let [item, secret] =
        ["@open", "@team"].map(|namespace| Release::new(namespace, "item", "1.0.0"));
    registry.put(&item);
    registry.put(&secret);
    let daemon = registry.rackd().behind_a_proxy().unhurried().start();
    let [certificate, key] =
        ["tls.crt", "tls.key"].map(|name| registry.root().join(name).display().to_string());
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "1",
            "-subj",
            "/CN=localhost",
        ])
        .args(["-out", &certificate, "-keyout", &key])
        .output();
    assert!(made.expect("openssl runs").status.success());
    let nginx = registry.nginx().unhurried().daemon(&daemon);
    let nginx = nginx
        .flag("--tls-cert", &certificate)
        .flag("--tls-key", &key)
        .start();
    let address = nginx.addresses()[0];

    for version in ["--http2", "--http1.1"] {
        let protocol = if version == "--http2" { "2" } else { "1.1" };
        let answer = curl(address, &[version], &item.url());
        assert_eq!(
            answer,
            Curled {
                status: "200".into(),
                protocol: protocol.into(),
                body: item.manifest()
            }
        );
        let packed = curl(
            address,
            &[version, "-H", "Accept-Encoding: br"],
            &item.url(),
        );
        assert_eq!(
            decode(Some("br"), &packed.body).expect("that coding"),
            item.manifest()
        );
        for (target, status, code) in [
            ("/registries/@team/features/item", "401", "UNAUTHORIZED"),
            ("/registries/@open/features/none", "404", "NOT_FOUND"),
            (
                "/registries/@open/..%2f@team/features/item",
                "400",
                "INVALID_PATH",
            ),
            (
                "/registries/@open/../@team/features/item",
                "400",
                "INVALID_PATH",
            ),
        ] {
            let answer = curl(address, &[version], target);
            assert_eq!(
                (&answer.status[..], answer.code()),
                (status, json!(code)),
                "{version} {target}"
            );
        }
        let gated = curl(
            address,
            &[version, "-H", "Authorization: Bearer some-word"],
            "/registries/@team/features/item",
        );
        assert_eq!(gated.status, "200");
        let refused = curl(
            address,
            &[version, "-X", "POST", "--data", "nothing"],
            "/registries",
        );
        assert_eq!(
            (&refused.status[..], refused.code()),
            ("401", json!("UNAUTHORIZED"))
        );
        let yank = format!("{}/yank", item.url());
        let put = [version, "-X", "PUT", "--data", "{\"reason\":\"x\"}"];
        let refused = curl(address, &put, &yank);
        assert_eq!(
            (&refused.status[..], refused.code()),
            ("401", json!("UNAUTHORIZED"))
        );
        let token = format!("Authorization: Bearer {ADMIN_TOKEN}");
        let yanked = curl(address, &[&put[..], &["-H", &token]].concat(), &yank);
        assert_eq!(yanked.status, "200");
    }
    // In HTTP/2 that ends the connection, by nginx.
    let long = format!("/registries/@open{}", "/a".repeat(10_000));
    let answer = curl(address, &["--http1.1"], &long);
    assert_eq!(
        (&answer.status[..], answer.code()),
        ("414", json!("URI_TOO_LONG"))
    );
    // Plain words where TLS is spoken: no page either.
    let plain = Request::get("/namespaces")
        .send(&nginx.url())
        .expect("an answer");
    assert_eq!((plain.status, &plain.code()[..]), (400, "BAD_REQUEST"));
    assert_eq!(faults(&plain, false), Vec::<String>::new());
}

/// What came back, as curl tells it.
#[derive(Debug, PartialEq, Eq)]
struct Curled {
    status: String,
    protocol: String,
    body: Vec<u8>,
}

impl Curled {
    fn code(&self) -> Value {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["code"].clone()
    }
}

fn curl(address: SocketAddr, args: &[&str], target: &str) -> Curled {
    let output = Command::new("curl")
        .args([
            "--silent",
            "--insecure",
            "--path-as-is",
            "--max-time",
            "60",
            "--write-out",
            "\n%{http_code} %{http_version}",
        ])
        .args(args)
        .arg(format!("https://{address}{target}"))
        .output()
        .expect("curl runs");
    let end = output
        .stdout
        .iter()
        .rposition(|byte| *byte == b'\n')
        .expect("a line at the end");
    let told = String::from_utf8_lossy(&output.stdout[end + 1..]).into_owned();
    let (status, protocol) = told.split_once(' ').expect("two words");
    Curled {
        status: status.to_owned(),
        protocol: protocol.to_owned(),
        body: output.stdout[..end].to_vec(),
    }
}
