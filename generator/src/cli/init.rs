//! `rackgen init`

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Format, Outcome, print_json, print_line};
use crate::access::SecretHash;
use crate::admin_token;
use crate::error::{At, Error, Result};
use crate::folders::{Adoption, Folders, random_hex};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  rackgen init                             in this folder
  rackgen init my-registry                 in a folder of its own")]
pub(super) struct Args {
    /// Where the registry is to be
    #[arg(default_value = ".")]
    dir: PathBuf,
}

const CONFIG: &str = include_str!("init/rack.toml");
const ACCESS: &str = include_str!("init/access.json");
const EXAMPLE_MANIFEST: &str = include_str!("init/registry.json");
const EXAMPLE_FILE: &str = include_str!("init/editorconfig");

pub(super) fn run(args: &Args, format: Format) -> Result<Outcome> {
    let dir = &args.dir;
    fs::create_dir_all(dir).at("create", dir)?;
    let config = dir.join("rack.toml");
    if config.exists() {
        return Err(Error::refused(config, "there is a registry here already"));
    }
    let folders = Folders {
        source: dir.join("source"),
        public: dir.join("public"),
        private: dir.join("private"),
        state: dir.join("state"),
    };
    fs::create_dir_all(&folders.source).at("create", &folders.source)?;
    folders.check(Adoption::IfNew)?;

    let example = folders.source.join("@example/quality/editorconfig/1.0.0");
    write(&example.join("registry.json"), 0o644, EXAMPLE_MANIFEST)?;
    write(
        &example.join("templates/.editorconfig"),
        0o644,
        EXAMPLE_FILE,
    )?;
    // Tokens will be in it.
    write(&dir.join("access.json"), 0o600, ACCESS)?;
    let token = format!("rack_{}", random_hex::<24>()?);
    admin_token::keep(&folders.state, SecretHash::of(&token))?;
    // Last: it says that the rest is there.
    write(&config, 0o644, CONFIG)?;
    match format {
        Format::Json => print_json(&json!({"config": config, "admin_token": token}))?,
        Format::Text => print_welcome(dir, &config, &token)?,
    }
    Ok(Outcome::Done)
}

/// Writes a file that must not be there yet, with the folders above it.
fn write(path: &Path, mode: u32, text: &str) -> Result<()> {
    if path.exists() {
        return Err(Error::refused(
            path,
            "it is there already; nothing is overwritten",
        ));
    }
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).at("create", folder)?;
    let mut new = OpenOptions::new();
    let file = new.write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .at("write", path)
}

fn print_welcome(dir: &Path, config: &Path, token: &str) -> Result<()> {
    let bold = anstyle::Style::new().bold();
    print_line(format_args!(
        "\
A registry in {dir}, with an example item and these files to look at:
  rack.toml     where things are
  access.json   which namespaces there are, who may read and publish
  source/       the items; everything else can be made again from here

Admin token, shown once and kept as a hash only:
  {bold}{token}{bold:#}

Next:
  rackgen build --config {config}
  rackd --config {config}",
        dir = dir.display(),
        config = config.display(),
    ))
}
