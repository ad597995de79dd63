//! Somebody who is told of changes: an HTTP server of a test's own that keeps what it was sent, and answers well or badly.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::origin::Answer;
use crate::wait;

/// What a receiver does with a delivery.
#[derive(Debug, Clone)]
pub enum Reply {
    /// It answers.
    Answer(Answer),
    /// It answers that it has it, in bytes without an end.
    Endless,
    /// It says nothing, and keeps the connection.
    Silence,
    /// It lets go of the connection.
    Reset,
}

impl Reply {
    /// It answers with this status.
    pub fn status(status: u16) -> Self {
        Self::with(status, "")
    }

    /// It answers with this status and these header lines.
    pub fn with(status: u16, headers: &str) -> Self {
        Self::Answer(Answer::new(status, headers, b""))
    }
}

/// A delivery, as it came in.
#[derive(Debug, Clone)]
pub struct Received {
    /// When the last byte of it came.
    pub at: Instant,
    /// Names in small letters.
    pub headers: HeaderMap,
    /// Byte for byte.
    pub body: Vec<u8>,
}

impl Received {
    /// A header.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        let value = value.unwrap_or_else(|| panic!("no header {name}"));
        value.to_str().expect("a header of letters")
    }

    /// What is the same in every attempt.
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    /// The body, parsed.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }

    /// Whether somebody else's library takes it for one that is signed with this secret.
    pub fn is_signed_with(&self, webhook: &Webhook) -> bool {
        webhook.verify(&self.body, &self.headers).is_ok()
    }
}

/// A running receiver.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    ends: Arc<AtomicBool>,
}

impl Receiver {
    /// Replies to each delivery by what it is and how many came before.
    pub fn start(reply: impl Fn(&Received, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let receiver = Self {
            address: listener.local_addr().expect("an address"),
            received: Arc::default(),
            ends: Arc::default(),
        };
        let (received, ends) = (receiver.received.clone(), receiver.ends.clone());
        let reply = Arc::new(reply);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ends.load(Ordering::Relaxed) {
                    break;
                }
                let (received, ends, reply) = (received.clone(), ends.clone(), reply.clone());
                thread::spawn(move || converse(&stream, &received, &ends, &*reply));
            }
        });
        receiver
    }

    /// One that takes everything.
    pub fn willing() -> Self {
        Self::start(|_, _| Reply::status(204))
    }

    /// `http://127.0.0.1:PORT/hook`
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Its entry in `webhooks.json`.
    pub fn entry(&self, secret: impl Into<Value>, events: &[&str]) -> Value {
        json!({"url": self.url(), "secret": secret.into(), "events": events})
    }

    /// All deliveries so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("no panic there").clone()
    }

    /// Waits until so many deliveries have come.
    pub fn until(&self, count: usize) -> Vec<Received> {
        wait::until(&format!("{count} deliveries"), wait::LONG, || {
            let received = self.received();
            (received.len() >= count).then_some(received)
        })
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        // Wakes who waits for a connection.
        TcpStream::connect(self.address).ok();
    }
}

/// One delivery, one reply. A sender that goes is its own business.
fn converse(
    stream: &TcpStream,
    received: &Mutex<Vec<Received>>,
    ends: &AtomicBool,
    reply: &dyn Fn(&Received, usize) -> Reply,
) {
    let Some(delivery) = read(stream) else {
        return;
    };
    let before = {
        let mut received = received.lock().expect("no panic there");
        received.push(delivery.clone());
        received.len() - 1
    };
    let mut to = stream;
    match reply(&delivery, before) {
        Reply::Answer(Answer::Raw(bytes)) => drop(to.write_all(&bytes)),
        Reply::Answer(Answer::Endless(head)) => endless(to, &head),
        Reply::Endless => endless(to, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"),
        Reply::Silence => {
            while !ends.load(Ordering::Relaxed) && peer_is_there(stream) {
                thread::sleep(Duration::from_millis(10));
            }
        }
        Reply::Reset => {}
    }
}

fn endless(mut to: &TcpStream, head: &str) {
    let mut sent = to.write_all(head.as_bytes());
    while sent.is_ok() {
        sent = to.write_all(&[b' '; 4096]);
    }
}

fn peer_is_there(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).expect("a socket");
    !matches!(stream.peek(&mut [0]), Ok(0))
}

fn read(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if !reader.read_line(&mut head).is_ok_and(|count| count > 0) {
            return None;
        }
    }
    let mut headers = HeaderMap::new();
    for line in head.lines().skip(1) {
        if let Some((name, value)) = line.split_once(": ") {
            let name: HeaderName = name.parse().expect("a header");
            headers.append(name, HeaderValue::from_str(value).expect("a header"));
        }
    }
    let length = headers.get("content-length")?.to_str().ok()?;
    let mut body = vec![0; length.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Received {
        at: Instant::now(),
        headers,
        body,
    })
}
