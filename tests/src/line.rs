//! A line to a server that fails as networks and proxies do, once for each fault, and holds from then on.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What becomes of one request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The connection is reset before the server hears of it.
    Reset,
    /// The server does what it is asked, and its answer is lost.
    AnswerLost,
    /// Somebody in between answers, with these bytes.
    Answer(&'static str),
    /// None.
    None,
}

/// A line to a server. Each request has a connection of its own.
#[derive(Debug)]
pub struct Line {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    ends: Arc<AtomicBool>,
}

impl Line {
    /// To that server, given as `host:port`, with these faults in order.
    pub fn to(server: &str, faults: impl IntoIterator<Item = Fault>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let line = Self {
            address: listener.local_addr().expect("an address"),
            heads: Arc::default(),
            ends: Arc::default(),
        };
        let mut faults: Vec<Fault> = faults.into_iter().collect();
        faults.reverse();
        let (heads, ends, server) = (line.heads.clone(), line.ends.clone(), server.to_owned());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ends.load(Ordering::Relaxed) {
                    break;
                }
                let fault = faults.pop().unwrap_or(Fault::None);
                carry(&stream, &server, &fault, &heads);
            }
        });
        line
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The first lines of all requests that were not reset.
    pub fn requests(&self) -> Vec<String> {
        let heads = self.heads.lock().expect("no panic there");
        let first = |head: &String| head.lines().next().unwrap_or_default().to_owned();
        heads.iter().map(first).collect()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        // Wakes who waits for a connection.
        TcpStream::connect(self.address).ok();
    }
}

/// A client that goes is its own business.
fn carry(mut client: &TcpStream, server: &str, fault: &Fault, heads: &Mutex<Vec<String>>) {
    if matches!(fault, Fault::Reset) {
        // What has arrived and is not read makes it a reset.
        client.peek(&mut [0]).ok();
        return;
    }
    let Some((head, body)) = request(client) else {
        return;
    };
    heads.lock().expect("no panic there").push(head.clone());
    if let Fault::Answer(bytes) = fault {
        client.write_all(bytes.as_bytes()).ok();
        return;
    }
    let mut server = TcpStream::connect(server).expect("the server is there");
    let head = head.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    server.write_all(head.as_bytes()).expect("a server");
    server.write_all(&body).expect("a server");
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).expect("an answer");
    if !matches!(fault, Fault::AnswerLost) {
        client.write_all(&answer).ok();
    }
}

fn request(client: &TcpStream) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(client);
    let mut head = String::new();
    let mut length = 0;
    while !head.ends_with("\r\n\r\n") {
        let start = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        if let Some((name, value)) = head[start..].split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}
