//! The event log beside an item's versions: read whole, appended durably, never rewritten.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};

use super::SourceTree;
use crate::appended::cut_torn_end;
use crate::error::{At, Error, Result};
use crate::model::event::EVENTS_FILE;
use crate::model::{Event, History, ItemId};
use crate::regular;

impl SourceTree {
    /// What happened to an item's versions; nothing yet where there is no log.
    pub fn history(&self, item: &ItemId) -> Result<History> {
        self.log(item).map(|(history, _)| history)
    }

    /// What happened to an item's versions, one by one.
    pub fn events(&self, item: &ItemId) -> Result<Vec<Event>> {
        let (history, log) = self.log(item)?;
        let lines = log[..history.whole].split(|b| *b == b'\n');
        // Every whole line is an event, or there is no history.
        Ok(lines
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect())
    }

    fn log(&self, item: &ItemId) -> Result<(History, Vec<u8>)> {
        let path = self.item(item).join(EVENTS_FILE);
        let log = match regular::read(&path) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => Vec::new(),
            Err(cause) if regular::is_refusal(&cause) => return Err(Error::refused(path, cause)),
            read => read.at("read", &path)?,
        };
        let history = History::fold(&log).map_err(|fault| {
            Error::refused(&path, format!("line {} is no event: {fault}", fault.line))
        })?;
        Ok((history, log))
    }

    /// Appends an event; a torn last line is cut off first. The caller holds the tree's lock, and makes it durable.
    pub fn append(&self, item: &ItemId, event: &Event) -> Result<()> {
        let path = self.item(item).join(EVENTS_FILE);
        let line = event.to_line().at("append to", &path)?;
        let mut options = OpenOptions::new();
        options.create(true).read(true).append(true);
        let mut log = regular::open_with(&mut options, &path).at("open", &path)?;
        cut_torn_end(&mut log).at("cut the torn end of", &path)?;
        log.write_all(line.as_bytes()).at("append to", &path)
    }
}
