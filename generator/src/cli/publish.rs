//! `rackgen publish`

use std::env;
use std::fs::{self, File};
use std::io::{self, Cursor, Read, Seek};
use std::path::{Path, PathBuf};

use serde_json::Value;
use ureq::{Agent, SendBody};

use super::progress::Progress;
use super::{Format, Outcome, pack, print_json, print_line};
use crate::client;
use crate::error::{At, Error, Result};
use crate::folders::random_hex;
use crate::hashing::Hashing;
use crate::model::Sha256;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  RACK_TOKEN=… rackgen publish my-item --url https://registry.example.com
  rackgen publish my-item-1.0.0.tar.gz --url http://127.0.0.1:8080 --token-file ~/.rack-token
  rackgen publish my-item --url https://registry.example.com --dry-run")]
pub(super) struct Args {
    /// A version's folder, or an archive
    path: PathBuf,
    /// The registry
    #[arg(long, env = "RACK_URL")]
    url: String,
    /// A file that holds the token; without it, the variable RACK_TOKEN does
    #[arg(long, value_name = "FILE", env = "RACK_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Ask the server for every check, and store nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &Args, format: Format) -> Result<Outcome> {
    let token = required_token(args.token_file.as_deref())?;
    let (archive, sha256) = archive(&args.path)?;
    let base = args.url.trim_end_matches('/');
    let query = if args.dry_run { "?dry_run=true" } else { "" };
    let url = format!("{base}/registries{query}");
    let Answer {
        status,
        document: answer,
    } = upload(&url, &token, archive, sha256)?;
    if !(200..300).contains(&status) {
        if format == Format::Json {
            print_json(&answer)?;
        }
        return Err(Error::refused(url, explain(status, &answer)));
    }
    let live = answer["path"]
        .as_str()
        .map(|path| format!("{base}/registries/{path}"))
        .unwrap_or_default();
    match format {
        Format::Json => print_json(&answer)?,
        Format::Text if args.dry_run => print_line(format_args!("would be published as {live}"))?,
        Format::Text => print_line(format_args!("published {live}"))?,
    }
    Ok(Outcome::Done)
}

/// The token, where nothing goes without one.
pub(super) fn required_token(file: Option<&Path>) -> Result<String> {
    token(file)?.ok_or_else(|| {
        Error::refused(
            "RACK_TOKEN",
            "no token: set this variable, or name a file with `--token-file`",
        )
    })
}

/// Never from a flag: command lines are for everyone to see.
pub(super) fn token(file: Option<&Path>) -> Result<Option<String>> {
    let token = match file {
        Some(path) => fs::read_to_string(path).at("read", path)?,
        None => env::var("RACK_TOKEN").unwrap_or_default(),
    };
    let token = token.trim();
    if !token.chars().all(|c| c.is_ascii_graphic()) {
        let from = file.unwrap_or("RACK_TOKEN".as_ref());
        let why = "this is no token: it holds more than letters, digits and signs of ASCII";
        return Err(Error::refused(from, why));
    }
    Ok((!token.is_empty()).then(|| token.to_owned()))
}

/// The archive to send, from its start, and its hash; a folder is packed into a temporary file.
fn archive(path: &Path) -> Result<(File, Sha256)> {
    if path.is_dir() {
        let checked = pack::check(path)?;
        let mut file = tempfile::tempfile().at("create", &env::temp_dir())?;
        let packed = pack::pack(&checked, &file, &env::temp_dir())?;
        file.rewind().at("read", path)?;
        return Ok((file, packed.sha256));
    }
    let mut file = File::open(path).at("open", path)?;
    let mut hashing = Hashing::new(io::sink());
    io::copy(&mut file, &mut hashing).at("read", path)?;
    file.rewind().at("read", path)?;
    Ok((file, hashing.finish().sha256))
}

/// What a registry said.
struct Answer {
    status: u16,
    document: Value,
}

/// Sends the archive.
fn upload(url: &str, token: &str, archive: File, sha256: Sha256) -> Result<Answer> {
    let refused = |why: String| Error::refused(url, why);
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
    let agent: Agent = client::config().build().into();
    let mut answer = agent
        .post(url)
        .header("authorization", format!("Bearer {token}"))
        .header(
            "content-type",
            format!("multipart/form-data; boundary={boundary}"),
        )
        .header("content-length", all.to_string())
        .send(SendBody::from_reader(&mut body))
        .map_err(|fault| refused(format!("the registry cannot be reached: {fault}")))?;
    drop(body);
    let status = answer.status().as_u16();
    let text = answer.body_mut().read_to_string().unwrap_or_default();
    let document = serde_json::from_str(&text).unwrap_or_default();
    Ok(Answer { status, document })
}

/// What the registry said, every fault of a manifest on a line of its own.
pub(super) fn explain(status: u16, document: &Value) -> String {
    let text = |key: &str| document[key].as_str().unwrap_or_default();
    let mut words = format!("{status} {}: {}", text("code"), text("message"));
    for fault in document["errors"].as_array().into_iter().flatten() {
        words += &format!(
            "\n  registry.json:{}:{}: {}",
            fault["line"],
            fault["column"],
            fault["message"].as_str().unwrap_or_default()
        );
    }
    words
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
