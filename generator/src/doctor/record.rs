//! The record of the last build: whether it can be used, and how much is in it.

use std::path::Path;

use super::Finding;
use crate::commit::record::{Inspected, Record};

const CHECK: &str = "record";

pub(super) fn check(state: &Path) -> Option<Finding> {
    let path = Record::file(state);
    let at = path.display();
    if !path.exists() {
        let says = format!("{at} is not there; the next build makes it anew");
        return state.is_dir().then(|| Finding::ok(CHECK, says));
    }
    Some(match Record::inspect(&path) {
        Ok(Some(Inspected { format, outputs })) => {
            Finding::ok(CHECK, format!("{at}: format {format}, {outputs} resources"))
        }
        Ok(None) => Finding::ok(CHECK, format!("{at} is in use by a build")),
        Err(why) => Finding::fault(
            CHECK,
            format!("{why}; if a build says so too, delete it, and the next one makes it anew"),
        ),
    })
}
