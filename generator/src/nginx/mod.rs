//! The configuration of an nginx that gives the answers of protocol.md from the trees.
//!
//! Text only: templates of `nginx/` in the repository (built in), filled from the key type, the media types and the
//! error codes, so that nothing of the protocol stands here twice. Where files go is the command line's.

mod errors;
mod grammar;
mod routes;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use crate::coding::{Coding, Encodings};
use crate::commit::apply::OPEN_FILE_TIME;
use crate::error::{Error, Result};
use crate::error_code::ErrorCode;
use crate::model::MediaType;
use crate::model::media_type::TABLE;
use crate::public_url::PublicUrl;
use crate::rate::Rates;
use errors::Answer;
use routes::{Class, Route, classes, routes};

const TEMPLATES: [(&str, &str); 3] = [
    (
        "nginx.conf.j2",
        include_str!("../../../nginx/nginx.conf.j2"),
    ),
    ("http.conf.j2", include_str!("../../../nginx/http.conf.j2")),
    (
        "server.conf.j2",
        include_str!("../../../nginx/server.conf.j2"),
    ),
];

/// The daemon gives up first: it says why.
const SLACK: Duration = Duration::from_secs(30);

/// A registry as nginx sees it.
#[derive(Debug, Clone)]
pub struct Site {
    /// What the names of this registry begin with, so that several share one nginx.
    pub instance: Instance,
    /// Absolute.
    pub public: PathBuf,
    /// Absolute.
    pub private: PathBuf,
    /// Which variants there are.
    pub encodings: Encodings,
    /// How much one client may ask for.
    pub rates: Rates,
    /// How long an upload may take to arrive.
    pub upload_time: Duration,
    /// How long the head of a request may take to arrive.
    pub head_time: Duration,
    /// Where `rackd` listens; none for a mirror, which only reads.
    pub daemon: Option<SocketAddr>,
    /// Where clients reach it.
    pub public_url: Option<PublicUrl>,
    /// Folder of the pid, of temporary files and of the verdicts, which hold tokens: in memory, if at all possible.
    pub run: PathBuf,
    /// Folder of the logs.
    pub logs: PathBuf,
}

/// What only a configuration of one's own has.
#[derive(Debug, Clone)]
pub struct Server {
    /// As `listen` takes it.
    pub listen: String,
    /// Certificate and key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// `auto`, or how many.
    pub workers: String,
    /// Who the workers are, where nginx starts as root.
    pub user: Option<String>,
}

/// A part of the names of nginx's variables: a lower-case letter, then such letters and digits, at most sixteen. Without
/// a `_`, so that no instance's names are another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance(String);

impl std::str::FromStr for Instance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // PCRE gives a named group thirty-two characters.
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        match (1..=16).contains(&text.len())
            && text.bytes().all(fits)
            && !text.starts_with(|c: char| c.is_ascii_digit())
        {
            true => Ok(Self(text.to_owned())),
            false => Err(format!(
                "`{text}` is no name for an instance: a letter, then letters and digits, lower case, \
                 at most sixteen"
            )),
        }
    }
}

impl std::fmt::Display for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The two files for an nginx that exists already.
#[derive(Debug, Clone)]
pub struct Includes {
    /// What belongs into `http`.
    pub http: String,
    /// What belongs into `server`.
    pub server: String,
}

impl Site {
    /// A whole configuration.
    ///
    /// # Errors
    /// A path that nginx cannot spell.
    pub fn whole(&self, server: &Server) -> Result<String> {
        let tls = match &server.tls {
            None => None,
            Some((cert, key)) => Some(Certificate {
                cert: quoted(cert)?,
                key: quoted(key)?,
            }),
        };
        let own = OwnServer {
            listen: &server.listen,
            tls,
            workers: &server.workers,
            user: server.user.as_deref(),
            server_name: self.public_url.as_ref().map_or("_", PublicUrl::host),
        };
        render("nginx.conf.j2", &self.names(Some(own))?)
    }

    /// What an nginx that exists already includes.
    ///
    /// # Errors
    /// A path that nginx cannot spell.
    pub fn includes(&self) -> Result<Includes> {
        let names = self.names(None)?;
        Ok(Includes {
            http: render("http.conf.j2", &names)?,
            server: render("server.conf.j2", &names)?,
        })
    }

    fn names<'a>(&'a self, server: Option<OwnServer<'a>>) -> Result<Names<'a>> {
        let prefix = self.public_url.as_ref().map_or("", PublicUrl::prefix);
        let prefix_re = prefix.replace('.', r"\.");
        let reads = self.rates.reads.a_minute().get();
        let writes = self.rates.writes.a_minute().get();
        Ok(Names {
            instance: &self.instance.0,
            prefix,
            prefix_re,
            trees: Trees {
                public: quoted(&self.public)?,
                private: quoted(&self.private)?,
            },
            codings: self.encodings.iter().map(Coding::as_str).collect(),
            reads,
            writes,
            daemon: self.daemon.map(|address| address.to_string()),
            head_seconds: self.head_time.as_secs(),
            patience: (self.upload_time + SLACK).as_secs(),
            open_seconds: OPEN_FILE_TIME.as_secs(),
            // Somebody else's nginx may have no more than 1,024 descriptors, ours gives itself more.
            open_files: if server.is_some() { 1000 } else { 100 },
            retry_after: 60u32.div_ceil(reads.min(writes)),
            run: quoted(&self.run)?,
            logs: quoted(&self.logs)?,
            namespace: grammar::namespace(),
            routes: routes(&self.instance),
            classes: classes(),
            media_types: TABLE.map(|(extension, media_type)| (extension, media_type.as_str())),
            default_type: MediaType::BYTES.as_str(),
            allowed_headers: ALLOWED_HEADERS,
            errors: errors::of(&self.instance, self.daemon),
            empty_namespace: Answer::new(
                ErrorCode::NamespaceNotFound,
                "nothing was published in this namespace yet",
            ),
            server,
        })
    }
}

/// All that the templates speak of; paths as they stand between double quotes.
#[derive(Debug, Serialize)]
struct Names<'a> {
    instance: &'a str,
    /// The path before `/registries`, and the same as a regular expression.
    prefix: &'a str,
    prefix_re: String,
    trees: Trees<'a>,
    /// The preferred first.
    codings: Vec<&'static str>,
    /// Requests a minute.
    reads: u32,
    writes: u32,
    daemon: Option<String>,
    /// Seconds.
    head_seconds: u64,
    patience: u64,
    open_seconds: u64,
    /// Files that stay open, in each of a few places.
    open_files: u32,
    /// Seconds, after a 429.
    retry_after: u32,
    run: &'a str,
    logs: &'a str,
    namespace: String,
    routes: Vec<Route>,
    classes: BTreeMap<&'static str, Class>,
    media_types: [(&'static str, &'static str); TABLE.len()],
    default_type: &'static str,
    allowed_headers: &'static str,
    errors: Vec<Answer>,
    /// Instead of a plain 404 where a namespace has nothing yet.
    empty_namespace: Answer,
    #[serde(flatten)]
    server: Option<OwnServer<'a>>,
}

#[derive(Debug, Serialize)]
struct Trees<'a> {
    public: &'a str,
    private: &'a str,
}

/// What only a configuration of one's own speaks of.
#[derive(Debug, Serialize)]
struct OwnServer<'a> {
    listen: &'a str,
    tls: Option<Certificate<'a>>,
    workers: &'a str,
    user: Option<&'a str>,
    server_name: &'a str,
}

#[derive(Debug, Serialize)]
struct Certificate<'a> {
    cert: &'a str,
    key: &'a str,
}

/// What a preflight request may announce, to nginx and to the daemon.
pub const ALLOWED_HEADERS: &str =
    "Authorization, X-Registry-Token, Content-Type, If-None-Match, If-Modified-Since";

/// A path as it can stand between double quotes.
fn quoted(path: &Path) -> Result<&str> {
    // A `$` is always a variable there, and nothing escapes it.
    let spells = |text: &&str| !text.contains(['$', '"', '\\', '\n', '\r']);
    path.to_str().filter(spells).ok_or_else(|| {
        Error::refused(
            path,
            "nginx cannot spell this path (`$`, quotes, a line end or no UTF-8); move the folder",
        )
    })
}

fn render(name: &str, names: &Names<'_>) -> Result<String> {
    let wrong = |fault: minijinja::Error| {
        // A template of ours that does not fit: each error names the one inside it.
        let mut chain = fault.to_string();
        let mut cause = std::error::Error::source(&fault);
        while let Some(inner) = cause {
            chain += &format!(": {inner}");
            cause = inner.source();
        }
        Error::refused(name, chain)
    };
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.set_auto_escape_callback(|_| AutoEscape::None);
    for (name, text) in TEMPLATES {
        templates.add_template(name, text).map_err(wrong)?;
    }
    let mut text = templates
        .get_template(name)
        .and_then(|template| template.render(Serde(names)))
        .map_err(wrong)?;
    text.push('\n');
    Ok(text)
}
