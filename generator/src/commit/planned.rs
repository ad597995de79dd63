//! What a plan would do, URL by URL, for whoever only asks (`--dry-run`).

use crate::plan::part::Recorded;
use crate::plan::{Plan, Removal, Write};
use crate::report::{Action, Planned};

/// The lines of a part's plan: each URL once, whichever trees it leaves.
pub(super) fn of(plan: &Plan, before: &Recorded) -> impl Iterator<Item = Planned> {
    let last = |removal: &&Removal| removal.last;
    let withdrawn = plan.withdrawals.iter().filter(last);
    let withdrawn =
        withdrawn.map(|removal| gone(removal, before, "not everybody may read it any longer"));
    let why = "it is gone from the source tree, or cannot be served";
    let removed = plan.removals.iter().filter(last);
    let removed = removed.map(move |removal| gone(removal, before, why));
    let written = plan.writes.iter().map(written);
    written.chain(withdrawn).chain(removed)
}

fn written(write: &Write) -> Planned {
    let before = write.row.current.as_ref().map(|there| there.len);
    Planned {
        url: write.key.to_string(),
        action: match before {
            None => Action::Write,
            Some(_) => Action::Replace,
        },
        before,
        after: Some(write.resource.len),
        why: write.why.to_string(),
    }
}

fn gone(removal: &Removal, before: &Recorded, why: &str) -> Planned {
    let row = before.rows.get(&removal.key);
    Planned {
        url: removal.key.to_string(),
        action: Action::Remove,
        before: row
            .and_then(|row| row.current.as_ref())
            .map(|there| there.len),
        after: None,
        why: why.to_owned(),
    }
}
