//! The check of manifests and presets against the schemas that we serve.
//!
//! Bytes in, a typed manifest or all of its faults out. Files, archives and HTTP may not enter.

mod declared;
mod document;
mod fault;
mod identity;
mod pointer;
mod position;
mod rule;
mod shown;
mod validator;
mod words;

#[cfg(test)]
mod tests;

use serde::de::DeserializeOwned;

pub use self::document::Document;
pub use self::fault::SchemaFault;
pub use self::identity::{Identity, NoIdentity, identity};
pub(crate) use self::shown::{DidYouMean, nearest};
use self::validator::{MANIFEST, PRESET, Validator};
use crate::model::{Manifest, Preset};
// `plan` is a neighbour, not a floor below: of it only this name is used, so that the schemas that are
// served and those that are enforced cannot drift apart.
use crate::plan::key::SchemaName;

/// The schema, byte for byte as it is served.
pub fn source(name: SchemaName) -> &'static [u8] {
    match name {
        SchemaName::RegistryItem => include_bytes!("../../schemas/registry-item.json"),
        SchemaName::Preset => include_bytes!("../../schemas/preset.json"),
        SchemaName::Rack => include_bytes!("../../schemas/rack.json"),
    }
}

/// A `registry.json`, or everything that is wrong with it, in the order in which it stands there.
pub fn check_manifest(bytes: &[u8]) -> Result<Manifest, Vec<SchemaFault>> {
    check(&MANIFEST, bytes)
}

/// A `preset.json`, or everything that is wrong with it, in the order in which it stands there.
pub fn check_preset(bytes: &[u8]) -> Result<Preset, Vec<SchemaFault>> {
    check(&PRESET, bytes)
}

fn check<T: DeserializeOwned>(
    validator: &Result<Validator, String>,
    bytes: &[u8],
) -> Result<T, Vec<SchemaFault>> {
    let (text, value) = document::strict_json(bytes).map_err(|fault| vec![fault])?;
    let validator = match validator {
        Ok(validator) => validator,
        // Ours to mend, and a test sees to it; until then nothing passes unchecked.
        Err(reason) => return Err(vec![SchemaFault::of_document(reason.clone())]),
    };
    // Most have no fault, and to say so costs a fraction of a search for all of them and for their places.
    if validator.accepts(&value) && !document::repeats_keys(text, &value) {
        return document::typed(text, value).map_err(|fault| vec![fault]);
    }
    let document = Document::of(text, value).map_err(|fault| vec![fault])?;
    let mut found = document.repeated_keys();
    found.extend(validator.judge(&document));
    Err(document.report(found))
}
