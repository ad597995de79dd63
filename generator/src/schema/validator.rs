//! The schemas, compiled, and what they say about a document. How it is said is in `words`.

use std::sync::LazyLock;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, PatternOptions, ValidationError};
use serde_json::Value;

use super::document::Document;
use super::fault::Found;
use super::{pointer, source, words};
use crate::plan::key::SchemaName;

/// Of `registry.json`.
pub(super) static MANIFEST: LazyLock<Result<Validator, String>> =
    LazyLock::new(|| Validator::of(SchemaName::RegistryItem));

/// Of `preset.json`.
pub(super) static PRESET: LazyLock<Result<Validator, String>> =
    LazyLock::new(|| Validator::of(SchemaName::Preset));

/// A schema that documents are judged by.
#[derive(Debug)]
pub(super) struct Validator {
    schema: Value,
    compiled: jsonschema::Validator,
}

impl Validator {
    pub(super) fn of(name: SchemaName) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", name.file_name());
        let schema = serde_json::from_slice(source(name)).map_err(|error| failed(&error))?;
        let compiled = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            // Linear in the text, whatever a stranger puts into it.
            .with_pattern_options(PatternOptions::regex())
            .build(&schema)
            .map_err(|error| failed(&error))?;
        Ok(Self { schema, compiled })
    }

    /// Whether the schema has nothing against the value.
    pub(super) fn accepts(&self, value: &Value) -> bool {
        self.compiled.is_valid(value)
    }

    /// Everything that the schema has against the document, in no order.
    pub(super) fn judge(&self, document: &Document<'_>) -> Vec<Found> {
        let errors = self.compiled.iter_errors(&document.value);
        errors
            .flat_map(|error| self.found(document, &error))
            .collect()
    }

    /// One fault for each value or key that the error is about.
    fn found(&self, document: &Document<'_>, error: &ValidationError<'_>) -> Vec<Found> {
        let path = error.instance_path().as_str();
        let at_key = |key: &str, words| {
            let mut pointer = path.to_owned();
            pointer::push(&mut pointer, key);
            Found {
                span: document.positions.key(path, key),
                path: pointer,
                words,
            }
        };
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                let unknown =
                    |key: &String| at_key(key, words::unknown_key(key, self.around(error)));
                unexpected.iter().map(unknown).collect()
            }
            ValidationErrorKind::PropertyNames { error } => {
                let key = error.instance().as_str().unwrap_or_default();
                vec![at_key(key, words::explain(error, self.around(error)))]
            }
            _ => vec![Found {
                span: document.positions.value(path),
                path: path.to_owned(),
                words: words::explain(error, self.around(error)),
            }],
        }
    }

    /// The part of the schema whose keyword the error is about.
    fn around(&self, error: &ValidationError<'_>) -> &Value {
        let subschema = pointer::parent(error.schema_path().as_str());
        self.schema.pointer(subschema).unwrap_or(&Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_compiles_and_its_examples_pass() {
        for name in SchemaName::ALL {
            let validator = Validator::of(name).unwrap();
            let schema: Value = serde_json::from_slice(source(name)).unwrap();
            for example in schema["examples"].as_array().unwrap() {
                assert!(validator.compiled.is_valid(example), "{}", name.file_name());
            }
        }
    }
}
