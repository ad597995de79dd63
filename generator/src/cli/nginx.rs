//! `rackgen nginx`

use std::env;
use std::fs;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Format, Outcome, print_json, print_line};
use crate::commit::durable;
use crate::config::SharedArgs;
use crate::error::{At, Result};
use crate::nginx::{Includes, Instance, Server, Site};
use crate::rate::RateArgs;
use crate::users;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  rackgen nginx --listen 80 --daemon 127.0.0.1:8080 > registry.conf && nginx -c $PWD/registry.conf
  rackgen nginx --daemon 127.0.0.1:8080 --include /etc/nginx/rack     two files, to be included
  rackgen nginx --listen 8000              a mirror: reads only")]
pub(super) struct Args {
    /// Where nginx listens: a port, or an address with one [default: 80, with a certificate 443]
    #[arg(long, env = "RACK_NGINX_LISTEN", value_name = "ADDR", value_parser = listen)]
    listen: Option<String>,
    /// A certificate, with those above it: TLS and HTTP/2
    #[arg(long, env = "RACK_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key
    #[arg(long, env = "RACK_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Where rackd listens; without it nginx only reads, and what is gated stays shut
    #[arg(long, env = "RACK_DAEMON", value_name = "ADDR", value_parser = daemon)]
    daemon: Option<SocketAddr>,
    /// How many worker processes [default: one for each core]
    #[arg(long, env = "RACK_WORKERS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    /// Who the workers are, where nginx starts as root [default: www-data for root]
    #[arg(long, env = "RACK_USER", value_name = "USER", value_parser = user)]
    user: Option<String>,
    /// Write the two files for an nginx that exists already: INSTANCE-http.conf and INSTANCE-server.conf
    #[arg(long, env = "RACK_INCLUDE", value_name = "DIR", conflicts_with_all = ["listen", "tls_cert", "workers", "user"])]
    include: Option<PathBuf>,
    /// What the names in it begin with, so that several registries share one nginx
    #[arg(
        long,
        env = "RACK_INSTANCE",
        value_name = "NAME",
        default_value = "main"
    )]
    instance: Instance,
    /// Where the pid, temporary files and cached verdicts are; those hold tokens, so in memory
    /// [default: /run for root, else $XDG_RUNTIME_DIR, else the state folder]
    #[arg(long, env = "RACK_RUN", value_name = "DIR")]
    run: Option<PathBuf>,
    /// Where the logs are [default: /var/log/nginx for root, else as --run]
    #[arg(long, env = "RACK_LOGS", value_name = "DIR")]
    logs: Option<PathBuf>,
    #[command(flatten)]
    rates: RateArgs,
    #[command(flatten)]
    shared: SharedArgs,
}

pub(super) fn run(args: Args, format: Format) -> Result<Outcome> {
    let (settings, file) = args.shared.resolve()?;
    let is_root = rustix::process::geteuid().is_root();
    let run = args.run.unwrap_or_else(|| match is_root {
        true => "/run".into(),
        false => env::var_os("XDG_RUNTIME_DIR")
            .map(PathBuf::from)
            .filter(|folder| folder.is_dir())
            .unwrap_or_else(|| settings.folders.state.clone()),
    });
    let logs = args.logs.unwrap_or_else(|| match is_root {
        true => "/var/log/nginx".into(),
        false => run.clone(),
    });
    let site = Site {
        public: absolute(&settings.folders.public)?,
        private: absolute(&settings.folders.private)?,
        encodings: settings.outputs.encodings,
        rates: args.rates.resolve(&file),
        upload_time: file.limits.max_time(),
        head_time: file.limits.head_time(),
        daemon: args.daemon,
        public_url: settings.public_url,
        run: absolute(&run)?,
        logs: absolute(&logs)?,
        instance: args.instance,
    };
    if args.daemon.is_some() && file.trust_proxy.unwrap_or(0) == 0 {
        anstream::eprintln!(
            "note: rackd needs `trust_proxy = 1` behind nginx (or --trust-proxy 1); \
             else all clients share one rate limit"
        );
    }
    if let Some(folder) = args.include {
        return include(&site, &folder, format);
    }
    let tls = match args.tls_cert.zip(args.tls_key) {
        Some((cert, key)) => Some((absolute(&cert)?, absolute(&key)?)),
        None => None,
    };
    let user = args.user.or_else(|| is_root.then(|| "www-data".into()));
    if let (Some(user), Some(_)) = (&user, site.daemon)
        && let Some(barred) = users::barred_at(user, &site.private)
        && let Ok(metadata) = fs::metadata(&barred)
    {
        anstream::eprintln!(
            "note: the workers of this nginx are `{user}`, who may not enter {} ({}), so gated reads answer 500; put \
             that user into a group that may, or name another one with --user",
            barred.display(),
            users::owner_and_mode(&metadata)
        );
    }
    let text = site.whole(&Server {
        listen: args.listen.unwrap_or_else(|| match tls {
            Some(_) => "443".into(),
            None => "80".into(),
        }),
        tls,
        workers: args
            .workers
            .map_or("auto".into(), |count| count.to_string()),
        user,
    })?;
    match format {
        Format::Json => print_json(&json!({ "nginx.conf": text }))?,
        Format::Text => print_line(text.trim_end())?,
    }
    Ok(Outcome::Done)
}

fn include(site: &Site, folder: &Path, format: Format) -> Result<Outcome> {
    let Includes { http, server } = site.includes()?;
    fs::create_dir_all(folder).at("create", folder)?;
    let folder = absolute(folder)?;
    let path = |part: &str| folder.join(format!("{}-{part}.conf", site.instance));
    let (http_path, server_path) = (path("http"), path("server"));
    durable::replace(&http_path, http.as_bytes(), 0o644)?;
    durable::replace(&server_path, server.as_bytes(), 0o644)?;
    match format {
        Format::Json => print_json(&json!({ "http": http_path, "server": server_path }))?,
        Format::Text => print_line(format_args!(
            "Written; nginx takes them in with\n  http {{ … include {}; }}\n  server {{ … include {}; }}",
            http_path.display(),
            server_path.display()
        ))?,
    }
    Ok(Outcome::Done)
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).at("resolve", path)
}

/// A port, or an address with a port.
fn listen(text: &str) -> Result<String, String> {
    let is_port = text.parse::<u16>().is_ok_and(|port| port > 0);
    let is_address = text.parse::<SocketAddr>().is_ok();
    match is_port || is_address {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "`{text}` is no place to listen at; give a port (80) or an address with one (127.0.0.1:8000, [::]:80)"
        )),
    }
}

/// The daemon's address, looked up now: nginx would look up a name once, too.
fn daemon(text: &str) -> Result<SocketAddr, String> {
    let text = text.strip_prefix("http://").unwrap_or(text);
    let mut found = text.to_socket_addrs().ok().into_iter().flatten();
    found.find(|address| address.port() > 0).ok_or_else(|| {
        format!("`{text}` is no address of a daemon; give a host and a port (127.0.0.1:8080)")
    })
}

/// The name of a user.
fn user(text: &str) -> Result<String, String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    match !text.is_empty() && text.bytes().all(fits) {
        true => Ok(text.to_owned()),
        false => Err(format!("`{text}` is no name of a user")),
    }
}
