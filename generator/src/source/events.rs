//! The event log beside an item's versions: read whole, appended durably, never rewritten.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};

use super::SourceTree;
use crate::error::{At, Error, Result};
use crate::model::event::EVENTS_FILE;
use crate::model::{Event, History, ItemId};
use crate::regular;

impl SourceTree {
    /// What happened to an item's versions; nothing yet where there is no log.
    pub fn history(&self, item: &ItemId) -> Result<History> {
        let path = self.item(item).join(EVENTS_FILE);
        let log = match regular::read(&path) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(History::default()),
            Err(cause) if regular::is_refusal(&cause) => return Err(Error::refused(path, cause)),
            read => read.at("read", &path)?,
        };
        History::fold(&log).map_err(|fault| {
            Error::refused(&path, format!("line {} is no event: {fault}", fault.line))
        })
    }

    /// Appends an event; a torn last line is cut off first. The caller holds the tree's lock, and makes it durable.
    pub fn append(&self, item: &ItemId, event: &Event) -> Result<()> {
        let path = self.item(item).join(EVENTS_FILE);
        let whole = self.history(item)?.whole;
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        let mut log = regular::open_with(&mut options, &path).at("open", &path)?;
        log.set_len(whole as u64).at("cut the torn end of", &path)?;
        log.write_all(event.to_line().as_bytes())
            .at("append to", &path)
    }
}
