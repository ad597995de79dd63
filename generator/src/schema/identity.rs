//! Who a publish says it is: what has to be known before its manifest is judged (protocol.md, the order of
//! the checks). Whether these are valid names may not enter; the schema says that later, with a position.

use serde_json::{Map, Value};

use super::document::strict_json;
use crate::model::Shown;

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
}

/// The identity of a `registry.json`, or the message of an `UPLOAD_FAILED`.
///
/// Of a key that is repeated the last one counts here; [`check_manifest`](super::check_manifest) refuses it after.
pub fn identity(bytes: &[u8]) -> Result<Identity, String> {
    let (_, value) = strict_json(bytes).map_err(|fault| format!("`registry.json`:{fault}"))?;
    let Value::Object(manifest) = value else {
        return Err("`registry.json` is not a JSON object".to_owned());
    };
    let identity = Identity {
        namespace: required(&manifest, "namespace")?,
        name: required(&manifest, "name")?,
        version: required(&manifest, "version")?,
        path: optional(&manifest, "path")?,
    };
    match &identity.path {
        Some(path) if path.rsplit('/').next() != Some(&identity.name) => Err(format!(
            "the last segment of `path` is the item's `name`, but {} does not end in {}",
            Shown(path),
            Shown(&identity.name),
        )),
        _ => Ok(identity),
    }
}

fn required(manifest: &Map<String, Value>, key: &str) -> Result<String, String> {
    optional(manifest, key)?.ok_or_else(|| format!("`registry.json` has no `{key}`"))
}

fn optional(manifest: &Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match manifest.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("`{key}` in `registry.json` is not a string")),
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
            assert_eq!(identity(given.as_bytes()), Err(message.to_owned()));
        }
    }
}
