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
#[derive(Debug)]
pub struct Shown<'a>(pub &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`")?;
        escape(self.0, 80, f)?;
        f.write_str("`")
    }
}

/// What a stranger says in words of its own: cut later than a name, escaped.
#[derive(Debug)]
pub struct Words<'a>(pub &'a str);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(self.0, 2000, f)
    }
}

/// At most so many characters, and none that moves a cursor or hides another.
fn escape(text: &str, longest: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for c in text.chars().take(longest) {
        match c {
            // Harmless in a message, and JSON would be unreadable with them escaped.
            '"' | '\'' => write!(f, "{c}")?,
            _ => write!(f, "{}", c.escape_debug())?,
        }
    }
    match text.chars().nth(longest) {
        Some(_) => f.write_str("…"),
        None => Ok(()),
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
