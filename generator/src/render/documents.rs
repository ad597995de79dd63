//! The JSON documents that we make ourselves (protocol.md, "Reading"). Same input, same bytes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::event::Notice;
use crate::model::{Item, ItemPath, Namespace, Release, Sha256, Tag, Version};

/// `versions` is what existing clients know; the rest is for those that want to know more. The manifest of a version
/// stays what was published, so what happens to it later stands here.
#[derive(Serialize)]
struct Versions<'a> {
    versions: Vec<&'a Version>,
    latest: Option<&'a Version>,
    tags: &'a BTreeMap<Tag, Version>,
    yanked: BTreeMap<&'a Version, &'a Notice>,
    deprecated: BTreeMap<&'a Version, &'a str>,
    time: BTreeMap<&'a Version, Timestamp>,
    digests: BTreeMap<&'a Version, Digests<'a>>,
}

/// SHA-256 of what a client may hold of a version.
#[derive(Serialize)]
struct Digests<'a> {
    manifest: &'a Sha256,
    #[serde(skip_serializing_if = "Option::is_none")]
    archive: Option<&'a Sha256>,
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

/// The versions that an item offers, newest first, and what is known of all that it has.
pub fn versions(item: &Item) -> Vec<u8> {
    fn of<'a, T>(
        item: &'a Item,
        about: impl Fn(&'a Release) -> Option<T>,
    ) -> BTreeMap<&'a Version, T> {
        let releases = item.releases.iter();
        releases
            .filter_map(|(version, release)| Some((version, about(release)?)))
            .collect()
    }
    to_json(&Versions {
        versions: item.offered().rev().collect(),
        latest: item.latest(),
        tags: &item.tags,
        yanked: of(item, |release| release.yanked.as_ref()),
        deprecated: of(item, |release| release.deprecated.as_deref()),
        time: of(item, |release| Some(release.published)),
        digests: of(item, |release| {
            Some(Digests {
                manifest: &release.manifest.sha256,
                archive: release.archive.as_ref(),
            })
        }),
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
