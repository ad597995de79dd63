//! What is wrong with a document, and where. The words are made in `words`, the places in `position`.

use std::fmt;

use serde::Serialize;

/// One thing that is wrong with a manifest or a preset (protocol.md, `SCHEMA_VALIDATION_FAILED`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SchemaFault {
    /// A JSON Pointer (RFC 6901) to the value, or to the key where the key is what is wrong.
    pub path: String,
    /// The line where it starts, from 1.
    pub line: usize,
    /// The column where it starts, from 1, in characters.
    pub column: usize,
    /// What was expected, for a person.
    pub message: String,
}

impl SchemaFault {
    /// A fault of the document as such.
    pub(super) fn of_document(message: String) -> Self {
        Self {
            path: String::new(),
            line: 1,
            column: 1,
            message,
        }
    }
}

impl fmt::Display for SchemaFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)?;
        if !self.path.is_empty() {
            write!(f, " (at {})", self.path)?;
        }
        Ok(())
    }
}

/// A fault whose place is still an offset: a line and a column are counted only for what is reported.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) offset: usize,
    pub(super) path: String,
    pub(super) message: String,
}
