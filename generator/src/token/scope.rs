//! What a token allows, as people write it: `publish:@team/features/*`. What that means for a request is not
//! decided here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::{ItemId, Namespace};

/// What may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// Read a namespace.
    Read,
    /// Publish versions.
    Publish,
    /// Yank, deprecate, and take that back.
    Yank,
    /// Set tags and take them away.
    Tag,
    /// All of that.
    Admin,
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Read,
        Self::Publish,
        Self::Yank,
        Self::Tag,
        Self::Admin,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Publish => "publish",
            Self::Yank => "yank",
            Self::Tag => "tag",
            Self::Admin => "admin",
        }
    }
}

/// Where it may be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// `*`
    Everywhere,
    /// `@team`
    Namespace(Namespace),
    /// `@team/features/*`: every item below, at any depth, and not `@team/features` itself.
    Below(ItemId),
    /// `@team/features/auth`
    Item(ItemId),
}

impl Pattern {
    /// Whether this item is one of those that are meant.
    pub fn covers(&self, item: &ItemId) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Namespace(namespace) => *namespace == item.namespace,
            Self::Below(prefix) => {
                let path = item.path.as_str().strip_prefix(prefix.path.as_str());
                prefix.namespace == item.namespace && path.is_some_and(|rest| rest.starts_with('/'))
            }
            Self::Item(only) => only == item,
        }
    }

    /// Whether every item of this namespace is one of those that are meant.
    pub fn covers_all(&self, namespace: &Namespace) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Namespace(covered) => covered == namespace,
            Self::Below(_) | Self::Item(_) => false,
        }
    }

    /// Whether an item of this namespace could be one of those that are meant.
    pub fn reaches(&self, namespace: &Namespace) -> bool {
        self.namespace().is_none_or(|reached| reached == namespace)
    }

    /// The namespace that all items are in that are meant; none: they may be in any.
    pub fn namespace(&self) -> Option<&Namespace> {
        match self {
            Self::Everywhere => None,
            Self::Namespace(namespace) => Some(namespace),
            Self::Below(item) | Self::Item(item) => Some(&item.namespace),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere => f.write_str("*"),
            Self::Namespace(namespace) => write!(f, "{namespace}"),
            Self::Below(prefix) => write!(f, "{prefix}/*"),
            Self::Item(item) => write!(f, "{item}"),
        }
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let item = |text: &str| text.parse::<ItemId>().map_err(|fault| fault.to_string());
        Ok(match (text, text.strip_suffix("/*")) {
            ("*", _) => Self::Everywhere,
            (_, Some(prefix)) if prefix.contains('/') => Self::Below(item(prefix)?),
            (_, Some(namespace)) => {
                return Err(format!("all of a namespace is `{namespace}`, without `/*`"));
            }
            (text, None) if text.contains('/') => Self::Item(item(text)?),
            (text, None) => Self::Namespace(text.parse().map_err(|fault| format!("{fault}"))?),
        })
    }
}

/// One thing that a token allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    verb: Verb,
    pattern: Pattern,
}

impl Scope {
    /// That verb over those items.
    ///
    /// # Errors
    /// `read` and `admin` over less than a namespace: whether a namespace may be read is asked, and the answer kept,
    /// by namespace.
    pub fn new(verb: Verb, pattern: Pattern) -> Result<Self, String> {
        match (verb, &pattern) {
            (Verb::Read | Verb::Admin, Pattern::Below(item) | Pattern::Item(item)) => Err(format!(
                "`{}` is for a whole namespace, as in `{0}:{}`",
                verb.as_str(),
                item.namespace
            )),
            _ => Ok(Self { verb, pattern }),
        }
    }

    /// What may be done.
    pub fn verb(&self) -> Verb {
        self.verb
    }

    /// Where.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.verb.as_str(), self.pattern)
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (word, pattern) = text.split_once(':').unwrap_or((text, ""));
        let verb = Verb::ALL.into_iter().find(|verb| verb.as_str() == word);
        match (verb, pattern) {
            (None, _) => Err(
                "a scope begins with read, publish, yank, tag or admin, as in `publish:@team/features/*`"
                    .into(),
            ),
            (Some(_), "") => Err(format!(
                "it is not said where: `{word}:@team`, `{word}:*` for everywhere"
            )),
            (Some(verb), pattern) => Self::new(verb, pattern.parse()?),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_written_as_it_is_read() {
        for good in [
            "publish:@team",
            "publish:*",
            "publish:@team/features/*",
            "yank:@team/features/auth/*",
            "tag:@team/features/auth",
            "read:@team",
            "read:*",
            "admin:@team",
            "admin:*",
        ] {
            assert_eq!(good.parse::<Scope>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "publish",
            "publish:",
            "publish:team",
            "publish:@team/*",
            "publish:@team/",
            "publish:@Team",
            "publish:@team/a*",
            "publish:@team/*/a",
            "publish:@team/a/**",
            "publish:@team/versions/*",
            "publish:@team @other",
            "publish: @team",
            "Publish:@team",
            "delete:@team",
            "read:@team/features/*",
            "admin:@team/features/auth",
        ] {
            assert!(bad.parse::<Scope>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pattern_covers_what_it_names_and_nothing_beside_it() {
        let table = [
            // pattern, item, covered
            ("*", "@team/a", true),
            ("@team", "@team/a/b", true),
            ("@team", "@teams/a", false),
            ("@team/a/*", "@team/a/b", true),
            ("@team/a/*", "@team/a/b/c", true),
            ("@team/a/*", "@team/a", false),
            ("@team/a/*", "@team/ab/c", false),
            ("@team/a/*", "@team/b/a/c", false),
            ("@team/a/*", "@other/a/b", false),
            ("@team/a", "@team/a", true),
            ("@team/a", "@team/a/b", false),
            ("@team/a", "@other/a", false),
        ];
        for (pattern, item, covered) in table {
            let pattern: Pattern = pattern.parse().unwrap();
            assert_eq!(
                pattern.covers(&item.parse().unwrap()),
                covered,
                "{pattern} {item}"
            );
        }
    }
}
