//! Whoever is refused while the body is still coming gets to read why, however much more is sent than is taken.

use std::thread;
use std::time::Duration;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::http::Request;
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use serde_json::json;

const MIB: usize = 1 << 20;

#[test]
fn early_refusals_reach_the_client() {
    let mut random = Random::announced("early_refusals_reach_the_client");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let daemon = registry.rackd().flag("--max-upload", "1MiB").start();
    let release = Release::new("@open", "large", "1.0.0").file("a.bin", random.bytes(12 * MIB));
    let upload = Upload::new(Archive::pack(&release, &mut random)).request();
    for (request, status, code) in [
        (upload.clone(), 401, "UNAUTHORIZED"),
        (upload.bearer(ADMIN_TOKEN), 413, "PAYLOAD_TOO_LARGE"),
    ] {
        send_slowly(&request, daemon.url(), status, code);
    }
}

/// Slower than a connection lingers that is closed before the body is there.
fn send_slowly(request: &Request, url: &str, status: u16, code: &str) {
    let mut exchange = request.open(url).expect("a connection");
    for piece in request.body.chunks(2 * MIB) {
        exchange
            .send(piece)
            .unwrap_or_else(|fault| panic!("{code}: the daemon stopped reading: {fault}"));
        // The pace is what is tested: there is nothing else to wait for.
        thread::sleep(Duration::from_millis(400));
    }
    let answer = exchange.finish().expect("an answer");
    assert_eq!((answer.status, &*answer.code()), (status, code));
}
