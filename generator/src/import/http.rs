//! GET, with patience: what passes by itself is tried again, what is too long is cut off, and the token goes to one
//! place. What is asked for is the caller's business.

use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ureq::{Agent, Timeout};

use super::answer::{body_length, refusal, retry_after};
use super::staged;
use crate::client;
use crate::error::{At, Error, Result};
use crate::plan::key::PublicKey;
use crate::public_url::PublicUrl;

/// How long to wait before the second try, the third and so on; after the last one it is given up.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// Longer than this nobody waits because a server asks for it.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// A server that says nothing for so long has gone.
const SILENCE: Duration = Duration::from_secs(60);

/// A body that takes longer than this to arrive is given up.
const BODY_TIME: Duration = Duration::from_secs(600);

/// A registry that is asked over HTTP.
#[derive(Debug)]
pub struct Http {
    base: PublicUrl,
    agent: Agent,
    authorization: Option<String>,
    /// Nobody asks anything before this: a 429 is meant for all of us.
    resume: Mutex<Instant>,
}

/// What may be gone when one asks again.
struct Passing {
    why: String,
    /// What the server asks for.
    wait: Option<Duration>,
    /// There is no talking to that server at all.
    is_unreachable: bool,
}

impl Http {
    /// At that address, with a token if there is one.
    ///
    /// # Errors
    /// A token that would cross a network in the clear, or that is no header.
    pub fn new(base: PublicUrl, token: Option<String>) -> Result<Self> {
        let url = base.to_string();
        let loopback = matches!(base.host(), "localhost" | "127.0.0.1" | "[::1]");
        if token.is_some() && !loopback && !url.starts_with("https:") {
            return Err(Error::refused(
                url,
                "a token is not sent over plain HTTP, except to this machine; give an https:// address",
            ));
        }
        if token
            .as_ref()
            .is_some_and(|token| !token.bytes().all(|b| b.is_ascii_graphic()))
        {
            let why = "the token holds spaces or characters that no token has";
            return Err(Error::refused("RACK_TOKEN", why));
        }
        let mut config = client::config()
            .timeout_connect(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .timeout_recv_response(Some(SILENCE))
            .timeout_recv_body(Some(BODY_TIME))
            .max_idle_connections_per_host(16);
        if loopback {
            // What is said to this machine stays on it.
            config = config.proxy(None);
        }
        Ok(Self {
            base,
            agent: config.build().into(),
            authorization: token.map(|token| format!("Bearer {token}")),
            resume: Mutex::new(Instant::now()),
        })
    }

    /// The address of a resource.
    pub fn url(&self, key: &PublicKey) -> String {
        format!("{}{key}", self.base)
    }

    /// Where the registry is.
    pub fn base(&self) -> &PublicUrl {
        &self.base
    }

    /// A document of at most so many bytes.
    pub fn document(&self, key: &PublicKey, most: u64) -> Result<Vec<u8>> {
        let in_memory = Path::new("memory");
        let (bytes, _) = self.get(key, most, in_memory, || Ok(Vec::new()))?;
        Ok(bytes)
    }

    /// A file of at most so many bytes, written to this path; tells how many they were.
    pub fn file(&self, key: &PublicKey, most: u64, path: &Path) -> Result<u64> {
        let (_, len) = self.get(key, most, path, || staged::create(path))?;
        Ok(len)
    }

    /// The bytes of a resource and how many they are, in what `open` gives, which is opened anew for each try.
    fn get<W: Write>(
        &self,
        key: &PublicKey,
        most: u64,
        path: &Path,
        open: impl Fn() -> Result<W>,
    ) -> Result<(W, u64)> {
        let url = self.url(key);
        let mut pauses = PAUSES.into_iter();
        loop {
            self.wait_for_resumption();
            let mut into = open()?;
            let passing = match self.attempt(&url, most, &mut into, path)? {
                Ok(len) => return Ok((into, len)),
                Err(passing) => passing,
            };
            match (pauses.next(), passing.wait) {
                (Some(_), Some(wait)) if wait <= LONGEST_WAIT => self.resume_after(wait),
                (Some(pause), None) => thread::sleep(pause),
                _ if passing.is_unreachable => {
                    let cause = io::Error::new(ErrorKind::NotConnected, passing.why);
                    return Err(cause).at("reach", Path::new(&self.base.to_string()));
                }
                (_, Some(wait)) => {
                    let why = format!("{}; it asks to wait {} s", passing.why, wait.as_secs());
                    return Err(Error::refused(url, why));
                }
                _ => return Err(Error::refused(url, passing.why)),
            }
        }
    }

    /// Asks once, and tells how many bytes came.
    fn attempt(
        &self,
        url: &str,
        most: u64,
        into: &mut impl Write,
        path: &Path,
    ) -> Result<Result<u64, Passing>> {
        // Of variants nobody knows what they were made of.
        let mut request = self.agent.get(url).header("accept-encoding", "identity");
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let mut answer = match request.call() {
            Ok(answer) => answer,
            Err(fault) => return Passing::of(url, fault).map(Err),
        };
        let status = answer.status().as_u16();
        if matches!(status, 429 | 500..) {
            return Ok(Err(Passing {
                wait: retry_after(&answer),
                why: refusal(&mut answer),
                is_unreachable: false,
            }));
        }
        if status != 200 {
            return Err(Error::refused(url, refusal(&mut answer)));
        }
        let len = body_length(&answer).map_err(|why| Error::refused(url, why))?;
        let too_long = || {
            Error::refused(
                url,
                format!("it is longer than {most} bytes, and [limits] allows no more"),
            )
        };
        if len.is_some_and(|len| len > most) {
            return Err(too_long());
        }
        let mut body = answer.body_mut().as_reader();
        let mut buffer = vec![0; 64 * 1024];
        let mut seen = 0;
        loop {
            let count = match body.read(&mut buffer) {
                Ok(0) if len.is_none_or(|len| len == seen) => return Ok(Ok(seen)),
                Ok(0) => return Ok(Err(Passing::cut(format!("it ended after {seen} bytes")))),
                Ok(count) => count,
                Err(cause) => return Ok(Err(Passing::cut(cause))),
            };
            seen += count as u64;
            if seen > most {
                return Err(too_long());
            }
            into.write_all(&buffer[..count]).at("write", path)?;
        }
    }

    fn resume_after(&self, wait: Duration) {
        let mut resume = self.resume.lock().unwrap_or_else(PoisonError::into_inner);
        *resume = (*resume).max(Instant::now() + wait);
    }

    fn wait_for_resumption(&self) {
        let resume = *self.resume.lock().unwrap_or_else(PoisonError::into_inner);
        thread::sleep(resume.saturating_duration_since(Instant::now()));
    }
}

impl Passing {
    fn cut(why: impl std::fmt::Display) -> Self {
        Self {
            why: format!("the answer was cut short: {why}"),
            wait: None,
            is_unreachable: false,
        }
    }

    /// A request without an answer.
    fn of(url: &str, fault: ureq::Error) -> Result<Self> {
        use ureq::Error as Fault;
        let is_unreachable = match &fault {
            // Somebody was there, and let go.
            Fault::Io(cause) => !matches!(
                cause.kind(),
                ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::BrokenPipe
                    | ErrorKind::UnexpectedEof
            ),
            Fault::Timeout(Timeout::Connect | Timeout::Resolve) => true,
            Fault::Timeout(_) | Fault::Protocol(_) => false,
            Fault::HostNotFound | Fault::ConnectionFailed | Fault::Tls(_) | Fault::Rustls(_) => {
                true
            }
            _ => return Err(Error::refused(url, fault)),
        };
        Ok(Self {
            why: match (fault, is_unreachable) {
                (Fault::Io(cause), true) => cause.to_string(),
                (fault, true) => fault.to_string(),
                (fault, false) => format!("there is no whole answer: {fault}"),
            },
            wait: None,
            is_unreachable,
        })
    }
}
