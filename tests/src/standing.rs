//! What the events of an item add up to, by the words of docs/trees.md, and what its version list says of it: two
//! ways to the same.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::registry::Registry;

/// Version → why, and tag → version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Not offered.
    pub yanked: BTreeMap<String, String>,
    /// Offered, with something to be told.
    pub deprecated: BTreeMap<String, String>,
    /// Named.
    pub tags: BTreeMap<String, String>,
}

impl Standing {
    /// What a version list says.
    pub fn of_document(document: &Value) -> Self {
        let texts = |key: &str, text: fn(&Value) -> &Value| -> BTreeMap<String, String> {
            let object = document[key].as_object().expect("an object");
            let pair = |(name, value): (&String, &Value)| {
                (name.clone(), text(value).as_str().expect("text").to_owned())
            };
            object.iter().map(pair).collect()
        };
        Self {
            yanked: texts("yanked", |notice| &notice["reason"]),
            deprecated: texts("deprecated", |message| message),
            tags: texts("tags", |version| version),
        }
    }

    /// What a log adds up to.
    pub fn of_log(events: &[Value]) -> Self {
        events.iter().fold(Self::default(), Self::with)
    }

    /// After one more event.
    pub fn with(mut self, event: &Value) -> Self {
        let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        let version = text("version");
        match event["event"].as_str().expect("an event has its name") {
            "yank" => drop(self.yanked.insert(version, text("reason"))),
            "unyank" => drop(self.yanked.remove(&version)),
            "deprecate" => drop(self.deprecated.insert(version, text("message"))),
            "undeprecate" => drop(self.deprecated.remove(&version)),
            "tag" => drop(self.tags.insert(text("tag"), version)),
            "untag" => drop(self.tags.remove(&text("tag"))),
            "publish" => {}
            other => panic!("{other} happened"),
        }
        self
    }
}

/// The lines of an item's `releases.jsonl`; none where there is no such file.
pub fn events(registry: &Registry, item: &str) -> Vec<Value> {
    let path = registry.source().join(item).join("releases.jsonl");
    let log = fs::read_to_string(path).unwrap_or_default();
    let parse = |line: &str| serde_json::from_str(line).expect("a line is an event");
    log.lines().map(parse).collect()
}
