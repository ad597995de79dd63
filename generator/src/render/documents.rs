//! The JSON documents that we make ourselves (protocol.md, "Reading"). Same input, same bytes.

use serde::Serialize;

use crate::model::{Item, ItemPath, Namespace, Version};

#[derive(Serialize)]
struct Versions<'a> {
    versions: Vec<&'a Version>,
}

#[derive(Serialize)]
struct Listing<'a> {
    namespace: &'a Namespace,
    registries: Vec<&'a ItemPath>,
}

#[derive(Serialize)]
struct Namespaces<'a> {
    namespaces: Vec<&'a Namespace>,
}

/// The versions that an item offers, newest first.
pub fn versions(item: &Item) -> Vec<u8> {
    to_json(&Versions {
        versions: item.offered().rev().collect(),
    })
}

/// The items of a namespace, given in order.
pub fn listing<'a>(namespace: &Namespace, paths: impl Iterator<Item = &'a ItemPath>) -> Vec<u8> {
    to_json(&Listing {
        namespace,
        registries: paths.collect(),
    })
}

/// Namespaces, given in order.
pub fn namespaces<'a>(namespaces: impl IntoIterator<Item = &'a Namespace>) -> Vec<u8> {
    to_json(&Namespaces {
        namespaces: namespaces.into_iter().collect(),
    })
}

/// Cannot fail: texts and lists of them always have a JSON form.
fn to_json(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).unwrap_or_default()
}
