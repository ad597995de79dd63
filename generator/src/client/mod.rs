//! A registry that is asked over HTTP: where the token may go, whom TLS trusts, which proxy is in between, and what is
//! tried again. What is asked, and what an answer means, is for whoever asks.

pub mod answer;
mod passing;

use std::fmt;
use std::io::{self, ErrorKind};
use std::str::FromStr;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use getrandom::u32 as random;
use ureq::config::ConfigBuilder;
use ureq::http::request::Builder;
use ureq::http::{Request, Response, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::typestate::AgentScope;
use ureq::{Agent, AsSendBody, Body};

use self::answer::Answer;
pub use self::passing::Passing;
use crate::error::{Error, Result};
use crate::public_url::PublicUrl;

/// How long to wait before the second try, the third and so on, at most; after the last one it is given up.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// Longer than this nobody waits because a server asks for it: that is for whoever runs this.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// A server that says nothing for so long has gone.
const SILENCE: Duration = Duration::from_secs(120);

/// A body that takes longer than this to arrive is given up.
const BODY_TIME: Duration = Duration::from_secs(600);

/// The certificates that this system trusts, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name. What cannot be read
/// is left out: a server that needs it is not trusted then, and that is told.
static TRUSTED: LazyLock<Arc<Vec<Certificate<'static>>>> = LazyLock::new(|| {
    let found = rustls_native_certs::load_native_certs().certs;
    let of_der = |der: &_| Certificate::from_der(der).to_owned();
    Arc::new(found.iter().map(|der| of_der(der.as_ref())).collect())
});

/// An agent to be built: it trusts whom the system trusts, goes through the proxy of the environment, follows no
/// redirect, so that a token stays where it was sent, and takes every status for an answer.
pub fn config() -> ConfigBuilder<AgentScope> {
    let trusted = RootCerts::Specific(TRUSTED.clone());
    Agent::config_builder()
        .tls_config(TlsConfig::builder().root_certs(trusted).build())
        .http_status_as_error(false)
        .max_redirects(0)
        .user_agent(concat!("rackgen/", env!("CARGO_PKG_VERSION")))
}

/// A token that a registry may know, fit for a header (RFC 6750, section 2.1): visible characters of ASCII, and no others.
pub struct BearerToken(String);

/// What no token is.
#[derive(Debug, thiserror::Error)]
#[error("this is no token: it is empty, or holds more than letters, digits and signs of ASCII")]
pub struct NoToken;

impl FromStr for BearerToken {
    type Err = NoToken;

    fn from_str(text: &str) -> Result<Self, NoToken> {
        match !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => Ok(Self(text.to_owned())),
            false => Err(NoToken),
        }
    }
}

/// It is nobody's to read.
impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken")
    }
}

/// A registry, and who asks it.
#[derive(Debug)]
pub struct Client {
    base: PublicUrl,
    agent: Agent,
    token: Option<BearerToken>,
    /// Nobody asks anything before this: a 429 is meant for all of us.
    resume: Mutex<Instant>,
}

impl Client {
    /// At that address, with a token if there is one.
    ///
    /// # Errors
    /// A token that would cross a network in the clear.
    pub fn new(base: PublicUrl, token: Option<BearerToken>) -> Result<Self> {
        if token.is_some() && !base.is_loopback() && !base.is_https() {
            return Err(Error::refused(
                base.to_string(),
                "a token is not sent over plain HTTP, except to this machine; give an https:// address",
            ));
        }
        let mut config = config()
            .timeout_connect(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .timeout_recv_response(Some(SILENCE))
            .timeout_recv_body(Some(BODY_TIME))
            .max_idle_connections_per_host(16);
        if base.is_loopback() {
            // What is said to this machine stays on it.
            config = config.proxy(None);
        }
        Ok(Self {
            base,
            agent: config.build().into(),
            token,
            resume: Mutex::new(Instant::now()),
        })
    }

    /// Where the registry is.
    pub fn base(&self) -> &PublicUrl {
        &self.base
    }

    /// A request of that method for a URL of the registry, with the token.
    pub fn request(&self, method: &str, url: &str) -> Builder {
        let request = Request::builder().method(method).uri(url);
        match &self.token {
            Some(BearerToken(token)) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    /// Asks once; the answer may say no.
    ///
    /// # Errors
    /// What will not pass by itself, such as a URL that is none.
    pub fn ask(
        &self,
        request: Builder,
        body: impl AsSendBody,
    ) -> Result<Result<Response<Body>, Passing>> {
        let request = request
            .body(body)
            .map_err(|fault| Error::refused(self.base.to_string(), fault))?;
        let uri = request.uri().clone();
        match self.agent.run(request) {
            Ok(mut answer) if Passing::is_status(answer.status().as_u16()) => {
                Ok(Err(Passing::Answer(Answer::read(&mut answer))))
            }
            Ok(answer) => Ok(Ok(answer)),
            Err(fault) => Ok(Err(
                self.blame(&uri, Passing::of_fault(&uri.to_string(), fault)?)
            )),
        }
    }

    /// Names the proxy, if one is in between: who cannot be reached may be that one.
    fn blame(&self, uri: &Uri, passing: Passing) -> Passing {
        let proxy = self.agent.config().proxy();
        match (passing, proxy.filter(|proxy| !proxy.is_no_proxy(uri))) {
            (Passing::Unreachable(why), Some(proxy)) => {
                let (host, port) = (proxy.host(), proxy.port());
                Passing::Unreachable(format!("through the proxy {host}:{port}: {why}"))
            }
            (passing, _) => passing,
        }
    }

    /// Tries until there is something else than what may pass, a bounded number of times. Every request of the protocol
    /// may be sent again: what it asks for is so then, and stays so. `tell` hears of each try that is to follow, and
    /// after how long.
    ///
    /// # Errors
    /// Those of the tries; what did not pass is the inner one.
    pub fn patiently<T>(
        &self,
        tell: impl Fn(&Passing, Duration),
        mut attempt: impl FnMut() -> Result<Result<T, Passing>>,
    ) -> Result<Result<T, Passing>> {
        let mut pauses = PAUSES.into_iter();
        loop {
            self.wait_for_resumption();
            let passing = match attempt()? {
                Ok(done) => return Ok(Ok(done)),
                Err(passing) => passing,
            };
            let asked = passing.wait().unwrap_or_default();
            let Some(pause) = pauses.next().filter(|_| asked <= LONGEST_WAIT) else {
                return Ok(Err(passing));
            };
            let pause = spread(pause).max(asked);
            tell(&passing, pause);
            match asked.is_zero() {
                true => thread::sleep(pause),
                false => self.resume_after(pause),
            }
        }
    }

    /// What did not pass, as the end of it all. It is that of what else is to be asked, too, where nobody answers or
    /// where the server asks to be left alone for long.
    pub fn give_up(&self, url: &str, passing: Passing) -> Error {
        match passing {
            passing if passing.wait().is_some_and(|wait| wait > LONGEST_WAIT) => Error::Io {
                action: "ask",
                path: url.into(),
                cause: io::Error::other(format!("{passing}; run this again then")),
            },
            Passing::Unreachable(why) => Error::Io {
                action: "reach",
                path: self.base.to_string().into(),
                cause: io::Error::new(ErrorKind::NotConnected, why),
            },
            passing => Error::refused(url, passing),
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

/// Between half of a pause and all of it: what failed at one moment for many is not asked for again at one moment.
fn spread(pause: Duration) -> Duration {
    let part = random().map_or(1.0, |random| f64::from(random) / f64::from(u32::MAX));
    pause.mul_f64(0.5 + part / 2.0)
}
