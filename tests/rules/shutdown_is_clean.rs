//! A daemon that is asked to end takes nothing new, finishes what it has begun, and ends with status 0.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::http::Request;
use rack_tests::lock::HeldLock;
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::wait;
use rustix::process::Signal;
use serde_json::json;

/// What waits for a lock is refused, and may be sent again to the next daemon.
#[test]
fn a_shutdown_waits_for_no_lock() {
    let mut random = Random::announced("a_shutdown_waits_for_no_lock");
    let registry = Registry::new(&json!({ "@open": [] }));
    let daemon = registry.rackd().unhurried().start();
    let lock = HeldLock::take(&registry.source());
    let start = thread::scope(|scope| {
        let mut publish = |number: usize| {
            let (daemon, mut random) = (&daemon, random.fork());
            scope.spawn(move || {
                let release = Release::new("@open", &format!("item-{number}"), "1.0.0");
                daemon.publish(&release, ADMIN_TOKEN, &mut random)
            })
        };
        let mut publishes = vec![publish(0)];
        lock.until_awaited_by(daemon.id());
        publishes.extend((1..4).map(publish));
        wait::until("all of them to wait", wait::LONG, || {
            let figures = Request::get("/metrics").send(daemon.url()).ok()?.body;
            let figures = String::from_utf8_lossy(&figures).into_owned();
            figures
                .contains("rack_publish_queue_length 4")
                .then_some(())
        });
        daemon.signal(Signal::TERM);
        let start = Instant::now();
        for publish in publishes {
            let answer = publish.join().expect("a client");
            assert_eq!(answer.status, 503, "{}", answer.json());
        }
        start
    });
    assert_eq!(daemon.wait().code(), Some(0));
    let elapsed = start.elapsed();
    assert!(elapsed < Duration::from_secs(8), "{elapsed:?}");
}

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
