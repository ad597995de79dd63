//! The daemon's own settings beside the shared ones (interface.md, "rackd"). Read once, at the start.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use clap::Parser;
use clap::builder::BoolishValueParser;
use rackgen::access::{Access, SecretHash};
use rackgen::admin_token;
use rackgen::build::Registry;
use rackgen::config::{
    AccessSource, ConfigFile, Settings, SharedArgs, legacy_listen, legacy_variable,
};
use rackgen::error::{At, Error, Result};
use rackgen::folders::Adoption;
use rackgen::package::Limits;
use rackgen::rate::{RateArgs, Rates};
use rackgen::token::lifetime::Lifetime;
use rackgen::token::{Names, Tokens};
use rackgen::watchers::Watchers;
use rackgen::webhook::{DeliverySettings, WebhookSource};
use tracing_subscriber::filter::LevelFilter;

use crate::log::{self, LogFormat, LogSettings};

/// The upload daemon of a rackgen registry, with an embedded read server.
#[derive(Debug, Parser)]
#[command(
    name = "rackd",
    version,
    after_help = "\
Examples:
  rackd                                    with rack.toml of this folder
  rackd --config my-registry/rack.toml --listen 127.0.0.1:0
  rackd --config my-registry/rack.toml --check    before a restart, or as ExecStartPre= of systemd
  RACK_ADMIN_TOKEN=… rackd --source /srv/items --access /etc/rack/access.json"
)]
pub(crate) struct Args {
    /// Settles all settings, reads the access file and checks the folders, as a start would, and ends
    #[arg(long)]
    pub(crate) check: bool,
    /// Where to listen; port 0 picks one [default: 127.0.0.1:8080]
    #[arg(long, env = "RACK_LISTEN", value_name = "ADDR")]
    listen: Option<String>,
    /// Whether to answer reads from the trees [default: true]
    #[arg(long, env = "RACK_SERVE_READS", value_name = "BOOL", value_parser = BoolishValueParser::new())]
    serve_reads: Option<bool>,
    /// The largest archive that is taken [default: 100MiB]
    #[arg(long, env = "RACK_MAX_UPLOAD", value_name = "SIZE")]
    max_upload: Option<ByteSize>,
    /// How many proxies in front set X-Forwarded-For [default: 0]
    #[arg(long, env = "RACK_TRUST_PROXY", value_name = "N")]
    trust_proxy: Option<usize>,
    #[command(flatten)]
    rates: RateArgs,
    /// Writes answer 503, reads go on
    #[arg(long, env = "RACK_READ_ONLY", value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_missing_value = "true", value_parser = BoolishValueParser::new())]
    read_only: Option<bool>,
    /// How the log is written, text or json [default: text on a terminal, else json]
    #[arg(
        long,
        env = "RACK_LOG",
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    log: Option<LogFormat>,
    /// error, warn, info, debug or trace [default: info]
    #[arg(long, env = "RACK_LOG_LEVEL", value_name = "LEVEL", value_parser = log::parse_level)]
    log_level: Option<LevelFilter>,
    #[command(flatten)]
    shared: SharedArgs,
}

/// What the daemon runs with.
#[derive(Debug)]
pub(crate) struct DaemonSettings {
    pub(crate) listen: Vec<SocketAddr>,
    pub(crate) registry: Registry,
    pub(crate) access: Access,
    /// Where that came from, and may come from again.
    pub(crate) access_source: AccessSource,
    /// None: nobody is admin.
    pub(crate) admin: Option<SecretHash>,
    /// Those that were minted, as they stand at the start.
    pub(crate) tokens: Tokens,
    /// Who mints them, and for whom.
    pub(crate) token_names: Names,
    /// How long one may live.
    pub(crate) max_token_age: Lifetime,
    pub(crate) limits: Limits,
    pub(crate) max_upload: ByteSize,
    pub(crate) serve_reads: bool,
    pub(crate) read_only: bool,
    pub(crate) trust_proxy: usize,
    pub(crate) rates: Rates,
    pub(crate) watchers: Watchers,
    pub(crate) log: LogSettings,
    /// Where it stands who is told of changes.
    pub(crate) webhook_source: WebhookSource,
    pub(crate) webhook: DeliverySettings,
}

impl Args {
    /// Settles every setting, and opens the registry's folders.
    pub(crate) fn resolve(self) -> Result<DaemonSettings> {
        let (shared, file) = self.shared.clone().resolve()?;
        let Settings {
            folders,
            access: access_source,
            outputs,
            limits,
            audit,
            public_url,
            webhooks: webhook_source,
        } = shared;
        let access = access_source.load()?;
        // In force it comes when the folders are there; here it is judged.
        webhook_source.load()?;
        let folders = folders.check(Adoption::IfNew)?;
        let log_format = parsed("`log` of rack.toml", file.log.clone(), LogFormat::parse)?;
        let log_level = parsed(
            "`log_level` of rack.toml",
            file.log_level.clone(),
            log::parse_level,
        )?;
        let admin = admin_secret(&folders.state)?;
        let tokens = Tokens::load(&folders.state)?;
        let token_names = Names::of(folders.id(), public_url.as_ref());
        Ok(DaemonSettings {
            listen: self.addresses(&file)?,
            access,
            access_source,
            admin,
            tokens,
            token_names,
            max_token_age: file.max_token_age.clone().unwrap_or_default(),
            registry: Registry::new(folders, outputs, audit),
            limits,
            max_upload: self
                .max_upload
                .or(file.max_upload)
                .unwrap_or(ByteSize::mib(100)),
            serve_reads: self.serve_reads.or(file.serve_reads).unwrap_or(true),
            read_only: self.read_only.or(file.read_only).unwrap_or(false),
            trust_proxy: match self.trust_proxy {
                Some(count) => count,
                None => legacy("TRUST_PROXY", parse_trust)?
                    .or(file.trust_proxy)
                    .unwrap_or(0),
            },
            webhook_source,
            webhook: file.webhook.clone(),
            rates: self.rates.resolve(&file),
            watchers: file.metrics.clone(),
            log: LogSettings {
                format: self.log.or(log_format),
                level: match self.log_level {
                    Some(level) => level,
                    None => legacy("LOG_LEVEL", log::parse_level)?
                        .or(log_level)
                        .unwrap_or(LevelFilter::INFO),
                },
            },
        })
    }

    fn addresses(&self, file: &ConfigFile) -> Result<Vec<SocketAddr>> {
        let from = |name, text: Option<String>| text.map(|text| (name, text));
        let (name, text) = from("--listen or RACK_LISTEN", self.listen.clone())
            .or_else(|| from("HOST and PORT", legacy_listen()))
            .or_else(|| from("`listen` of rack.toml", file.listen.clone()))
            .unwrap_or_else(|| ("listen", "127.0.0.1:8080".into()));
        text.to_socket_addrs()
            .map(Iterator::collect)
            .map_err(|cause| {
                let why = match cause.kind() {
                    ErrorKind::InvalidInput => {
                        "it takes a host and a port, as 127.0.0.1:8080 or [::1]:8080".to_owned()
                    }
                    _ => cause.to_string(),
                };
                Error::refused(name, format!("`{text}` is no address to listen on: {why}"))
            })
    }
}

/// A variable of the server that we replace, if it is there.
fn legacy<T>(name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>> {
    let text = legacy_variable(name).map(|text| text.to_string_lossy().into_owned());
    parsed(name, text, parse)
}

/// A setting that is a text until here; the error names where it stands.
fn parsed<T>(
    name: &str,
    text: Option<String>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>> {
    text.map(|text| parse(&text))
        .transpose()
        .map_err(|why| Error::refused(name, why))
}

/// What the server that we replace calls true is one proxy to us.
fn parse_trust(text: &str) -> Result<usize, String> {
    match text {
        "true" => Ok(1),
        "false" => Ok(0),
        count => count.parse().map_err(|_| {
            format!("`{text}` is neither true nor false, nor how many proxies there are in front")
        }),
    }
}

/// The environment's admin token, else systemd's credential, else the hash that `rackgen init` kept.
fn admin_secret(state: &Path) -> Result<Option<SecretHash>> {
    for name in ["RACK_ADMIN_TOKEN", "ADMIN_TOKEN"] {
        if let Ok(token) = env::var(name) {
            return secret(name, &token).map(Some);
        }
    }
    match admin_credential()? {
        Some((path, token)) => secret(path, &token).map(Some),
        None => admin_token::kept(state),
    }
}

/// The file that `LoadCredential=admin-token` of a unit makes, if there is one, and what it holds.
fn admin_credential() -> Result<Option<(PathBuf, String)>> {
    let Some(folder) = env::var_os("CREDENTIALS_DIRECTORY") else {
        return Ok(None);
    };
    let path = Path::new(&folder).join("admin-token");
    match fs::read_to_string(&path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
        read => read.at("read", &path).map(|token| Some((path, token))),
    }
}

/// An empty one would let anyone in.
fn secret(origin: impl Into<PathBuf>, token: &str) -> Result<SecretHash> {
    // Trimmed as the header of a request is.
    match token.trim() {
        "" => Err(Error::refused(
            origin,
            "the admin token is empty; unset it or give it a value",
        )),
        // What a header can hold (RFC 9110, section 5.5).
        token if token.bytes().all(|byte| matches!(byte, b' '..=b'~')) => Ok(SecretHash::of(token)),
        _ => Err(Error::refused(
            origin,
            "nobody could send this admin token: it holds more than letters, digits and signs of ASCII",
        )),
    }
}
