//! The four folders of a registry and the id that keeps them together (interface.md, "Shared settings").

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::commit::durable;
use crate::error::{At, Error, Result};
use crate::lock::LOCK_FILE;
use crate::model::Audience;

/// Where a registry's folders are.
#[derive(Debug, Clone)]
pub struct Folders {
    /// The source tree: the only truth.
    pub source: PathBuf,
    /// The public tree.
    pub public: PathBuf,
    /// The private tree.
    pub private: PathBuf,
    /// The record of the last build, intents, keys.
    pub state: PathBuf,
}

/// Where in the state folder the publishes stand that are not finished. They are the daemon's.
pub fn intents(state: &Path) -> PathBuf {
    state.join("intents")
}

/// What an admin says about a source tree that carries no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adoption {
    /// Only a new state folder may take it.
    IfNew,
    /// Take it (`--adopt`).
    Always,
}

/// Folders that were found to belong together.
#[derive(Debug, Clone)]
pub struct Checked {
    folders: Folders,
    /// The registry's.
    id: String,
}

/// Tells one output folder from another that later stood at the same place: random, made with its marker.
pub type Instance = String;

impl Checked {
    /// The registry's id, which all four carry.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether the source tree is still the one that was checked.
    ///
    /// # Errors
    /// As [`require_source`].
    pub fn require_source(&self) -> Result<()> {
        require_source(&self.source, &self.id)
    }

    /// Which folder the tree of this audience is now: it may be another than when they were checked.
    pub fn instance(&self, audience: Audience) -> Result<Instance> {
        let tree = self.folders.tree(audience);
        match read_marker(tree)? {
            Some(marker) if marker.id == self.id => Ok(marker.instance),
            _ => Err(Error::refused(
                tree,
                "it lost its `.rack-id` while this program runs: is it mounted? `rackgen build` makes a lost tree anew",
            )),
        }
    }
}

impl std::ops::Deref for Checked {
    type Target = Folders;

    fn deref(&self) -> &Folders {
        &self.folders
    }
}

/// Whether a source tree is still the one of this id: an empty folder where one was mounted is no empty registry.
///
/// # Errors
/// [`Error::Displaced`]: there is another folder in its place, or none.
pub fn require_source(source: &Path, id: &str) -> Result<()> {
    let why = match read_marker(source)? {
        Some(marker) if marker.id == id => return Ok(()),
        Some(_) => "its `.rack-id` is that of another registry",
        None => "its `.rack-id` is gone",
    };
    Err(Error::Displaced {
        path: source.to_owned(),
        why,
    })
}

const MARKER: &str = ".rack-id";
const FORMAT: u32 = 1;

/// What the marker file of a folder holds.
#[derive(Serialize, Deserialize)]
pub(crate) struct Marker {
    format: u32,
    /// The registry's, the same in all four.
    pub(crate) id: String,
    /// What the folder is: `source`, `public` and so on.
    pub(crate) folder: String,
    /// This folder's own.
    instance: Instance,
}

impl Marker {
    /// What is wrong with a folder of this registry that is taken for another one of it.
    pub(crate) fn says_otherwise(&self) -> String {
        format!(
            "is the registry's {} folder; were two of them swapped?",
            self.folder
        )
    }
}

impl Folders {
    /// Makes the output folders where they are missing, and checks or writes the id of all four.
    ///
    /// # Errors
    /// A source that is not there, folders inside each other or swapped, another registry's folder, an output folder
    /// that holds something else.
    pub fn check(&self, adoption: Adoption) -> Result<Checked> {
        fs::metadata(&self.source).at("read the source tree", &self.source)?;
        // Before anything is made, as they are written; and again as they really are.
        self.map(|path| std::path::absolute(path).at("resolve", path))?
            .refuse_nesting()?;
        for (folder, mode) in [
            (&self.public, 0o755),
            (&self.private, 0o750),
            (&self.state, 0o700),
        ] {
            if !folder.exists() {
                fs::create_dir_all(folder).at("create", folder)?;
                let mode = fs::Permissions::from_mode(mode);
                fs::set_permissions(folder, mode).at("set the mode of", folder)?;
            }
        }
        let folders = self.map(|path| path.canonicalize().at("resolve", path))?;
        folders.refuse_nesting()?;
        let id = folders.settle_markers(adoption)?;
        Ok(Checked { folders, id })
    }

    /// The same for other paths to the four.
    pub(crate) fn map(&self, change: impl Fn(&Path) -> Result<PathBuf>) -> Result<Self> {
        Ok(Self {
            source: change(&self.source)?,
            public: change(&self.public)?,
            private: change(&self.private)?,
            state: change(&self.state)?,
        })
    }

    /// The tree of an audience.
    pub fn tree(&self, audience: Audience) -> &Path {
        match audience {
            Audience::Public => &self.public,
            Audience::Private => &self.private,
        }
    }

    /// All four, with what they are called.
    pub fn named(&self) -> [(&'static str, &Path); 4] {
        [
            ("source", &self.source),
            ("public", &self.public),
            ("private", &self.private),
            ("state", &self.state),
        ]
    }

    /// Refuses folders that lie inside each other.
    pub(crate) fn refuse_nesting(&self) -> Result<()> {
        for (outer_name, outer) in self.named() {
            for (name, path) in self.named() {
                if name != outer_name && path.starts_with(outer) {
                    return Err(Error::refused(
                        path,
                        format!(
                            "the {name} folder is inside the {outer_name} folder {}; they must lie side by side",
                            outer.display()
                        ),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Checks the markers and writes those that are missing; gives the id.
    fn settle_markers(&self, adoption: Adoption) -> Result<String> {
        let id = self.settle_id(adoption)?;
        for (name, folder) in self.named() {
            match read_marker(folder)? {
                Some(marker) if marker.id == id && marker.folder == name => {}
                Some(marker) if marker.id == id => {
                    return Err(Error::refused(
                        folder,
                        format!("it {}", marker.says_otherwise()),
                    ));
                }
                Some(_) => {
                    return Err(Error::refused(
                        folder,
                        format!(
                            "the {name} folder belongs to another registry (its `.rack-id` differs)"
                        ),
                    ));
                }
                None if name != "source" && !is_empty(folder)? => {
                    return Err(Error::refused(
                        folder,
                        format!(
                            "the {name} folder is not empty and not ours; give an empty or a new one"
                        ),
                    ));
                }
                None => write_marker(folder, name, &id)?,
            }
        }
        Ok(id)
    }

    /// The id that all four have or are to have.
    fn settle_id(&self, adoption: Adoption) -> Result<String> {
        match self.known_id(adoption)? {
            Some(id) => Ok(id),
            None => random_hex::<16>(),
        }
    }

    /// The id by which the source tree is known; none before its first build. Nothing is made or written.
    ///
    /// # Errors
    /// A source tree that is not that of the state folder.
    pub fn known_id(&self, adoption: Adoption) -> Result<Option<String>> {
        match (read_marker(&self.state)?, read_marker(&self.source)?) {
            (Some(state), Some(source)) if state.id == source.id => Ok(Some(state.id)),
            (Some(_), Some(_)) => Err(Error::refused(
                &self.state,
                format!(
                    "this state folder belongs to another registry than {}",
                    self.source.display()
                ),
            )),
            (Some(state), None) if adoption == Adoption::Always => Ok(Some(state.id)),
            (Some(_), None) => Err(Error::refused(
                &self.source,
                "the source tree lost its `.rack-id`: is it mounted? `--adopt` takes it as it is",
            )),
            (None, source) => Ok(source.map(|source| source.id)),
        }
    }
}

/// Empty but for what file systems and version control leave lying about, and a lock of ours.
pub(crate) fn is_empty(folder: &Path) -> Result<bool> {
    for entry in fs::read_dir(folder).at("read", folder)? {
        let name = entry.at("read", folder)?.file_name();
        if !["lost+found", ".gitignore", ".gitkeep", LOCK_FILE]
            .contains(&name.to_string_lossy().as_ref())
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What the marker of a folder says, if it has one.
pub(crate) fn read_marker(folder: &Path) -> Result<Option<Marker>> {
    let path = folder.join(MARKER);
    let text = match fs::read(&path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        read => read.at("read", &path)?,
    };
    match serde_json::from_slice::<Marker>(&text) {
        Ok(marker) if marker.format == FORMAT => Ok(Some(marker)),
        Ok(marker) => Err(Error::refused(
            path,
            format!(
                "format {} is newer than this program, which knows {FORMAT}",
                marker.format
            ),
        )),
        Err(_) => Err(Error::refused(path, "this is no `.rack-id` of ours")),
    }
}

fn write_marker(folder: &Path, name: &str, id: &str) -> Result<()> {
    let marker = Marker {
        format: FORMAT,
        id: id.to_owned(),
        folder: name.to_owned(),
        instance: random_hex::<8>()?,
    };
    let path = folder.join(MARKER);
    let mut text = serde_json::to_vec(&marker).at("write", &path)?;
    text.push(b'\n');
    durable::replace(&path, &text, 0o644)
}

/// `N` bytes from the system's source of randomness, in hex.
pub fn random_hex<const N: usize>() -> Result<String> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|fault| Error::refused("/dev/urandom", fault))?;
    Ok(hex::encode(bytes))
}
