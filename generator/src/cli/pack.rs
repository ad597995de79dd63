//! `rackgen pack`

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Format, Outcome, excerpt, print_json, print_line};
use crate::check::{CheckedFolder, check_folder};
use crate::error::{At, Error, Result};
use crate::hashing::Hashing;
use crate::model::{ReleaseId, Sha256};
use crate::package::{self, PackError};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  rackgen pack my-item                     writes <name>-<version>.tar.gz
  rackgen pack my-item -o /tmp/my-item.tar.gz")]
pub(super) struct Args {
    /// The version's folder, with its registry.json
    dir: PathBuf,
    /// Where the archive goes [default: <name>-<version>.tar.gz]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// An archive that was written.
pub(super) struct Packed {
    pub(super) id: ReleaseId,
    pub(super) sha256: Sha256,
}

pub(super) fn run(args: &Args, format: Format) -> Result<Outcome> {
    let checked = check(&args.dir)?;
    let output = args.output.clone().unwrap_or_else(|| {
        let name = checked.id.item.path.name();
        format!("{name}-{}.tar.gz", checked.id.version).into()
    });
    if output.as_os_str() == "-" {
        let why = "an archive is not written to standard output; name a file, or `./-`";
        return Err(Error::refused("--output", why));
    }
    let file = File::create(&output).at("create", &output)?;
    let packed = pack(&checked, file, &output)?;
    match format {
        Format::Json => print_json(&json!({
            "archive": output,
            "sha256": packed.sha256,
            "release": packed.id.to_string(),
        }))?,
        Format::Text => print_line(format_args!("{}  {}", packed.sha256, output.display()))?,
    }
    Ok(Outcome::Done)
}

/// Checks a version's folder; its problems stop a pack.
pub(super) fn check(dir: &Path) -> Result<CheckedFolder> {
    let (findings, checked) = check_folder(dir, None)?;
    checked.ok_or_else(|| {
        excerpt::print(&findings);
        Error::refused(dir, "this is no package yet; nothing was packed")
    })
}

/// Packs what the manifest declares, and `registry.json`, into a file that is called `name`.
pub(super) fn pack(checked: &CheckedFolder, to: impl Write, name: &Path) -> Result<Packed> {
    let mut to = Hashing::new(to);
    match package::pack(&checked.files, &mut to) {
        Ok(_) => Ok(Packed {
            id: checked.id.clone(),
            sha256: to.finish().sha256,
        }),
        Err(PackError::File { path, source }) => Err(source).at("pack", &path),
        Err(PackError::Archive(cause)) => Err(cause).at("write", name),
    }
}
