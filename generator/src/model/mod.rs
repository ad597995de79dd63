//! What a registry is: names, versions, manifests, releases, the catalog.
//!
//! Pure data and rules. Nothing here knows a path on disk, reads a clock or a file, or prints.

mod text;

pub mod catalog;
pub mod digest;
pub mod event;
pub mod file_path;
pub mod identifier;
pub mod item;
pub mod manifest;
pub mod media_type;
pub mod name;
pub mod preset;
pub mod version;

pub use catalog::{Audience, Catalog, Item, Release, StoredFile};
pub use digest::{ContentDigest, Sha256};
pub use event::{Event, History};
pub use file_path::FilePath;
pub use identifier::Identifier;
pub use item::{ItemId, ItemPath, ReleaseId};
pub use manifest::{ItemType, Manifest};
pub use media_type::MediaType;
pub use name::{ItemName, Namespace, PresetName, Segment};
pub use preset::Preset;
pub use text::InvalidName;
pub(crate) use text::Shown;
pub use version::Version;
