//! The URLs that there are, by form, and what is served alike: patterns from the grammar, the rest from the key type.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Instance, grammar};
use crate::model::Audience;
use crate::plan::key::{CacheClass, PublicKey};

/// The URLs of one form.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Route {
    /// Its first segment.
    pub(super) root: &'static str,
    /// What it is, without a prefix.
    pub(super) pattern: String,
    pub(super) class: &'static str,
}

/// The most asked for first. `/namespaces` is the one URL that is no pattern.
pub(super) fn routes(instance: &Instance) -> Vec<Route> {
    let (namespace, item, version) = (grammar::namespace(), grammar::item(), grammar::version());
    let below = format!("/registries/(?<rack_{instance}_ns>{namespace})/{item}");
    let route = |root, class, pattern| Route {
        root,
        pattern,
        class,
    };
    vec![
        route("registries", "manifest", format!("{below}/{version}")),
        route(
            "registries",
            "file",
            format!("{below}/{version}/files/{}", grammar::file()),
        ),
        route(
            "registries",
            "pointer",
            format!("{below}(?:/versions|/tags/{})?", grammar::tag()),
        ),
        route(
            "namespaces",
            "pointer",
            format!("/namespaces/(?<rack_{instance}_ns>{namespace})/registries"),
        ),
        route("presets", "preset", format!("/presets/{}", grammar::name())),
        route(
            "schemas",
            "schema",
            format!("/schemas/{}", grammar::schema()),
        ),
    ]
}

/// What is served alike.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Class {
    pub(super) name: &'static str,
    /// Behind the URL's path, on disk.
    pub(super) suffix: &'static str,
    pub(super) public: &'static str,
    pub(super) private: &'static str,
    pub(super) immutable: bool,
    pub(super) gated: bool,
    pub(super) by_caller: bool,
    pub(super) sandboxed: bool,
}

/// An example of each class: what is true of it is true of all.
pub(super) const EXAMPLES: [(&str, &str); 6] = [
    ("manifest", "/registries/@a/b/1.0.0"),
    ("file", "/registries/@a/b/1.0.0/files/c"),
    ("pointer", "/registries/@a/b"),
    ("preset", "/presets/a"),
    ("schema", "/schemas/rack.json"),
    ("namespaces", "/namespaces"),
];

pub(super) fn classes() -> BTreeMap<&'static str, Class> {
    let class = |(name, example): (&'static str, &str)| {
        let key = PublicKey::parse(example).ok()?;
        let cache = key.cache_class();
        let class = Class {
            name,
            suffix: match key.disk_path().ends_with("index.json") {
                true => "/index.json",
                false => "",
            },
            public: cache.cache_control(Audience::Public),
            private: cache.cache_control(Audience::Private),
            immutable: cache == CacheClass::Immutable,
            gated: key.namespace().is_some(),
            by_caller: key == PublicKey::Namespaces,
            sandboxed: matches!(key, PublicKey::File(..)),
        };
        Some((name, class))
    };
    EXAMPLES.into_iter().filter_map(class).collect()
}
