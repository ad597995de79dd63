//! A second daemon on the folders of a first is refused, and does it no harm.

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::http::Request;
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use serde_json::json;

#[test]
fn one_daemon_at_a_time() {
    let mut random = Random::announced("one_daemon_at_a_time");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let first = registry.rackd().start();
    let release = Release::new("@open", "slow", "1.0.0").file("a.bin", random.bytes(1 << 20));
    let upload = Upload::new(Archive::pack(&release, &mut random));
    let request = upload
        .request()
        .bearer(ADMIN_TOKEN)
        .header("Expect", "100-continue");
    let mut exchange = request.open(first.url()).expect("a connection");
    exchange
        .wait_for_continue()
        .expect("the daemon to ask for the body");
    let (begun, rest) = request.body.split_at(request.body.len() / 2);
    exchange.send(begun).expect("the daemon to take the body");

    let second = registry.rackd().refuse().exits(2);
    let holder = format!("process {}", first.id());
    let state = registry.state().display().to_string();
    assert!(second.names(&[&holder, &state]), "{second}");
    assert!(!second.stdout.contains("listening"), "{second}");

    exchange.send(rest).expect("the daemon to take the body");
    let answer = exchange.finish().expect("an answer");
    assert_eq!(answer.status, 201, "{}", answer.json());
    let served = Request::get(&release.url()).send(first.url());
    assert_eq!(served.expect("an answer").body, release.manifest());
    assert_eq!(first.stop().code(), Some(0));
}
