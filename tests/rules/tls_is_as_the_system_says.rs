//! `rackgen` trusts the certificates that the system trusts and no others, goes through the proxy of the environment,
//! and sends no token over plain HTTP but to this machine. Webhooks trust the same ones.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use serde_json::json;

const HOST: &str = "registry.invalid";

#[test]
fn tls_is_as_the_system_says() {
    if Command::new("openssl").arg("version").output().is_err() {
        println!("SKIPPED: certificates of a CA of one's own: there is no openssl");
        return;
    }
    let mut registry = Registry::new(&json!({ "@open": [] }));
    registry.set("RACK_TOKEN", ADMIN_TOKEN);
    Release::new("@open", "item", "1.0.0").put_at(registry.root(), "item");
    let daemon = registry.rackd().behind_a_proxy().unhurried().start();
    let [ca, ca_key, certificate, key] = ["ca.crt", "ca.key", "tls.crt", "tls.key"]
        .map(|name| registry.root().join(name).display().to_string());
    issue("a CA of one's own", &["-out", &ca, "-keyout", &ca_key]);
    let names = format!("subjectAltName=DNS:localhost,DNS:{HOST}");
    let is_none = "basicConstraints=critical,CA:FALSE";
    let of_ca = ["-CA", &ca, "-CAkey", &ca_key];
    let all = [
        &of_ca[..],
        &["-addext", &names, "-addext", is_none],
        &["-out", &certificate, "-keyout", &key],
    ];
    issue("a registry", &all.concat());
    let nginx = registry.nginx().unhurried().daemon(&daemon);
    let nginx = nginx
        .flag("--tls-cert", &certificate)
        .flag("--tls-key", &key)
        .start();
    let here = format!("https://localhost:{}", nginx.addresses()[0].port());
    let publish = ["publish", "item", "--skip-existing", "--wait", "--url"];

    let stranger = registry
        .rackgen(&[&publish[..], &[&here]].concat())
        .exits(2);
    assert!(
        stranger.names(&["cannot reach", &here, "certificate", "SSL_CERT_FILE"]),
        "{stranger}"
    );
    // What no waiting changes.
    assert!(!stranger.stderr.contains("trying again"), "{stranger}");

    registry.set("SSL_CERT_FILE", &ca);
    let published = registry
        .rackgen(&[&publish[..], &[&here]].concat())
        .exits(0);
    assert!(
        published.stdout.starts_with("published https://localhost:"),
        "{published}"
    );

    let proxy = proxy(nginx.addresses()[0]);
    registry.set("HTTPS_PROXY", &format!("http://{proxy}"));
    let there = format!("https://{HOST}");
    let published = registry
        .rackgen(&[&publish[..], &[&there]].concat())
        .exits(0);
    assert!(
        published.stdout.contains("was there already"),
        "{published}"
    );
    // This machine is not asked for through another.
    registry
        .rackgen(&[&publish[..], &[daemon.url()]].concat())
        .exits(0);

    let plain = format!("http://{HOST}");
    for command in [
        &publish[..],
        &["yank", "@open/features/item@1.0.0", "--url"],
        &["import", "--from"],
    ] {
        let refused = registry.rackgen(&[command, &[&plain]].concat()).exits(2);
        assert!(
            refused.names(&[&plain, "not sent over plain HTTP"]),
            "{refused}"
        );
        assert!(!refused.to_string().contains(ADMIN_TOKEN), "{refused}");
    }
    drop(daemon);
    webhooks_trust_the_same(registry, &here);
}

/// What answers there takes no webhook, but it says so.
fn webhooks_trust_the_same(mut registry: Registry, server: &str) {
    let hook = format!("{server}/hook");
    registry.write_webhooks(&[json!({"url": hook, "secret": "s", "events": ["uploaded"]})]);
    for (trusted, says) in [(true, "it answered 4"), (false, "certificate")] {
        if !trusted {
            let stranger = registry.root().join("stranger.crt").display().to_string();
            let key = registry.root().join("stranger.key").display().to_string();
            issue("a stranger", &["-out", &stranger, "-keyout", &key]);
            registry.set("SSL_CERT_FILE", &stranger);
        }
        let _daemon = registry.rackd().start();
        let run = registry.rackgen(&["webhooks", "test", &hook]).exits(1);
        assert!(run.stdout.contains(says), "{run}");
    }
}

fn issue(name: &str, args: &[&str]) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-days", "1", "-newkey", "ec"])
        .args(["-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-subj", &format!("/CN={name}")])
        .args(args)
        .output()
        .expect("openssl runs");
    assert!(made.status.success(), "{made:?}");
}

/// A proxy that knows one name.
fn proxy(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || tunnel(&client, to));
        }
    });
    address
}

fn tunnel(client: &TcpStream, to: SocketAddr) -> io::Result<()> {
    let mut head = BufReader::new(client).lines();
    let first = head.next().expect("a head")?;
    let asked = first.starts_with(&format!("CONNECT {HOST}:443 "));
    while !head.next().expect("a head")?.is_empty() {}
    if !asked {
        return (&*client).write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    }
    let server = TcpStream::connect(to)?;
    (&*client).write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
    thread::scope(|scope| {
        scope.spawn(|| io::copy(&mut &*client, &mut &server));
        io::copy(&mut &server, &mut &*client)
    })?;
    Ok(())
}
