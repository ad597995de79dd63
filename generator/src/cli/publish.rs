//! `rackgen publish`

mod refusal;

use std::env;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use clap::builder::BoolishValueParser;
use serde_json::json;
use ureq::http::Response;
use ureq::{Body, SendBody};

use super::progress::Progress;
use super::{Format, Outcome, excerpt, pack, print_json, print_line, server};
use crate::client::answer::Answer;
use crate::client::{Client, Passing};
use crate::error::{At, Error, Result};
use crate::folders::random_hex;
use crate::hashing;
use crate::model::{ReleaseId, Sha256};
use crate::plan::key::PublicKey;
use crate::public_url::PublicUrl;

/// A cache that has an older answer keeps it for a minute.
const WAIT: Duration = Duration::from_secs(120);

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  RACK_TOKEN=… rackgen publish my-item --url https://registry.example.com
  rackgen publish my-item-1.0.0.tar.gz --url http://127.0.0.1:8080 --token-file ~/.rack-token
  rackgen publish my-item --url https://registry.example.com --dry-run
  rackgen publish my-item --url https://registry.example.com --skip-existing --wait    in a CI")]
pub(super) struct Args {
    /// A version's folder, or an archive
    path: PathBuf,
    /// The registry
    #[arg(long, env = "RACK_URL")]
    url: PublicUrl,
    /// A file that holds the token; without it, the variable RACK_TOKEN does
    #[arg(long, value_name = "FILE", env = "RACK_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Ask the server for every check, and store nothing
    #[arg(long, env = "RACK_DRY_RUN", value_parser = BoolishValueParser::new())]
    dry_run: bool,
    /// A version that is there with the same content is a success
    #[arg(long)]
    skip_existing: bool,
    /// Wait until the version can be read at `--url`, for two minutes at most
    #[arg(long, conflicts_with = "dry_run")]
    wait: bool,
}

pub(super) fn run(args: &Args, format: Format) -> Result<Outcome> {
    let client = server::client(&args.url, args.token_file.as_deref())?;
    let (archive, sha256, release) = archive(&args.path)?;
    let query = if args.dry_run { "?dry_run=true" } else { "" };
    let url = format!("{}/registries{query}", args.url);
    let mut tries = 0;
    let answer = server::ask(&client, &url, || {
        tries += 1;
        upload(&client, &url, &archive, sha256)
    })?;
    // What the first of several tries did, the next one finds.
    let may_be_there = args.skip_existing || tries > 1;
    let outcome = match (answer.status, answer.document["identical"].as_bool()) {
        (200, _) if args.dry_run => "checked",
        (201, _) if !args.dry_run => "created",
        (409, Some(true)) if may_be_there => "identical",
        (200..300, _) => return Err(server::no_registry(&url)),
        _ => return Err(refused(args, url, &answer, format)),
    };
    let path = answer.document["path"].as_str().unwrap_or_default();
    let key = match format!("/registries/{path}").parse() {
        Ok(PublicKey::Manifest(id)) if release.is_none_or(|sent| sent == id) => {
            PublicKey::Manifest(id)
        }
        _ => return Err(server::no_registry(&url)),
    };
    let live = format!("{}{key}", args.url);
    if args.wait {
        wait_until_readable(&client, &live)?;
    }
    match format {
        Format::Json => {
            let digest = &answer.document["digest"];
            print_json(&json!({"url": live, "digest": digest, "outcome": outcome}))?;
        }
        Format::Text => {
            let words = match outcome {
                "checked" => "would be published as",
                "created" => "published",
                _ => "was there already, with the same content:",
            };
            print_line(format_args!("{words} {live}"))?;
        }
    }
    Ok(Outcome::Done)
}

/// The archive to send, from its start, and its hash; a folder is packed into a temporary file, and tells what it is.
fn archive(path: &Path) -> Result<(File, Sha256, Option<ReleaseId>)> {
    if path.is_dir() {
        let checked = pack::check(path)?;
        let mut file = tempfile::tempfile().at("create", &env::temp_dir())?;
        let packed = pack::pack(&checked, &file, &env::temp_dir())?;
        file.rewind().at("read", path)?;
        return Ok((file, packed.sha256, Some(packed.id)));
    }
    let mut file = File::open(path).at("open", path)?;
    let sent = hashing::read(&file).at("read", path)?;
    file.rewind().at("read", path)?;
    Ok((file, sent.sha256, None))
}

/// Sends the archive, from its start.
fn upload(
    client: &Client,
    url: &str,
    mut archive: &File,
    sha256: Sha256,
) -> Result<Result<Response<Body>, Passing>> {
    archive.rewind().at("read", Path::new("the archive"))?;
    let len = archive
        .metadata()
        .at("read", Path::new("the archive"))?
        .len();
    let boundary = format!("rackgen-{}", random_hex::<16>()?);
    let head = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"checksum\"\r\n\r\n{sha256}\r\n\
         --{boundary}\r\ncontent-disposition: form-data; name=\"package\"; filename=\"package.tar\"\r\n\
         content-type: application/octet-stream\r\n\r\n"
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let all = head.len() as u64 + len + tail.len() as u64;
    let mut body = Watched {
        from: Cursor::new(head).chain(archive).chain(Cursor::new(tail)),
        progress: Progress::of_bytes(),
        all,
    };
    let form = format!("multipart/form-data; boundary={boundary}");
    let request = client
        .request("POST", url)
        .header("content-type", form)
        .header("content-length", all);
    client.ask(request, SendBody::from_reader(&mut body))
}

/// Asks for the manifest until it is there.
fn wait_until_readable(client: &Client, url: &str) -> Result<()> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(100);
    loop {
        let why = match client.ask(client.request("GET", url), ())? {
            Ok(answer) if answer.status() == 200 => return Ok(()),
            Ok(mut answer) => {
                let answer = Answer::read(&mut answer);
                if answer.status != 404 {
                    return Err(Error::refused(url, answer));
                }
                answer.to_string()
            }
            Err(passing) => passing.to_string(),
        };
        if start.elapsed() > WAIT {
            let why = format!(
                "it is published, but cannot be read here after {} s: {why}",
                WAIT.as_secs()
            );
            return Err(Error::refused(url, why));
        }
        if pause < Duration::from_secs(2) {
            pause *= 2;
            anstream::eprintln!("{url}: waiting until it can be read: {why}");
        }
        thread::sleep(pause);
    }
}

/// What the registry said, and what it found in the package as `rackgen check` would show it.
fn refused(args: &Args, url: String, answer: &Answer, format: Format) -> Error {
    match format {
        // Its problems are in it.
        Format::Json => {
            if let Err(error) = print_json(&answer.document) {
                return error;
            }
        }
        Format::Text => excerpt::print(&refusal::findings(&args.path, &answer.document)),
    }
    Error::refused(url, answer)
}

/// Shows how far the upload is.
struct Watched<R> {
    from: R,
    progress: Progress,
    all: u64,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        self.progress.advance(read as u64, self.all);
        Ok(read)
    }
}
