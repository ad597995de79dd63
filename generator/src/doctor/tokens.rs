//! Minted tokens: their files, what ends soon, and a state folder that came back from a backup, in which tokens live
//! again that were revoked since.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::Finding;
use crate::token::files::{self, File};
use crate::token::{SOON, Standing, Tokens};
use crate::users::mode;

const CHECK: &str = "tokens";

/// A file of keys is made as soon as its newest key is; one that is younger was put there by something else.
const AT_ONCE: SignedDuration = SignedDuration::from_mins(1);

pub(super) fn check(state: &Path, now: Timestamp) -> Vec<Finding> {
    let folder = files::folder(state);
    match fs::metadata(&folder) {
        Ok(_) => {}
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            return vec![Finding::ok(CHECK, "no token was minted here")];
        }
        Err(cause) => return vec![Finding::unreadable(CHECK, &folder, &cause)],
    }
    let tokens = match Tokens::load(state) {
        Err(error) => return vec![Finding::fault(CHECK, error.to_string())],
        Ok(tokens) => tokens,
    };
    let mut findings = Vec::new();
    findings.extend(others_can_read(state));
    findings.extend(restored(state, &tokens));
    let live = tokens
        .ledger()
        .iter()
        .filter(|(_, entry)| tokens.standing(entry, now) == Standing::Live);
    let soon = now.saturating_add(SOON);
    let mut count = 0;
    for (id, entry) in live {
        count += 1;
        if soon.as_ref().is_ok_and(|soon| entry.expires <= *soon) {
            let says = format!(
                "the minted token {id} ({}) expires at {:.0}; mint a new one",
                entry.name, entry.expires
            );
            findings.push(Finding::warning(CHECK, says));
        }
    }
    let says = format!(
        "minted tokens that are good: {count}; after a restore of {} run `rackgen token rotate --revoke-all`, since what \
         was revoked after the backup is good again",
        state.display()
    );
    findings.push(Finding::ok(CHECK, says));
    findings
}

fn others_can_read(state: &Path) -> Option<Finding> {
    let path = File::Keys.path(state);
    let open = fs::metadata(&path).is_ok_and(|metadata| mode(&metadata) & 0o077 != 0);
    open.then(|| {
        let at = path.display();
        Finding::warning(
            CHECK,
            format!(
                "{at}: others may read the keys and mint tokens with them; chmod 600 {at}, then \
                 `rackgen token rotate --revoke-all`"
            ),
        )
    })
}

/// Not every file system tells when a file was made; without that nobody knows.
fn restored(state: &Path, tokens: &Tokens) -> Option<Finding> {
    let newest = tokens.keys().signing()?.created();
    let of_keys = put_there(&File::Keys.path(state), newest, "its newest key is of");
    // Where no key was changed since the backup, that file alone comes back. Ours are renamed as soon as they are written.
    let ledger = File::Ledger.path(state);
    let written = fs::metadata(&ledger).and_then(|metadata| metadata.modified());
    let written = Timestamp::try_from(written.ok()?).ok();
    of_keys.or_else(|| put_there(&ledger, written?, "it was written at"))
}

/// Whether a file came here so long after `then` that we cannot have written it.
fn put_there(path: &Path, then: Timestamp, what: &str) -> Option<Finding> {
    let made = fs::metadata(path).and_then(|metadata| metadata.created());
    let made = Timestamp::try_from(made.ok()?).ok()?;
    (made.duration_since(then) > AT_ONCE).then(|| {
        Finding::warning(
            CHECK,
            format!(
                "{}: it was put there at {made:.0}, {what} {then:.0}: was this state folder restored or copied? Tokens \
                 that were revoked since are good again; `rackgen token rotate --revoke-all` ends all of them",
                path.display()
            ),
        )
    })
}
