//! Where the values of a JSON text stand in it. Values themselves, schemas and messages may not enter.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use jsonc_parser::ast::{ObjectPropName, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::ParseError;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::pointer;

/// The bytes of all values and keys. Of a key that is repeated the last one counts, as in `serde_json`.
///
/// An object or array is its opening bracket: a fault of it as a whole is shown there, not along all its lines.
#[derive(Debug)]
pub(super) struct Positions<'a> {
    root: Node<'a>,
    /// Pointer and place of every key that its object has had before.
    pub(super) repeated: Vec<(String, Range<usize>)>,
}

#[derive(Debug, Default)]
struct Node<'a> {
    span: Range<usize>,
    below: Below<'a>,
}

#[derive(Debug, Default)]
enum Below<'a> {
    #[default]
    Nothing,
    Elements(Vec<Node<'a>>),
    /// Hashed, so that a thousand faults in one large object are not a thousand walks along it.
    Members(HashMap<Cow<'a, str>, Member<'a>>),
}

#[derive(Debug)]
struct Member<'a> {
    key: Range<usize>,
    value: Node<'a>,
}

impl<'a> Positions<'a> {
    /// Those of a text that `serde_json` has accepted: alone this parser is laxer, in white space and in
    /// strings, and goes deeper.
    pub(super) fn of(text: &'a str) -> Result<Self, ParseError> {
        let strict = ParseOptions {
            allow_comments: false,
            allow_loose_object_property_names: false,
            allow_trailing_commas: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        let parsed = parse_to_ast(text, &CollectOptions::default(), &strict)?;
        let mut repeated = Vec::new();
        let root = match parsed.value {
            Some(value) => node(value, &mut String::new(), &mut repeated),
            None => Node::default(),
        };
        Ok(Self { root, repeated })
    }

    /// Where the value is; if there is none, where the nearest value around it is.
    pub(super) fn value(&self, pointer: &str) -> Range<usize> {
        self.node(pointer).span.clone()
    }

    /// Where that key of the object is.
    pub(super) fn key(&self, object: &str, key: &str) -> Range<usize> {
        let node = self.node(object);
        let member = match &node.below {
            Below::Members(members) => members.get(key),
            _ => None,
        };
        member.map_or(&node.span, |member| &member.key).clone()
    }

    fn node(&self, pointer: &str) -> &Node<'a> {
        let mut node = &self.root;
        for key in pointer::keys(pointer) {
            let inner = match &node.below {
                Below::Nothing => None,
                Below::Elements(elements) => key.parse().ok().and_then(|i: usize| elements.get(i)),
                Below::Members(members) => members.get(key.as_str()).map(|member| &member.value),
            };
            match inner {
                Some(inner) => node = inner,
                None => break,
            }
        }
        node
    }
}

/// `path` is the pointer to the value, lent for what is below it and given back as it was.
fn node<'a>(
    value: Value<'a>,
    path: &mut String,
    repeated: &mut Vec<(String, Range<usize>)>,
) -> Node<'a> {
    let start = value.start();
    let end = match value {
        Value::Array(_) | Value::Object(_) => start + 1,
        _ => value.end(),
    };
    let length = path.len();
    let below = match value {
        Value::Array(array) => {
            let mut elements = Vec::with_capacity(array.elements.len());
            for (index, value) in array.elements.into_iter().enumerate() {
                pointer::push(path, &index.to_string());
                elements.push(node(value, path, repeated));
                path.truncate(length);
            }
            Below::Elements(elements)
        }
        Value::Object(object) => {
            let mut members = HashMap::with_capacity(object.properties.len());
            for property in object.properties {
                let key = property.name.start()..property.name.end();
                let name = match property.name {
                    ObjectPropName::String(name) => name.value,
                    ObjectPropName::Word(name) => Cow::Borrowed(name.value),
                };
                pointer::push(path, &name);
                if members.contains_key(&name) {
                    repeated.push((path.clone(), key.clone()));
                }
                let value = node(property.value, path, repeated);
                path.truncate(length);
                members.insert(name, Member { key, value });
            }
            Below::Members(members)
        }
        _ => Below::Nothing,
    };
    Node {
        span: start..end,
        below,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_keys_are_found_by_pointer() {
        let text = r#"{"a/b": [1, {"é": null}], "n": {}}"#;
        let positions = Positions::of(text).unwrap();
        for (pointer, at) in [
            ("", "{"),
            ("/a~1b", "["),
            ("/a~1b/0", "1"),
            ("/a~1b/1/é", "null"),
            ("/n", "{"),
            ("/a~1b/7/x", "["),
        ] {
            assert_eq!(&text[positions.value(pointer)], at, "{pointer}");
        }
        assert_eq!(&text[positions.key("/a~1b/1", "é")], r#""é""#);
    }

    #[test]
    fn repeated_keys_are_found_in_any_object_however_they_are_escaped() {
        let text = r#"{"a": 1, "b": [{"c": 1, "\u0063": 2}], "a": [], "a": {}}"#;
        let positions = Positions::of(text).unwrap();
        let places = positions.repeated.iter();
        let found: Vec<_> = places.map(|(path, at)| (path.as_str(), at.start)).collect();
        assert_eq!(found, [("/b/0/c", 24), ("/a", 39), ("/a", 48)]);
        assert_eq!(positions.value("/a"), 53..54);
    }
}
