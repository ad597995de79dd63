//! Where deliveries are, in `webhooks/` of the state folder: one file each, which an admin reads with `cat`.
//!
//! The daemon alone writes deliveries. What somebody else wants of them is a request, a file too, so that nobody waits
//! for a lock and nothing is done twice at once.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

use super::standing::Standings;
use super::{Delivery, DeliveryId, EndpointId, Spool, file, spool};
use crate::commit::durable;
use crate::error::{Error, Result};

/// How many deliveries that arrived are remembered.
pub const HISTORY: usize = 1_000;

/// What became of a delivery so far, and where its file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// It waits for an attempt.
    Pending,
    /// It arrived.
    Delivered,
    /// It was given up, until somebody asks for it.
    Dead,
}

impl Shelf {
    /// All of them. A delivery that stands on two is on the first: a kill came between.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Dead, Self::Delivered];

    /// Its folder's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

/// What somebody asks the daemon for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// To make these deliveries again, from their first attempt on.
    Redeliver(Vec<DeliveryId>),
    /// To ping an endpoint now, by a delivery of this id.
    Ping {
        /// The delivery's.
        id: DeliveryId,
        /// The endpoint's.
        url: Url,
    },
    /// To tell an endpoint again that answered 410.
    Enable(EndpointId),
}

/// The deliveries of one registry.
#[derive(Debug, Clone)]
pub struct Shelves {
    folder: PathBuf,
}

impl Shelves {
    /// To look into: there may be none.
    pub fn of(state: &Path) -> Self {
        Self {
            folder: Spool::folder(state),
        }
    }

    /// To look into, beside what is announced.
    pub(super) fn of_spool(spool: &Spool) -> Self {
        Self {
            folder: spool.path().to_owned(),
        }
    }

    /// For the daemon: makes what is missing, and clears away what a kill left half-written.
    pub fn open(spool: &Spool) -> Result<Self> {
        let shelves = Self::of_spool(spool);
        durable::create_folder(&shelves.requests(), file::FOLDER_MODE)?;
        for shelf in Shelf::ALL {
            let folder = shelves.shelf(shelf);
            durable::create_folder(&folder, file::FOLDER_MODE)?;
            file::clear(&folder)?;
        }
        Ok(shelves)
    }

    /// The folder of requests.
    pub fn requests(&self) -> PathBuf {
        self.folder.join("requests")
    }

    fn shelf(&self, shelf: Shelf) -> PathBuf {
        self.folder.join(shelf.as_str())
    }

    /// Where a delivery's file is.
    pub fn path(&self, shelf: Shelf, id: &DeliveryId) -> PathBuf {
        self.shelf(shelf).join(format!("{id}.json"))
    }

    /// What is on a shelf. Files that are none of ours are left to whoever put them there.
    pub fn list(&self, shelf: Shelf) -> Result<Vec<DeliveryId>> {
        let id = |path: PathBuf| path.file_stem()?.to_str()?.parse().ok();
        Ok(spool::files(&self.shelf(shelf))?
            .into_iter()
            .filter_map(id)
            .collect())
    }

    /// A delivery, if it is on that shelf.
    pub fn read(&self, shelf: Shelf, id: &DeliveryId) -> Result<Option<Delivery>> {
        file::read(&self.path(shelf, id))
    }

    /// A delivery, wherever it is.
    pub fn find(&self, id: &DeliveryId) -> Result<Option<(Shelf, Delivery)>> {
        for shelf in Shelf::ALL {
            if let Some(delivery) = self.read(shelf, id)? {
                return Ok(Some((shelf, delivery)));
            }
        }
        Ok(None)
    }

    /// All deliveries that can be read, those last touched first. One that is asked for again meanwhile may be missing.
    pub fn all(&self) -> Result<Vec<(Shelf, Delivery)>> {
        let mut all = BTreeMap::new();
        for shelf in Shelf::ALL {
            for id in self.list(shelf)? {
                // After a power cut the history may hold a torn one.
                if let Ok(Some(delivery)) = self.read(shelf, &id) {
                    all.entry(id).or_insert((shelf, delivery));
                }
            }
        }
        let mut all: Vec<_> = all.into_values().collect();
        all.sort_by_key(|(_, delivery)| Reverse(delivery.touched()));
        Ok(all)
    }

    /// Whether a delivery is known that waits no more.
    pub fn is_over(&self, id: &DeliveryId) -> bool {
        [Shelf::Dead, Shelf::Delivered]
            .into_iter()
            .any(|shelf| self.path(shelf, id).exists())
    }

    /// Lets deliveries wait, so that these and all that waited before last: one barrier (limits.md, "Durability").
    pub fn admit(&self, deliveries: &[Delivery]) -> Result<()> {
        for delivery in deliveries {
            let path = self.path(Shelf::Pending, &delivery.id);
            durable::replace_unsynced(&path, &file::text(&path, delivery)?, file::MODE)?;
        }
        durable::sync_file_systems([&*self.shelf(Shelf::Pending)])
    }

    /// Lets a delivery that waits wait on, as it is now.
    pub fn keep(&self, delivery: &Delivery) -> Result<()> {
        file::write(&self.path(Shelf::Pending, &delivery.id), delivery)
    }

    /// Takes note that a delivery arrived. A power cut may bring it back, and it arrives twice; so there is no barrier.
    pub fn deliver(&self, delivery: &Delivery) -> Result<()> {
        let path = self.path(Shelf::Delivered, &delivery.id);
        let noted = file::text(&path, delivery)
            .and_then(|text| durable::replace_unsynced(&path, &text, file::MODE));
        // A full disk is no reason to tell it again.
        self.remove(Shelf::Pending, &delivery.id)?;
        noted
    }

    /// Gives a delivery up.
    pub fn bury(&self, delivery: &Delivery) -> Result<()> {
        file::write(&self.path(Shelf::Dead, &delivery.id), delivery)?;
        self.remove(Shelf::Pending, &delivery.id)
    }

    /// Takes a delivery off a shelf, if it is there.
    pub fn remove(&self, shelf: Shelf, id: &DeliveryId) -> Result<()> {
        durable::remove_if_there(&self.path(shelf, id))
    }

    /// The deliveries that arrived, the oldest first.
    pub fn history(&self) -> Result<Vec<DeliveryId>> {
        let ids = self.list(Shelf::Delivered)?;
        let mut ids: Vec<_> = ids
            .into_iter()
            .map(|id| {
                (
                    fs::metadata(self.path(Shelf::Delivered, &id))
                        .and_then(|m| m.modified())
                        .ok(),
                    id,
                )
            })
            .collect();
        ids.sort();
        Ok(ids.into_iter().map(|(_, id)| id).collect())
    }

    /// Asks the daemon for something; it takes that up at once, or when it starts.
    ///
    /// # Errors
    /// No daemon was ever told to deliver here.
    pub fn ask(&self, request: &Request) -> Result<PathBuf> {
        let folder = self.requests();
        if !folder.is_dir() {
            let why =
                "no `rackd` has made deliveries here yet; it does once webhooks are configured";
            return Err(Error::refused(&self.folder, why));
        }
        let path = folder.join(format!("{}.json", DeliveryId::random()?));
        file::write(&path, request)?;
        Ok(path)
    }

    /// The files of what was asked for.
    pub fn asked(&self) -> Result<Vec<PathBuf>> {
        spool::files(&self.requests())
    }

    /// What one of them asks for; nothing if it is gone.
    pub fn request(&self, path: &Path) -> Result<Option<Request>> {
        file::read(path)
    }

    /// How endpoints do.
    pub fn standings(&self) -> Result<Standings> {
        Standings::load(&self.folder)
    }

    /// Writes how endpoints do.
    pub fn note(&self, standings: &Standings) -> Result<()> {
        standings.save(&self.folder)
    }
}
