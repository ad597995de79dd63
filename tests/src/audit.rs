//! The audit log, as `rackgen audit` tells it.

use serde_json::Value;

use crate::registry::Registry;

/// The lines that these flags of `rackgen audit` ask for, the oldest first.
pub fn audit(registry: &Registry, flags: &[&str]) -> Vec<Value> {
    let args = [&["audit", "--format", "json"], flags].concat();
    parse(&registry.rackgen(&args).exits(0).stdout)
}

/// Lines of JSON, each whole.
pub fn parse(text: &str) -> Vec<Value> {
    let line = |line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{line}: {why}"));
    text.lines().map(line).collect()
}
