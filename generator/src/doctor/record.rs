//! The record of the last build: whether it can be used, and how much is in it.

use std::path::{Path, PathBuf};

use redb::{
    DatabaseError, ReadOnlyDatabase, ReadableDatabase, ReadableTableMetadata, TableDefinition,
};

use super::Finding;

const CHECK: &str = "record";

/// Where it is.
pub(super) fn file(state: &Path) -> PathBuf {
    state.join("record.redb")
}

pub(super) fn check(state: &Path) -> Option<Finding> {
    let path = file(state);
    let at = path.display();
    if !path.exists() {
        let says = format!("{at} is not there; the next build makes it anew");
        return state.is_dir().then(|| Finding::ok(CHECK, says));
    }
    Some(match inspect(&path) {
        Ok(Some((format, rows))) => {
            Finding::ok(CHECK, format!("{at}: format {format}, {rows} rows"))
        }
        Ok(None) => Finding::ok(CHECK, format!("{at} is in use by a build")),
        Err(why) => Finding::fault(
            CHECK,
            format!(
                "{at}: {why}; if a build says so too, delete it, and the next one makes it anew"
            ),
        ),
    })
}

/// Its format and its rows; none while somebody writes to it. Without a repair, which would be a change.
fn inspect(path: &Path) -> Result<Option<(String, u64)>, redb::Error> {
    let database = match ReadOnlyDatabase::open(path) {
        Err(DatabaseError::DatabaseAlreadyOpen) => return Ok(None),
        opened => opened?,
    };
    let tx = database.begin_read()?;
    let meta = tx.open_table(TableDefinition::<&str, &str>::new("meta"))?;
    let format = redb::ReadableTable::get(&meta, "format")?.map(|format| format.value().to_owned());
    let rows = tx
        .open_table(TableDefinition::<&str, &[u8]>::new("rows"))?
        .len()?;
    Ok(Some((format.unwrap_or_else(|| "missing".into()), rows)))
}
