//! One walk of a folder, for all that can only be seen file by file: owners, modes, times, mounts inside.

use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use walkdir::WalkDir;

use super::{Finding, clock};
use crate::error::{At, Error};
use crate::users::{self, mode};

const CHECK: &str = "files";

/// Whether a web server may have to read it: what is hidden in the root of a tree is ours, but for the variants.
fn is_served(path: &Path) -> bool {
    path.starts_with(".variants") || !path.as_os_str().as_encoded_bytes().starts_with(b".")
}

/// How many there are of something, and which was the first.
#[derive(Debug, Default)]
struct Sighting {
    count: usize,
    first: PathBuf,
}

impl Sighting {
    fn add(&mut self, path: &Path) {
        if self.count == 0 {
            self.first = path.to_owned();
        }
        self.count += 1;
    }

    /// Nothing, if there are none.
    fn named(&self) -> Option<String> {
        let first = self.first.display();
        match self.count {
            0 => None,
            1 => Some(first.to_string()),
            count => Some(format!("{count} files and folders, {first} and others,")),
        }
    }
}

/// What a walk saw.
#[derive(Debug, Default)]
pub(super) struct Survey {
    files: usize,
    unreadable: Vec<String>,
    strangers: Sighting,
    owner: u32,
    closed: Sighting,
    future: Sighting,
    mounts: Sighting,
}

impl Survey {
    /// Walks a folder.
    pub(super) fn of(folder: &Path, now: Timestamp) -> Self {
        let mut survey = Self::default();
        let Ok(root) = folder.metadata() else {
            return survey;
        };
        survey.owner = root.uid();
        for entry in WalkDir::new(folder).follow_root_links(true) {
            match entry.at("read", folder) {
                // Gone since its folder was read.
                Err(Error::Io { cause, .. }) if cause.kind() == ErrorKind::NotFound => {}
                Err(error) => survey.unreadable.push(error.to_string()),
                Ok(entry) => {
                    let Ok(metadata) = entry.metadata() else {
                        continue;
                    };
                    survey.files += usize::from(metadata.is_file());
                    let is_served =
                        is_served(entry.path().strip_prefix(folder).unwrap_or(Path::new("")));
                    survey.look(entry.path(), &metadata, &root, is_served, now);
                }
            }
        }
        survey
    }

    fn look(
        &mut self,
        path: &Path,
        metadata: &Metadata,
        root: &Metadata,
        is_served: bool,
        now: Timestamp,
    ) {
        if metadata.uid() != root.uid() {
            self.strangers.add(path);
        }
        if metadata.dev() != root.dev() {
            self.mounts.add(path);
        }
        let needed = match metadata.is_dir() {
            true => 0o005,
            false => 0o004,
        };
        if is_served && mode(metadata) & needed != needed {
            self.closed.add(path);
        }
        if clock::is_ahead(metadata.mtime(), now) {
            self.future.add(path);
        }
    }

    /// What is to be said of it.
    pub(super) fn check(&self, name: &str, folder: &Path) -> Vec<Finding> {
        let at = format!("{name} folder {}", folder.display());
        let fault = |says: String| Finding::fault(CHECK, format!("{at}: {says}"));
        let warning = |check, says: String| Finding::warning(check, format!("{at}: {says}"));
        let unreadable = self.unreadable.first().map(|first| {
            let count = self.unreadable.len();
            fault(format!(
                "{count} folders cannot be read ({first}); run this as their owner, or give them to the user that \
                 rackd runs as"
            ))
        });
        let mounts = self.mounts.named().map(|which| {
            fault(format!(
                "{which} is on another file system, where nothing can be renamed to from `.staging`; mount the folder \
                 as a whole"
            ))
        });
        let strangers = self.strangers.named().map(|which| {
            let owner = users::name("/etc/passwd", self.owner);
            warning(
                CHECK,
                format!(
                    "{which} belongs to another user than {owner}; was rackgen run as root? chown -R {owner} {}",
                    folder.display()
                ),
            )
        });
        let closed = self.closed.named().filter(|_| name == "public");
        let closed = closed.map(|which| {
            let says = "is closed to other users, and so to most web servers; `rackgen build --full` opens it";
            warning(CHECK, format!("{which} {says}"))
        });
        let future = self.future.named().map(|which| {
            let says = "is dated in the future; is the clock right, or was it wrong?";
            warning(clock::CHECK, format!("{which} {says}"))
        });
        let all = [unreadable, mounts, strangers, closed, future];
        let mut findings: Vec<_> = all.into_iter().flatten().collect();
        if findings.is_empty() {
            let says = format!(
                "{at}: files: {}; all can be read, and have one owner",
                self.files
            );
            findings.push(Finding::ok(CHECK, says));
        }
        findings
    }
}
