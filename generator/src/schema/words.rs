//! What the validator found, in words for a person. Positions may not enter.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

use super::shown::{ShownValue, nearest};
use super::{pointer, rule};
use crate::model::Shown;

/// What is said of a fault.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) message: String,
    /// The word that was probably meant.
    pub(super) meant: Option<String>,
}

impl Words {
    /// Where no other word is near.
    pub(super) fn plain(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            meant: None,
        }
    }
}

/// The fault; `around` is the part of the schema whose keyword is broken.
pub(super) fn explain(error: &ValidationError<'_>, around: &Value) -> Words {
    Words {
        message: message(error, around),
        meant: meant(error),
    }
}

/// The allowed word that is nearest to the given one.
fn meant(error: &ValidationError<'_>) -> Option<String> {
    let ValidationErrorKind::Enum { options } = error.kind() else {
        return None;
    };
    let words = options.as_array()?.iter().filter_map(Value::as_str);
    let given = error.instance().as_str()?;
    nearest(given, words).map(str::to_owned)
}

fn message(error: &ValidationError<'_>, around: &Value) -> String {
    let given = error.instance().as_ref();
    let shown = ShownValue(given);
    if let Some(broken) = rule::broken_name(error.schema_path().as_str(), given) {
        return broken;
    }
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let reason = conditional_reason(error, around);
            format!("{} is required{reason}", ShownValue(property))
        }
        ValidationErrorKind::Type { kind } => {
            format!("expected {}, found {}", expected(kind), found(given))
        }
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            let listed = options.iter().map(Value::to_string).collect::<Vec<_>>();
            format!("{shown} is not one of {}", listed.join(", "))
        }
        ValidationErrorKind::Pattern { .. } | ValidationErrorKind::Not { .. } => {
            let rule = description(around).unwrap_or_else(|| "it breaks a rule".to_owned());
            format!("{shown} does not fit: {rule}")
        }
        ValidationErrorKind::Format { format } => {
            format!("{shown} is not {}", rule::format(format))
        }
        ValidationErrorKind::Minimum { limit } => {
            format!("{shown} is too small; at least {limit} is expected")
        }
        ValidationErrorKind::Maximum { limit } => {
            format!("{shown} is too large; at most {limit} is expected")
        }
        ValidationErrorKind::MinLength { limit: 1 } => "this may not be empty".to_owned(),
        ValidationErrorKind::MinLength { limit } => {
            format!("{shown} is too short; at least {limit} characters are expected")
        }
        ValidationErrorKind::MaxLength { limit } => {
            format!("{shown} is too long; at most {limit} characters are expected")
        }
        ValidationErrorKind::MinItems { limit } => {
            format!("too few entries; at least {limit} is expected")
        }
        ValidationErrorKind::MaxItems { limit } => {
            format!("too many entries; at most {limit} are expected")
        }
        // Keywords that our schemas do not use. Masked, because the library would print values in full.
        _ => error.masked().to_string(),
    }
}

/// An extra key in an object whose schema is `around`.
pub(super) fn unknown_key(key: &str, around: &Value) -> Words {
    let known = around.get("properties").and_then(Value::as_object);
    let words = known.into_iter().flat_map(|known| known.keys());
    Words {
        message: format!("{} is not a known key here", Shown(key)),
        meant: nearest(key, words.map(String::as_str)).map(str::to_owned),
    }
}

/// What is required only of some has its reason in the `then` or `else` that requires it.
fn conditional_reason(error: &ValidationError<'_>, around: &Value) -> String {
    let subschema = pointer::parent(error.schema_path().as_str());
    match description(around) {
        Some(reason) if ["then", "else"].contains(&pointer::last(subschema)) => {
            format!(": {reason}")
        }
        _ => String::new(),
    }
}

/// The schema's own words, as the second half of a sentence.
fn description(schema: &Value) -> Option<String> {
    let text = schema.get("description")?.as_str()?.trim_end_matches('.');
    let mut rest = text.chars();
    let first = rest.next()?.to_lowercase();
    Some(first.chain(rest).collect())
}

fn expected(kind: &TypeKind) -> String {
    let types: Vec<_> = match kind {
        TypeKind::Single(one) => vec![noun(*one)],
        TypeKind::Multiple(several) => several.iter().map(noun).collect(),
    };
    types.join(" or ")
}

fn noun(json_type: JsonType) -> &'static str {
    match json_type {
        JsonType::Null => "`null`",
        JsonType::Boolean => "`true` or `false`",
        JsonType::Integer => "an integer",
        JsonType::Number => "a number",
        JsonType::String => "a string",
        JsonType::Array => "an array",
        JsonType::Object => "an object",
    }
}

fn found(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) => ShownValue(value).to_string(),
        Value::Number(_) => format!("the number {}", ShownValue(value)),
        Value::String(_) => format!("the string {}", ShownValue(value)),
        Value::Array(_) => noun(JsonType::Array).to_owned(),
        Value::Object(_) => noun(JsonType::Object).to_owned(),
    }
}
