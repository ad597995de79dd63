//! The daemon's own settings beside the shared ones (interface.md, "rackd"). Read once, at the start.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
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
    #[arg(long, env = "RACK_READ_ONLY", value_parser = BoolishValueParser::new())]
    read_only: bool,
    /// How the log is written, text or json [default: text on a terminal, else json]
    #[arg(
        long,
        env = "RACK_LOG",
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    log: Option<LogFormat>,
    /// error, warn, info, debug or trace [default: info]
    #[arg(long, env = "RACK_LOG_LEVEL", value_name = "LEVEL")]
    log_level: Option<String>,
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
            read_only: self.read_only || file.read_only.unwrap_or(false),
            trust_proxy: setting(
                "trust_proxy",
                self.trust_proxy,
                "TRUST_PROXY",
                file.trust_proxy,
            )?
            .unwrap_or(0),
            webhook_source,
            webhook: file.webhook.clone(),
            rates: self.rates.resolve(&file)?,
            watchers: file.metrics.clone(),
            log: LogSettings {
                format: match (self.log, file.log) {
                    (Some(format), _) => Some(format),
                    (None, Some(word)) => {
                        Some(LogFormat::parse(&word).map_err(|why| Error::refused("log", why))?)
                    }
                    (None, None) => None,
                },
                level: setting("log_level", self.log_level, "LOG_LEVEL", file.log_level)?
                    .map_or(Ok(LevelFilter::INFO), |word| log::parse_level(&word))
                    .map_err(|why| Error::refused("log_level", why))?,
            },
        })
    }

    fn addresses(&self, file: &ConfigFile) -> Result<Vec<SocketAddr>> {
        let text = self
            .listen
            .clone()
            .or_else(legacy_listen)
            .or_else(|| file.listen.clone())
            .unwrap_or_else(|| "127.0.0.1:8080".into());
        std::net::ToSocketAddrs::to_socket_addrs(&text)
            .map(Iterator::collect)
            .map_err(|fault| {
                Error::refused(
                    "listen",
                    format!("`{text}` is no address to listen on: {fault}"),
                )
            })
    }
}

/// A flag, else a variable of the server that we replace, else the file.
fn setting<T: std::str::FromStr>(
    name: &str,
    flag: Option<T>,
    legacy: &str,
    file: Option<T>,
) -> Result<Option<T>> {
    if flag.is_some() {
        return Ok(flag);
    }
    match legacy_text(legacy) {
        Some(text) => text.parse().map(Some).map_err(|_| {
            Error::refused(name, format!("`{text}` (of {legacy}) is not what it takes"))
        }),
        None => Ok(file),
    }
}

/// What the server that we replace calls true is one proxy to us.
fn legacy_text(name: &str) -> Option<String> {
    let text = legacy_variable(name)?.into_string().ok()?;
    Some(match (name, &*text) {
        ("TRUST_PROXY", "true") => "1".into(),
        ("TRUST_PROXY", "false") => "0".into(),
        _ => text,
    })
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
        token => Ok(SecretHash::of(token)),
    }
}
