//! A text that is JSON in the strict sense, with its value and the places in it. Schemas may not enter.

use std::ops::Range;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::fault::{Found, SchemaFault};
use super::position::Positions;
use super::words::Words;

/// Faults in one report. Nobody mends more in one go, and a hostile manifest must not become a huge answer.
const FAULTS_MAX: usize = 1000;

/// A JSON document and where everything stands in it.
#[derive(Debug)]
pub struct Document<'a> {
    text: &'a str,
    pub(super) value: Value,
    pub(super) positions: Positions<'a>,
}

/// Bytes as JSON: UTF-8, no byte order mark, nothing that RFC 8259 does not have.
pub(super) fn strict_json(bytes: &[u8]) -> Result<(&str, Value), SchemaFault> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let text = String::from_utf8_lossy(valid);
            return Err(fault_at(&text, text.len(), "not UTF-8"));
        }
    };
    if text.starts_with('\u{feff}') {
        let message = "not JSON: it starts with a byte order mark".to_owned();
        return Err(SchemaFault {
            is_syntax: true,
            ..SchemaFault::of_document(message)
        });
    }
    match serde_json::from_str(text) {
        Ok(value) => Ok((text, value)),
        Err(error) => Err(fault_of_serde(text, "not JSON: ", &error)),
    }
}

/// Whether an object in the value of a text had a key more than once: then the text has more members than the value.
pub(super) fn repeats_keys(text: &str, value: &Value) -> bool {
    let (mut members, mut in_string) = (0, false);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            // The next one is escaped, and may be a quote.
            b'\\' => _ = bytes.next(),
            b':' if !in_string => members += 1,
            _ => {}
        }
    }
    members != members_of(value)
}

fn members_of(value: &Value) -> usize {
    match value {
        Value::Array(elements) => elements.iter().map(members_of).sum(),
        Value::Object(members) => members.len() + members.values().map(members_of).sum::<usize>(),
        _ => 0,
    }
}

/// The document as the type that its schema describes.
pub(super) fn typed<T: DeserializeOwned>(text: &str, value: Value) -> Result<T, SchemaFault> {
    // Where a fault is only the text tells.
    serde_json::from_value(value)
        .or_else(|_| serde_json::from_str(text))
        .map_err(|error| SchemaFault {
            is_syntax: false,
            ..fault_of_serde(text, "", &error)
        })
}

impl<'a> Document<'a> {
    /// Parses it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, SchemaFault> {
        let (text, value) = strict_json(bytes)?;
        Self::of(text, value)
    }

    /// A text and its value.
    pub(super) fn of(text: &'a str, value: Value) -> Result<Self, SchemaFault> {
        // Whatever the two parsers may disagree on is no JSON either.
        let positions = Positions::of(text).map_err(|error| {
            let message = format!("not JSON: {}", error.kind());
            fault_at(text, error.range().start, &message)
        })?;
        Ok(Self {
            text,
            value,
            positions,
        })
    }

    /// The keys that their object has had before: readers differ in which one they take.
    pub(super) fn repeated_keys(&self) -> Vec<Found> {
        let found = |(path, span): &(String, Range<usize>)| Found {
            span: span.clone(),
            path: path.clone(),
            words: Words::plain("this key is there already; each may come once"),
        };
        self.positions.repeated.iter().map(found).collect()
    }

    /// The faults in document order, each once, with lines and columns.
    pub(super) fn report(&self, mut found: Vec<Found>) -> Vec<SchemaFault> {
        found.sort_by_key(|fault| fault.span.start);
        found.dedup();
        let more = found.len().saturating_sub(FAULTS_MAX);
        found.truncate(FAULTS_MAX);
        if let (1.., Some(last)) = (more, found.last_mut()) {
            let note = format!("; {more} more faults follow");
            last.words.message.push_str(&note);
        }
        let mut place = Place::START;
        let placed = |fault: Found| {
            place.advance(self.text, fault.span.start);
            place.fault(self.text, fault)
        };
        found.into_iter().map(placed).collect()
    }

    /// A fault of the value that this pointer names, found by other rules than a schema's.
    pub fn fault(&self, pointer: &str, message: String, meant: Option<String>) -> SchemaFault {
        let found = Found {
            span: self.positions.value(pointer),
            path: pointer.to_owned(),
            words: Words { message, meant },
        };
        Place::of(self.text, found.span.start).fault(self.text, found)
    }
}

/// An offset as people count; it only moves forward, so that a report costs one walk along the text.
#[derive(Clone, Copy)]
struct Place {
    offset: usize,
    line: usize,
    column: usize,
}

impl Place {
    const START: Self = Self {
        offset: 0,
        line: 1,
        column: 1,
    };

    fn of(text: &str, offset: usize) -> Self {
        let mut place = Self::START;
        place.advance(text, offset);
        place
    }

    fn advance(&mut self, text: &str, offset: usize) {
        for c in text.get(self.offset..offset).unwrap_or_default().chars() {
            match c {
                '\n' => (self.line, self.column) = (self.line + 1, 1),
                _ => self.column += 1,
            }
        }
        self.offset = offset;
    }

    /// The fault that begins here. Keys and values are within one line, since JSON strings are.
    fn fault(self, text: &str, fault: Found) -> SchemaFault {
        let mut end = self;
        end.advance(text, fault.span.end);
        SchemaFault {
            path: fault.path,
            line: self.line,
            column: self.column,
            end_column: end.column,
            message: fault.words.message,
            meant: fault.words.meant,
            is_syntax: false,
        }
    }
}

/// A fault of the text at one character, before there are values in it.
fn fault_at(text: &str, offset: usize, message: &str) -> SchemaFault {
    let rest = text.get(offset..).unwrap_or_default();
    let on_this_line = rest.chars().next().filter(|c| !"\r\n".contains(*c));
    let found = Found {
        span: offset..offset + on_this_line.map_or(0, char::len_utf8),
        path: String::new(),
        words: Words::plain(message),
    };
    SchemaFault {
        is_syntax: true,
        ..Place::of(text, offset).fault(text, found)
    }
}

/// `serde_json` counts columns in bytes, from 0 where a line has just begun, and ends its messages with the place.
fn fault_of_serde(text: &str, prefix: &str, error: &serde_json::Error) -> SchemaFault {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&place).unwrap_or(&message);
    let lines_before = error.line().saturating_sub(1);
    let start: usize = text
        .split_inclusive('\n')
        .take(lines_before)
        .map(str::len)
        .sum();
    let line = text[start..].split('\n').next().unwrap_or_default();
    let bytes_before = error.column().saturating_sub(1).min(line.len());
    let offset = start + line.floor_char_boundary(bytes_before);
    fault_at(text, offset, &format!("{prefix}{message}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_keys_are_noticed_in_any_object_however_they_are_escaped() {
        for (text, repeats) in [
            (r#"{"a": {"a": 1}, "b": [{"a": {}}, {"a": []}]}"#, false),
            (r#"{":": ":", "\":\\": "\\", "\\": ":"}"#, false),
            (r#"[{"a": 1, "a": 1}]"#, true),
            (r#"{"x": {"c": "\"", "\u0063": 2}}"#, true),
        ] {
            let (_, value) = strict_json(text.as_bytes()).unwrap();
            assert_eq!(repeats_keys(text, &value), repeats, "{text}");
        }
    }
}
