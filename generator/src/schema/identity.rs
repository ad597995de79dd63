//! Who a publish says it is: what has to be known before its manifest is judged (protocol.md, the order of
//! the checks). Whether these are valid names may not enter; the schema says that later, with a position.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::SchemaFault;
use super::document::strict_json;
use crate::model::manifest::ItemType;
use crate::model::{ItemId, ItemPath, Shown};

/// What a manifest calls itself, unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `namespace`
    pub namespace: String,
    /// `name`
    pub name: String,
    /// `version`
    pub version: String,
    /// `path`, whose last segment is `name`
    pub path: Option<String>,
    /// `type`, which says where an item is that has no `path`; none if it is no type.
    pub item_type: Option<ItemType>,
}

impl Identity {
    /// Which item that would be; none if one of the names is none.
    pub fn item(&self) -> Option<ItemId> {
        let path = match &self.path {
            Some(path) => path.parse(),
            None => ItemPath::by_type(self.item_type?.first_segment(), &self.name.parse().ok()?),
        };
        Some(ItemId {
            namespace: self.namespace.parse().ok()?,
            path: path.ok()?,
        })
    }
}

/// Why a `registry.json` has no identity: the message of an `UPLOAD_FAILED`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoIdentity {
    /// It is not JSON.
    #[error("`registry.json`:{0}")]
    NotJson(SchemaFault),
    /// It is JSON of another kind.
    #[error("`registry.json` is not a JSON object")]
    NotAnObject,
    /// It lacks this key.
    #[error("`registry.json` has no `{0}`")]
    Missing(&'static str),
    /// It has something else at this key.
    #[error("`{0}` in `registry.json` is not a string")]
    NotAString(&'static str),
    /// It contradicts itself.
    #[error(
        "the last segment of `path` is the item's `name`, but {} does not end in {}",
        Shown(path),
        Shown(name)
    )]
    OtherName {
        /// Its `path`.
        path: String,
        /// Its `name`.
        name: String,
    },
}

/// The identity of a `registry.json`.
///
/// Of a key that is repeated the last one counts here; [`check_manifest`](super::check_manifest) refuses it after.
pub fn identity(bytes: &[u8]) -> Result<Identity, NoIdentity> {
    let (_, value) = strict_json(bytes).map_err(NoIdentity::NotJson)?;
    let Value::Object(manifest) = value else {
        return Err(NoIdentity::NotAnObject);
    };
    let identity = Identity {
        namespace: required(&manifest, "namespace")?,
        name: required(&manifest, "name")?,
        version: required(&manifest, "version")?,
        path: optional(&manifest, "path")?,
        item_type: manifest
            .get("type")
            .and_then(|word| ItemType::deserialize(word).ok()),
    };
    match identity.path {
        Some(path) if path.rsplit('/').next() != Some(&identity.name) => {
            let name = identity.name;
            Err(NoIdentity::OtherName { path, name })
        }
        _ => Ok(identity),
    }
}

fn required(manifest: &Map<String, Value>, key: &'static str) -> Result<String, NoIdentity> {
    optional(manifest, key)?.ok_or(NoIdentity::Missing(key))
}

fn optional(
    manifest: &Map<String, Value>,
    key: &'static str,
) -> Result<Option<String>, NoIdentity> {
    match manifest.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(NoIdentity::NotAString(key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_the_manifest_is_not_judged() {
        let given =
            br#"{"namespace": "@A", "name": "n", "version": "x", "path": "a/n", "files": 1}"#;
        let expected = Identity {
            namespace: "@A".to_owned(),
            name: "n".to_owned(),
            version: "x".to_owned(),
            path: Some("a/n".to_owned()),
            item_type: None,
        };
        assert_eq!(identity(given), Ok(expected));
    }

    #[test]
    fn what_has_no_identity_says_what_is_missing() {
        for (given, message) in [
            (
                "{",
                "`registry.json`:1:1: not JSON: EOF while parsing an object",
            ),
            (
                "\u{feff}{}",
                "`registry.json`:1:1: not JSON: it starts with a byte order mark",
            ),
            ("[]", "`registry.json` is not a JSON object"),
            ("{}", "`registry.json` has no `namespace`"),
            (r#"{"namespace": "@a"}"#, "`registry.json` has no `name`"),
            (
                r#"{"namespace": "@a", "name": "n"}"#,
                "`registry.json` has no `version`",
            ),
            (
                r#"{"namespace": "@a", "name": 1}"#,
                "`name` in `registry.json` is not a string",
            ),
            (
                r#"{"namespace": "@a", "name": "n", "version": "1.0.0", "path": null}"#,
                "`path` in `registry.json` is not a string",
            ),
            (
                r#"{"namespace": "@a", "name": "n", "version": "1.0.0", "path": "n/m"}"#,
                "the last segment of `path` is the item's `name`, but `n/m` does not end in `n`",
            ),
        ] {
            let why = identity(given.as_bytes()).unwrap_err();
            assert_eq!(why.to_string(), message);
        }
    }
}
