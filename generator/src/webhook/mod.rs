//! What changes are announced as, and where announcements wait until somebody delivers them.
//!
//! An announcement is on disk, by the same barrier, before what it announces can be read, and becomes one that is due
//! when it can be (`commit`). So neither a kill nor a power cut loses one, and none comes early. Delivery is the daemon's.

pub mod announcement;
pub mod spool;

pub use announcement::{Announcement, EventKind, News};
pub use spool::Spool;
