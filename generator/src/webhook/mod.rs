//! What changes are announced as, where announcements wait until somebody delivers them, and what becomes of that.
//!
//! An announcement is on disk, by the same barrier, before what it announces can be read, and becomes one that is due
//! when it can be (`commit`). So neither a kill nor a power cut loses one, and none comes early. Delivery is the daemon's:
//! here are the files that it goes by, and leaves.

pub mod address;
pub mod announcement;
pub mod config;
pub mod delivery;
mod file;
pub mod settings;
pub mod shelves;
mod source;
pub mod spool;
pub mod standing;

pub use announcement::{Announcement, EventKind, News};
pub use config::{Endpoint, EndpointId, Webhooks};
pub use delivery::{Delivery, DeliveryId, Try};
pub use settings::DeliverySettings;
pub use shelves::Shelves;
pub use source::WebhookSource;
pub use spool::Spool;
