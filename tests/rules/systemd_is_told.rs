//! systemd is told when the daemon accepts connections and when it stops (`Type=notify`), and a systemd that does not
//! listen keeps nobody from being served.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use rack_tests::http::Request;
use rack_tests::registry::Registry;
use serde_json::json;

#[test]
fn systemd_is_told() {
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let path = registry.root().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    let deadline = Some(Duration::from_secs(30));
    socket.set_read_timeout(deadline).expect("a deadline");
    let registry = registry.setting("NOTIFY_SOCKET", path.to_str().expect("a path in UTF-8"));

    let daemon = registry.rackd().start();
    assert_eq!(next(&socket), "READY=1");
    let answer = Request::get("/health").send(daemon.url());
    assert_eq!(answer.expect("an answer").status, 200);
    assert!(daemon.stop().success());
    assert_eq!(next(&socket), "STOPPING=1");

    drop(socket);
    let daemon = registry.rackd().start();
    let answer = Request::get("/health").send(daemon.url());
    assert_eq!(answer.expect("an answer").status, 200);
    assert!(daemon.logged().contains("NOTIFY_SOCKET"));
    assert!(daemon.stop().success());
}

fn next(socket: &UnixDatagram) -> String {
    let mut bytes = [0; 256];
    let length = socket.recv(&mut bytes).expect("a message");
    String::from_utf8_lossy(&bytes[..length]).trim().to_owned()
}
