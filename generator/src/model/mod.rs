//! What a registry is: names, versions, manifests, releases.
//!
//! Pure data and rules. Nothing here knows a path on disk, reads a clock or a file, or prints.

mod text;

pub mod digest;
pub mod event;
pub mod file_path;
pub mod identifier;
pub mod item;
pub mod manifest;
pub mod media_type;
pub mod name;
pub mod preset;
pub mod release;
pub mod tag;
pub mod version;

pub use digest::{ContentDigest, Sha256};
pub use event::{Change, Event, History};
pub use file_path::FilePath;
pub use identifier::Identifier;
pub use item::{ItemId, ItemPath, ReleaseId};
pub use manifest::{ItemType, Manifest};
pub use media_type::MediaType;
pub use name::{ItemName, Namespace, PresetName, Segment};
pub use preset::Preset;
pub use release::{Audience, Item, Release, StoredFile};
pub use tag::Tag;
pub use text::{InvalidName, Shown, Words};
pub use version::Version;
