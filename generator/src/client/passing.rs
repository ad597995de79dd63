//! What may be gone when one asks again: which answers and which faults.

use std::fmt;
use std::io::{self, ErrorKind};
use std::time::Duration;

use ureq::Timeout;

use super::answer::Answer;
use crate::error::{Error, Result};

/// Why a try came to nothing that may go better the next time.
#[derive(Debug)]
pub enum Passing {
    /// The server says that it cannot now.
    Answer(Answer),
    /// Somebody was there, and let go.
    Cut(String),
    /// There is no talking to that server at all.
    Unreachable(String),
}

impl Passing {
    /// Whether an answer of this status may be another one soon: those that `curl --retry` repeats after.
    pub(super) fn is_status(status: u16) -> bool {
        matches!(status, 408 | 429 | 500 | 502..=504)
    }

    /// A request without an answer.
    ///
    /// # Errors
    /// A fault that does not pass.
    pub(super) fn of_fault(url: &str, fault: ureq::Error) -> Result<Self> {
        use ureq::Error as Fault;
        let cut = |fault: Fault| Self::Cut(format!("there is no whole answer: {fault}"));
        Ok(match fault {
            Fault::Io(cause) => match cause.kind() {
                ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
                | ErrorKind::UnexpectedEof => cut(Fault::Io(cause)),
                // So TLS says that it is not satisfied.
                ErrorKind::InvalidData => return Err(untrusted(url, &cause)),
                _ => Self::Unreachable(cause.to_string()),
            },
            fault @ (Fault::Timeout(Timeout::Connect | Timeout::Resolve)
            | Fault::HostNotFound
            | Fault::ConnectionFailed
            | Fault::Tls(_)
            | Fault::Rustls(_)) => Self::Unreachable(fault.to_string()),
            fault @ (Fault::Timeout(_) | Fault::Protocol(_)) => cut(fault),
            fault => return Err(Error::refused(url, fault)),
        })
    }

    /// How long the server asks to wait.
    pub(super) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Answer(answer) => answer.wait,
            Self::Cut(_) | Self::Unreachable(_) => None,
        }
    }
}

/// No waiting makes a certificate better.
fn untrusted(url: &str, cause: &io::Error) -> Error {
    let why = format!(
        "{cause}; the certificates that are trusted are those of the system, or those that SSL_CERT_FILE names"
    );
    Error::Io {
        action: "reach",
        path: url.into(),
        cause: io::Error::new(ErrorKind::InvalidData, why),
    }
}

impl fmt::Display for Passing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(answer) => answer.fmt(f),
            Self::Cut(why) | Self::Unreachable(why) => f.write_str(why),
        }
    }
}
