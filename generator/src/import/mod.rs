//! Takes what another registry has into the source tree: survey what there is, then take it version by version.
//!
//! Where it comes from is behind [`Origin`]; what it must be is what a build asks of it. Nothing here touches the
//! public and the private tree.

mod documents;
mod events;
mod folder;
mod http;
mod origin;
mod preset;
mod remote;
mod report;
mod staged;
mod survey;
mod take;

pub use folder::Folder;
pub use http::Http;
pub use origin::{Facts, Offer, Origin};
pub use remote::Remote;
pub use report::{Counts, Report};
pub use survey::{Survey, Wanted, survey};
pub use take::take;

use crate::error::{Error, Result};
use crate::report::Problem;

/// Called with so many done, of so many in all.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Sync);

/// A part that is refused is a problem, and the rest goes on; any other error ends it all.
fn part<T>(result: Result<T>, problems: &mut Vec<Problem>) -> Result<Option<T>> {
    match result {
        Err(Error::Refused { path, why }) => {
            problems.push(Problem::refused(path, why));
            Ok(None)
        }
        result => result.map(Some),
    }
}
