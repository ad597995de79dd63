//! Identifiers: how manifests and presets name items (protocol.md, "Manifests").

use std::fmt;
use std::str::FromStr;

use super::text::serde_as_text;
use super::{InvalidName, ItemId, ItemPath, Namespace, Version};

/// The language of an item's variant.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// JavaScript.
    Js,
    /// TypeScript.
    Ts,
}

/// `@ns/path[@version][:js|:ts]`; without `@ns/`, `@rack/` is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier {
    /// The item that is named.
    pub item: ItemId,
    /// The version that is asked for; none means the latest.
    pub version: Option<Version>,
    /// The language that is asked for; none leaves the choice to the item.
    pub language: Option<Language>,
}

serde_as_text!(Identifier);

const DEFAULT_NAMESPACE: &str = "@rack";

impl FromStr for Identifier {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (rest, language) = match text.rsplit_once(':') {
            Some((rest, "js")) => (rest, Some(Language::Js)),
            Some((rest, "ts")) => (rest, Some(Language::Ts)),
            Some(_) => {
                return Err(InvalidName {
                    kind: "an identifier",
                    given: text.to_owned(),
                    rule: "after `:` stands `js` or `ts`",
                });
            }
            None => (text, None),
        };
        let (namespace, rest) = match rest.split_once('/') {
            Some((namespace, rest)) if namespace.starts_with('@') => (namespace, rest),
            _ => (DEFAULT_NAMESPACE, rest),
        };
        let (path, version) = match rest.split_once('@') {
            Some((path, version)) => (path, Some(version.parse()?)),
            None => (rest, None),
        };
        let namespace: Namespace = namespace.parse()?;
        let path: ItemPath = path.parse()?;
        Ok(Self {
            item: ItemId { namespace, path },
            version,
            language,
        })
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.item)?;
        if let Some(version) = &self.version {
            write!(f, "@{version}")?;
        }
        match self.language {
            Some(Language::Js) => f.write_str(":js"),
            Some(Language::Ts) => f.write_str(":ts"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_print_in_full() {
        for (given, full) in [
            ("quality/eslint", "@rack/quality/eslint"),
            ("@a/x@1.0.0:ts", "@a/x@1.0.0:ts"),
            ("x@1.0.0-rc.1+b:js", "@rack/x@1.0.0-rc.1+b:js"),
        ] {
            let parsed: Identifier = given.parse().unwrap();
            assert_eq!(parsed.to_string(), full);
            assert_eq!(full.parse::<Identifier>().unwrap(), parsed);
        }
        for bad in [
            "", "@a", "@a/", "x@", "x@1", "x:py", "@A/x", "x:ts:js", "a@b/c",
        ] {
            assert!(bad.parse::<Identifier>().is_err(), "{bad}");
        }
    }
}
