//! Whoever is refused hears why: 401, 403, 409 and 413 for an upload of 50 MiB come through nginx to the client, also
//! to one that writes everything before it reads. Never a reset in their place, or a 502.

use std::io::{self, Write};
use std::net::Shutdown;
use std::thread;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::http::{Request, Response};
use rack_tests::multipart::Upload;
use rack_tests::nginx::with_daemon;
use rack_tests::package::{Archive, gzip, tar, zstd};
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::{proved, rounds};
use serde_json::json;

const MIB: usize = 1 << 20;

/// A way to send a large body.
type Client = fn(&Request, &str) -> io::Result<Response>;

const CLIENTS: [(&str, Client); 4] = [
    ("writes everything first", |request, url| request.send(url)),
    ("reads while it writes", read_meanwhile),
    ("asks first", ask_first),
    ("says that it asks first, and does not", |request, url| {
        request.clone().header("Expect", "100-continue").send(url)
    }),
];

#[test]
fn early_answers_arrive() {
    let mut random = Random::announced("early_answers_arrive");
    let access = json!({ "@team": [
        { "token": "reads" },
        { "token": "expired", "publish": true, "expiresAt": "2020-01-01T00:00:00Z" },
        { "token": "publishes", "publish": true },
    ] });
    let registry = Registry::new(&access);
    let (nginx, _daemon) = with_daemon(&registry);
    let narrow = Registry::new(&access);
    let narrow_daemon = narrow
        .rackd()
        .behind_a_proxy()
        .unhurried()
        .flag("--max-upload", "10MiB")
        .start();
    let settings = narrow.nginx().setting("RACK_MAX_UPLOAD", "10MiB");
    let narrow_nginx = settings.daemon(&narrow_daemon).unhurried().start();

    let release = Release::new("@team", "large", "1.0.0").file("noise.bin", random.bytes(50 * MIB));
    let large = upload(zstd(&tar(release.entries(), &mut random)));
    let other = release.with("description", "other");
    let again = upload(gzip(&tar(other.entries(), &mut random), &mut random));
    let noise = upload(random.bytes(50 * MIB));
    let created = large.clone().bearer("publishes").send(&nginx.url());
    assert_eq!(created.expect("an answer").status, 201);

    let admin = || large.clone().bearer(ADMIN_TOKEN);
    let cases = [
        (
            "no token",
            large.clone(),
            nginx.url(),
            (401, "UNAUTHORIZED"),
        ),
        (
            "an unknown token",
            large.clone().bearer("unknown"),
            nginx.url(),
            (401, "INVALID_TOKEN"),
        ),
        (
            "an expired token",
            large.clone().bearer("expired"),
            nginx.url(),
            (401, "TOKEN_EXPIRED"),
        ),
        (
            "a token that only reads",
            large.clone().bearer("reads"),
            nginx.url(),
            (403, "INSUFFICIENT_PERMISSIONS"),
        ),
        (
            "the same again",
            admin(),
            nginx.url(),
            (409, "VERSION_EXISTS"),
        ),
        (
            "the same version with other words",
            again.bearer("publishes"),
            nginx.url(),
            (409, "VERSION_EXISTS"),
        ),
        (
            "a reason of 50 MiB",
            Request::new("PUT", "/registries/@team/features/large/1.0.0/yank")
                .body(vec![b' '; 50 * MIB])
                .bearer("publishes"),
            nginx.url(),
            (413, "PAYLOAD_TOO_LARGE"),
        ),
        (
            "noise",
            noise.bearer(ADMIN_TOKEN),
            nginx.url(),
            (400, "INVALID_ARCHIVE"),
        ),
        (
            "more than there may be",
            admin(),
            narrow_nginx.url(),
            (413, "PAYLOAD_TOO_LARGE"),
        ),
        (
            "more than there may be, and no token",
            large.clone(),
            narrow_nginx.url(),
            (401, "UNAUTHORIZED"),
        ),
    ];
    let times = rounds(1, 100);
    for (name, request, url, expected) in &cases {
        for time in 0..times {
            let (how, client) = CLIENTS[time % CLIENTS.len()];
            let answer = client(request, url);
            let answer =
                answer.unwrap_or_else(|fault| panic!("{name}, a client that {how}: {fault}"));
            assert_eq!(
                (answer.status, &answer.code()[..]),
                *expected,
                "{name}, a client that {how}, time {time}"
            );
        }
    }
    // The last of all clients is served as if nothing had happened.
    let after = Request::get("/registries/@team/features/large")
        .bearer("reads")
        .send(&nginx.url());
    assert_eq!(after.expect("an answer").status, 200);
    proved(
        "early answers arrive",
        format!(
            "{} answers of {} kinds to 50 MiB, {times} times each",
            cases.len() * times,
            cases.len()
        ),
    );
}

fn upload(bytes: Vec<u8>) -> Request {
    Upload::new(Archive::of(bytes)).request()
}

/// Writes with one hand, and stops when the other has the answer.
fn read_meanwhile(request: &Request, url: &str) -> io::Result<Response> {
    let mut exchange = request.open(url)?;
    let mut sender = exchange.sender()?;
    thread::scope(|scope| {
        scope.spawn(|| sender.write_all(&request.body));
        let answer = exchange.receive(false);
        exchange.sender()?.shutdown(Shutdown::Both).ok();
        answer
    })
}

/// Sends the body when it is asked for, and not if there is an answer instead.
fn ask_first(request: &Request, url: &str) -> io::Result<Response> {
    let mut exchange = request.clone().header("Expect", "100-continue").open(url)?;
    if let Some(answer) = exchange.answer_or_continue()? {
        return Ok(answer);
    }
    exchange.send(&request.body).ok();
    exchange.finish()
}
