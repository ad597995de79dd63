//! What is wrong with a document, and where. The words are made in `words`, the places in `position`.

use std::fmt;
use std::ops::Range;

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use super::shown::DidYouMean;
use super::words::Words;

/// One thing that is wrong with a manifest or a preset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaFault {
    /// A JSON Pointer (RFC 6901) to the value, or to the key where the key is what is wrong.
    pub path: String,
    /// The line that it is in, from 1.
    pub line: usize,
    /// The column where it starts, from 1, in characters.
    pub column: usize,
    /// The column behind its end.
    pub end_column: usize,
    /// What was expected, for a person.
    pub message: String,
    /// The word that was probably meant.
    pub meant: Option<String>,
    /// Whether the text is no JSON at all: then nothing else is known of it.
    pub is_syntax: bool,
}

impl SchemaFault {
    /// A fault of the document as such.
    pub(super) fn of_document(message: String) -> Self {
        Self {
            path: String::new(),
            line: 1,
            column: 1,
            end_column: 1,
            message,
            meant: None,
            is_syntax: false,
        }
    }

    fn hint(&self) -> DidYouMean<'_> {
        DidYouMean(self.meant.as_deref())
    }
}

/// `line:column: what is wrong`
impl fmt::Display for SchemaFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = self.hint();
        write!(f, "{}:{}: {}{hint}", self.line, self.column, self.message)?;
        if !self.path.is_empty() {
            // Its words are keys, which strangers choose.
            write!(f, " (at {})", self.path.escape_debug())?;
        }
        Ok(())
    }
}

/// As it stands in the answer to a publish (protocol.md, `SCHEMA_VALIDATION_FAILED`): all words in the message.
impl Serialize for SchemaFault {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fault = to.serialize_struct("SchemaFault", 4)?;
        fault.serialize_field("path", &self.path)?;
        fault.serialize_field("line", &self.line)?;
        fault.serialize_field("column", &self.column)?;
        fault.serialize_field("message", &format!("{}{}", self.message, self.hint()))?;
        fault.end()
    }
}

/// A fault whose place is still in bytes: a line and a column are counted only for what is reported.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) span: Range<usize>,
    pub(super) path: String,
    pub(super) words: Words,
}
