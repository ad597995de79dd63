//! A daemon that is asked to end takes nothing new, finishes what it has begun, and ends with status 0.

use std::net::TcpStream;
use std::time::Duration;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::http::Request;
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::wait;
use rustix::process::Signal;
use serde_json::json;

#[test]
fn shutdown_is_clean() {
    let mut random = Random::announced("shutdown_is_clean");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    for (version, signal) in [("1.0.0", Signal::TERM), ("1.1.0", Signal::INT)] {
        let idle = registry.rackd().start();
        idle.signal(signal);
        assert_eq!(
            idle.wait().code(),
            Some(0),
            "{signal:?} while there is nothing to do"
        );

        let daemon = registry.rackd().start();
        let release = Release::new("@open", "late", version).file("a.bin", random.bytes(1 << 20));
        let upload = Upload::new(Archive::pack(&release, &mut random));
        let request = upload
            .request()
            .bearer(ADMIN_TOKEN)
            .header("Expect", "100-continue");
        let mut exchange = request.open(daemon.url()).expect("a connection");
        exchange
            .wait_for_continue()
            .expect("the daemon to ask for the body");
        daemon.signal(signal);
        let address = daemon.url().trim_start_matches("http://").to_owned();
        wait::until("connections to be refused", Duration::from_secs(5), || {
            TcpStream::connect(&address).is_err().then_some(())
        });
        exchange
            .send(&request.body)
            .expect("the daemon to take the body");
        let answer = exchange.finish().expect("an answer");
        assert_eq!(answer.status, 201, "{signal:?}: {}", answer.json());
        assert_eq!(daemon.wait().code(), Some(0), "{signal:?} during an upload");

        let next = registry.rackd().start();
        let served = Request::get(&release.url())
            .send(next.url())
            .expect("an answer");
        assert_eq!(served.body, release.manifest());
    }
}
