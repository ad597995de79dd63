//! A small HTTP client that sends exactly what it is told to: paths are not normalised, headers may repeat, nothing
//! is unpacked, no redirect is followed. Faults are values, for tests that kill the server.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::secrets;

/// Nothing that a server does takes longer without a byte in between.
const SILENCE: Duration = Duration::from_secs(120);

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET` and so on, or a word that is no method.
    pub method: String,
    /// The request target, raw.
    pub target: String,
    /// In order.
    pub headers: Vec<(String, String)>,
    /// Sent as it is.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without headers and body.
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A GET.
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// With one header more.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        secrets::hand_out_header(name, value);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a token.
    pub fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// With a body.
    pub fn body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// With a body of JSON.
    pub fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json")
            .body(body.to_string().into_bytes())
    }

    /// Sends it to a server, given as `http://host:port`, maybe with a path in front of all others.
    pub fn send(&self, base: &str) -> io::Result<Response> {
        let mut exchange = self.open(base)?;
        // A server that refuses early may stop reading: what counts is whether its answer arrives.
        exchange.send(&self.body).ok();
        exchange.finish()
    }

    /// Connects and sends the head, which announces the body. Sending that is the caller's.
    pub fn open(&self, base: &str) -> io::Result<Exchange> {
        let (host, prefix) = host_and_prefix(base);
        let head = self.clone().header("Connection", "close");
        let head = head.head(host, prefix);
        let mut exchange = Exchange::connect(host)?;
        exchange.bodiless = self.method == "HEAD";
        exchange.send(head.as_bytes())?;
        Ok(exchange)
    }

    /// The head as it is sent to that host.
    fn head(&self, host: &str, prefix: &str) -> String {
        let mut head = format!("{} {}{} HTTP/1.1\r\n", self.method, prefix, self.target);
        head += &format!("Host: {host}\r\n");
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !self.body.is_empty() || matches!(&self.method[..], "POST" | "PUT" | "PATCH") {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        head += "\r\n";
        head
    }
}

/// What stands behind `http://`, cut at the path.
fn host_and_prefix(base: &str) -> (&str, &str) {
    let base = base.strip_prefix("http://").unwrap_or(base);
    base.split_at(base.find('/').unwrap_or(base.len()))
}

/// Sends bytes that may be no HTTP at all, and reads what comes back.
pub fn send_raw(base: &str, bytes: &[u8]) -> io::Result<Response> {
    open_raw(base, bytes)?.finish()
}

/// Sends bytes that may be no HTTP at all, or more than one request. What comes back is the caller's to read.
pub fn open_raw(base: &str, bytes: &[u8]) -> io::Result<Exchange> {
    let mut exchange = Exchange::connect(host_and_prefix(base).0)?;
    exchange.send(bytes)?;
    Ok(exchange)
}

/// A connection that is kept for many requests, one after another.
#[derive(Debug)]
pub struct Connection {
    base: String,
    exchange: Option<Exchange>,
}

impl Connection {
    /// To a server, given as for [`Request::send`]. It connects when it is asked something.
    pub fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            exchange: None,
        }
    }

    /// Sends a request, and reads the answer.
    pub fn ask(&mut self, request: &Request) -> io::Result<Response> {
        let (host, prefix) = host_and_prefix(&self.base);
        let mut bytes = request.head(host, prefix).into_bytes();
        bytes.extend_from_slice(&request.body);
        self.ask_raw(&bytes, request.method == "HEAD")
    }

    /// Sends bytes as they are, and reads one answer. If the server closed the connection since the last one, there
    /// is a new one.
    pub fn ask_raw(&mut self, bytes: &[u8], is_head: bool) -> io::Result<Response> {
        if let Some(exchange) = self.exchange.take()
            && let Ok(response) = self.ask_on(exchange, bytes, is_head)
        {
            return Ok(response);
        }
        let exchange = Exchange::connect(host_and_prefix(&self.base).0)?;
        self.ask_on(exchange, bytes, is_head)
    }

    fn ask_on(
        &mut self,
        mut exchange: Exchange,
        bytes: &[u8],
        is_head: bool,
    ) -> io::Result<Response> {
        // Who refuses early may stop reading: what counts is whether the answer arrives.
        exchange.send(bytes).ok();
        let response = exchange.receive(is_head)?;
        if !response.list("Connection").contains("close") {
            self.exchange = Some(exchange);
        }
        Ok(response)
    }
}

/// A request that is on its way.
#[derive(Debug)]
pub struct Exchange {
    stream: BufReader<TcpStream>,
    bodiless: bool,
}

impl Exchange {
    fn connect(host: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
            bodiless: false,
        })
    }

    /// Sends a piece of the body.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// After `Expect: 100-continue`: waits until the server asks for the body, so that the request is surely in its
    /// hands.
    pub fn wait_for_continue(&mut self) -> io::Result<()> {
        match self.head()?.status {
            100 => Ok(()),
            status => Err(invalid(format!("status {status} in place of 100"))),
        }
    }

    /// After `Expect: 100-continue`: nothing if the server asks for the body, else the answer that it gave instead.
    pub fn answer_or_continue(&mut self) -> io::Result<Option<Response>> {
        let head = self.head()?;
        match head.status {
            100 => Ok(None),
            _ => self.body_of(head, self.bodiless).map(Some),
        }
    }

    /// Reads the answer.
    pub fn finish(mut self) -> io::Result<Response> {
        let response = self.receive(self.bodiless)?;
        let has_none = self.bodiless || matches!(response.status, 204 | 304);
        if has_none && !self.rest().is_empty() {
            return Err(invalid("a body where there can be none"));
        }
        Ok(response)
    }

    /// Whatever comes until the server closes the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset is an end too.
        self.stream.read_to_end(&mut rest).ok();
        rest
    }

    /// Another hand on the connection, to send while somebody reads.
    pub fn sender(&self) -> io::Result<TcpStream> {
        self.stream.get_ref().try_clone()
    }

    /// Reads one answer of possibly several. That to a HEAD has no body, whatever its length says.
    pub fn receive(&mut self, is_head: bool) -> io::Result<Response> {
        let mut response = self.head()?;
        while response.status < 200 {
            response = self.head()?;
        }
        self.body_of(response, is_head)
    }

    /// Reads what comes behind a head.
    fn body_of(&mut self, mut response: Response, is_head: bool) -> io::Result<Response> {
        if is_head || matches!(response.status, 204 | 304) {
            // There is none.
        } else if response.list("Transfer-Encoding").contains("chunked") {
            self.chunks(&mut response.body)?;
        } else if let Some(length) = response.header("Content-Length") {
            let length = length.parse().map_err(|_| invalid("no length"))?;
            response.body.resize(length, 0);
            self.stream.read_exact(&mut response.body)?;
        } else {
            self.stream.read_to_end(&mut response.body)?;
        }
        if response.status >= 400 {
            secrets::assert_none("an answer", &response.body);
        }
        Ok(response)
    }

    fn head(&mut self) -> io::Result<Response> {
        let line = self.line()?;
        let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5));
        let status = status.and_then(|status| status.parse().ok());
        let mut response = Response {
            status: status.ok_or_else(|| invalid(format!("not a status line: {line:?}")))?,
            headers: Vec::new(),
            body: Vec::new(),
        };
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(response);
            }
            let header = line
                .split_once(':')
                .ok_or_else(|| invalid(format!("no header: {line:?}")))?;
            response
                .headers
                .push((header.0.to_owned(), header.1.trim().to_owned()));
        }
    }

    fn chunks(&mut self, body: &mut Vec<u8>) -> io::Result<()> {
        loop {
            let line = self.line()?;
            let size = line.split(';').next().unwrap_or_default();
            let size =
                u64::from_str_radix(size.trim(), 16).map_err(|_| invalid("no chunk size"))?;
            let before = body.len() as u64;
            self.stream.by_ref().take(size).read_to_end(body)?;
            if body.len() as u64 != before + size || !self.line()?.is_empty() {
                return Err(invalid("a torn chunk"));
            }
            if size == 0 {
                return Ok(());
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.pop_if(|last| *last == b'\r');
        String::from_utf8(line).map_err(|_| invalid("a line that is not UTF-8"))
    }
}

fn invalid(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.into())
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// In order, as they were written.
    pub headers: Vec<(String, String)>,
    /// As it was sent, coding and all.
    pub body: Vec<u8>,
}

impl Response {
    /// The values of a header, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = move |header: &&(String, String)| header.0.eq_ignore_ascii_case(name);
        self.headers
            .iter()
            .filter(named)
            .map(|(_, value)| &value[..])
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The members of a header that is a list, in lower case, over all its lines.
    pub fn list(&self, name: &str) -> BTreeSet<String> {
        let members = self.all(name).flat_map(|value| value.split(','));
        members
            .map(|member| member.trim().to_ascii_lowercase())
            .collect()
    }

    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The error code in the body, or nothing.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}
