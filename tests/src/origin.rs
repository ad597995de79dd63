//! An HTTP server of a test's own, which answers whatever the test likes: a registry that nobody should trust.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

/// How a request is answered. The connection is closed behind it.
#[derive(Debug, Clone)]
pub enum Answer {
    /// These bytes, head and all.
    Raw(Vec<u8>),
    /// This head, and then bytes without an end.
    Endless(String),
}

impl Answer {
    /// A whole answer with further header lines.
    pub fn new(status: u16, headers: &str, body: &[u8]) -> Self {
        let head = format!(
            "HTTP/1.1 {status} Status\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        Self::Raw([head.as_bytes(), body].concat())
    }

    /// What was asked for.
    pub fn ok(body: impl AsRef<[u8]>) -> Self {
        Self::new(200, "", body.as_ref())
    }

    /// A document.
    pub fn json(document: &Value) -> Self {
        Self::ok(document.to_string())
    }

    /// There is no such thing.
    pub fn not_found() -> Self {
        Self::new(404, "", br#"{"code":"NOT_FOUND","message":"nothing here"}"#)
    }
}

/// A running server.
#[derive(Debug)]
pub struct Origin {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    ends: Arc<AtomicBool>,
}

impl Origin {
    /// Answers requests by their target, and by how often it was asked for before.
    pub fn start(answer: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let origin = Self {
            address: listener.local_addr().expect("an address"),
            heads: Arc::default(),
            ends: Arc::default(),
        };
        let (heads, ends, answer) = (origin.heads.clone(), origin.ends.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ends.load(Ordering::Relaxed) {
                    break;
                }
                let (heads, answer) = (heads.clone(), answer.clone());
                thread::spawn(move || converse(stream, &heads, &*answer));
            }
        });
        origin
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The heads of all requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no panic there").clone()
    }

    /// The targets of all requests so far.
    pub fn targets(&self) -> Vec<String> {
        self.heads().iter().map(|head| target(head)).collect()
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        // Wakes who waits for a connection.
        TcpStream::connect(self.address).ok();
    }
}

/// One request, one answer. A client that goes is its own business.
fn converse(stream: TcpStream, heads: &Mutex<Vec<String>>, answer: &dyn Fn(&str, usize) -> Answer) {
    let mut reader = BufReader::new(&stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if !reader.read_line(&mut head).is_ok_and(|count| count > 0) {
            return;
        }
    }
    let asked = target(&head);
    let before = {
        let mut heads = heads.lock().expect("no panic there");
        let before = heads.iter().filter(|head| target(head) == asked).count();
        heads.push(head);
        before
    };
    let mut to = &stream;
    match answer(&asked, before) {
        Answer::Raw(bytes) => drop(to.write_all(&bytes)),
        Answer::Endless(head) => {
            let mut sent = to.write_all(head.as_bytes());
            while sent.is_ok() {
                sent = to.write_all(&[b' '; 4096]);
            }
        }
    }
}

fn target(head: &str) -> String {
    head.split(' ').nth(1).unwrap_or_default().to_owned()
}
