//! Which names an archive has used, and as what: where two entries would meet on some file system, the
//! archive is refused. Names only; nothing is written here.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::{ArchiveFault, Reason};
use crate::model::FilePath;

/// The names that an archive has used so far.
pub(super) struct Layout {
    /// By lower-case path, since macOS and Windows take `A` and `a` for one. The package's own folder is
    /// the empty path.
    names: BTreeMap<String, Name>,
    max_entries: u64,
}

struct Name {
    spelling: Box<str>,
    role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    File,
    /// A folder with an entry of its own.
    Folder,
    /// A folder that is only known from paths through it.
    Implied,
}

impl Layout {
    pub(super) fn new(max_entries: u64) -> Self {
        Self {
            names: BTreeMap::new(),
            max_entries,
        }
    }

    /// Takes note of a file.
    pub(super) fn add_file(&mut self, path: &FilePath) -> Result<(), ArchiveFault> {
        self.add_below(path.as_str(), Role::File)
    }

    /// Takes note of a folder; `None` is the package's own.
    pub(super) fn add_folder(&mut self, path: Option<&FilePath>) -> Result<(), ArchiveFault> {
        self.add_below(path.map_or("", FilePath::as_str), Role::Folder)
    }

    /// The folder that holds everything, if there is exactly one thing at the top and it is a folder.
    pub(super) fn only_folder(&self) -> Option<&str> {
        let mut top = self
            .names
            .values()
            .filter(|name| !name.spelling.is_empty() && !name.spelling.contains('/'));
        match (top.next(), top.next()) {
            (Some(name), None) if name.role != Role::File => Some(&name.spelling),
            _ => None,
        }
    }

    fn add_below(&mut self, path: &str, role: Role) -> Result<(), ArchiveFault> {
        for (end, _) in path.match_indices('/') {
            self.add(&path[..end], Role::Implied)?;
        }
        self.add(path, role)
    }

    fn add(&mut self, path: &str, role: Role) -> Result<(), ArchiveFault> {
        let is_full = self.names.len() as u64 >= self.max_entries;
        match self.names.entry(path.to_ascii_lowercase()) {
            Entry::Occupied(mut there) => there
                .get_mut()
                .meet(path, role)
                .map_err(|fault| fault.at(path.as_bytes())),
            Entry::Vacant(_) if is_full => {
                let problem = format!("holds more than {} files and folders", self.max_entries);
                Err(Reason::ExpandsTooFar.fault(problem))
            }
            Entry::Vacant(free) => {
                free.insert(Name {
                    spelling: path.into(),
                    role,
                });
                Ok(())
            }
        }
    }
}

impl Name {
    /// The same name once more: fine for a folder, as long as no more than one entry is that folder.
    fn meet(&mut self, path: &str, role: Role) -> Result<(), ArchiveFault> {
        if *self.spelling != *path {
            let problem = format!(
                "differs from `{}` only in upper and lower case",
                self.spelling
            );
            return Err(Reason::PathCollision.fault(problem));
        }
        match (self.role, role) {
            (Role::Folder | Role::Implied, Role::Implied) => Ok(()),
            (Role::Implied, Role::Folder) => {
                self.role = Role::Folder;
                Ok(())
            }
            (Role::File, Role::File) | (Role::Folder, Role::Folder) => {
                Err(Reason::PathCollision.fault("is in the archive twice"))
            }
            _ => Err(Reason::PathCollision.fault("is a file and a folder at once")),
        }
    }
}
