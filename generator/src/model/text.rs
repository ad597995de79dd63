//! The shape that every name has: a checked string with one door in. No rule of a name lives here.

use std::fmt;

/// A text that is not the name it was taken for: what it should be, what was given, which rule it breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is not {kind}: {rule}", Shown(.given))]
pub struct InvalidName {
    pub(super) kind: &'static str,
    pub(super) given: String,
    pub(super) rule: &'static str,
}

impl InvalidName {
    /// The rule that was broken, as half a sentence.
    pub fn rule(&self) -> &'static str {
        self.rule
    }
}

/// A text from a stranger as it stands in a message: cut, escaped, in backticks.
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Characters.
        const LONGEST: usize = 80;
        f.write_str("`")?;
        for c in self.0.chars().take(LONGEST) {
            match c {
                // Harmless in a message, and JSON would be unreadable with them escaped.
                '"' | '\'' => write!(f, "{c}")?,
                _ => write!(f, "{}", c.escape_debug())?,
            }
        }
        let cut = self.0.chars().nth(LONGEST).is_some();
        f.write_str(if cut { "…`" } else { "`" })
    }
}

/// Gives a `struct Name(Box<str>)` its one constructor (`FromStr`, from a `fn(&str) -> Result<(), &'static str>`)
/// and what follows from being a string: order by bytes, `Display`, serde as text.
macro_rules! text_type {
    ($type:ident, $kind:literal, $check:path) => {
        impl $type {
            /// The text, as it was parsed.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::model::InvalidName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match $check(text) {
                    Ok(()) => Ok(Self(text.into())),
                    Err(rule) => Err($crate::model::InvalidName {
                        kind: $kind,
                        given: text.to_owned(),
                        rule,
                    }),
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        $crate::model::text::serde_as_text!($type);
    };
}

/// Serde for a type that has `FromStr` and `Display`: the text, nothing else.
macro_rules! serde_as_text {
    ($type:ident) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(super) use {serde_as_text, text_type};
