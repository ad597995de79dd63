//! Where `webhooks.json` is, and what it means that there is none. What stands in it is `config`'s.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::address::Reach;
use super::shelves::Shelf;
use super::{Shelves, Spool, Webhooks};
use crate::error::{At, Error, Result};

/// What stands in a file by which nobody is told, on purpose.
const NOBODY: &str = "`{\"webhooks\":[]}`";

/// Where the endpoints stand.
#[derive(Debug, Clone)]
pub struct WebhookSource {
    /// The file; there may be none.
    pub path: PathBuf,
    /// Whether somebody named it, and means that there is one.
    pub is_named: bool,
    /// How far its URLs may lead.
    pub reach: Reach,
}

impl WebhookSource {
    /// What to say where there is no file, which may be on purpose and may lie elsewhere; else nothing.
    pub fn absence(&self) -> Option<String> {
        let is_there = self.path.symlink_metadata().is_ok();
        let path = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        (!is_there).then(|| {
            format!(
                "there is no {}, so nobody is told; `webhooks` in rack.toml or `--webhooks` names another file",
                path.display()
            )
        })
    }

    /// That there is no file though somebody named one, or though something waits in this state folder for those whom it
    /// names; else nothing.
    pub fn missed(&self, state: &Path) -> Result<Option<String>> {
        if self.path.exists() {
            return Ok(None);
        }
        let path = self.path.display();
        let announced = Spool::of(state).map_or(Ok(Vec::new()), |spool| spool.outbox())?;
        let waiting = announced.len() + Shelves::of(state).list(Shelf::Pending)?.len();
        Ok(match waiting {
            0 if !self.is_named => None,
            0 => Some(format!(
                "{path}: there is no such file, so nobody is told of anything; put one there, with {NOBODY} in it if that \
                 is meant"
            )),
            _ => Some(format!(
                "{path}: there is no such file, and {waiting} deliveries wait, which nobody makes until it is back; \
                 {NOBODY} in it gives them up"
            )),
        })
    }

    /// That there is no file any more, though somebody is told by it.
    pub fn lost(&self) -> Error {
        let why = format!(
            "there is no such file any more; its endpoints stay in force, and {NOBODY} in it is how nobody is told"
        );
        Error::refused(&self.path, why)
    }

    /// The endpoints as they stand now; nothing where there is no file.
    ///
    /// # Errors
    /// A file with any fault: who is told of nothing is to hear of that.
    pub fn load(&self) -> Result<Option<Webhooks>> {
        match fs::read(&self.path) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
            read => Webhooks::parse(&read.at("read", &self.path)?, self.reach)
                .map(Some)
                .map_err(|why| Error::refused(&self.path, why)),
        }
    }
}
