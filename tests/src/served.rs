//! A source tree held against what a daemon makes of it.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::http::Request;
use crate::proved;
use crate::registry::Registry;
use crate::tree::{copy, tree};

/// Builds a copy of a source tree, open to everyone, and asks for every file that protocol.md gives a URL: each one
/// has to come back byte for byte. A tree that is not there is no failure, but it is said.
pub fn assert_served(source: &Path) {
    if !source.is_dir() {
        println!("SKIPPED: there is no {}", source.display());
        return;
    }
    let registry = Registry::new(&open_to_all(source));
    copy(source, &registry.source());
    registry.build();
    let daemon = registry.rackd().unhurried().start();

    let urls = tree(source)
        .into_keys()
        .filter_map(|path| Some((url_of(&path)?, path)));
    let urls: Vec<(String, String)> = urls.collect();
    assert!(!urls.is_empty(), "{} has no items", source.display());
    let faults = urls.iter().filter_map(|(url, path)| {
        let bytes = fs::read(source.join(path)).expect("a file's bytes");
        fault(daemon.url(), url, &bytes)
    });
    let faults: Vec<String> = faults.collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let name = source.file_name().unwrap_or_default().display();
    proved(
        &format!("{name} is served byte for byte"),
        format!("{} files", urls.len()),
    );
}

/// What is wrong with the answer, if anything is.
fn fault(daemon: &str, url: &str, bytes: &[u8]) -> Option<String> {
    match Request::get(url).send(daemon) {
        Err(fault) => Some(format!("{url}: {fault}")),
        Ok(answer) if answer.status != 200 => {
            Some(format!("{url}: {} {}", answer.status, answer.code()))
        }
        Ok(answer) if answer.body != bytes => Some(format!("{url}: other bytes")),
        Ok(_) => None,
    }
}

/// An access file that declares every namespace of the tree.
fn open_to_all(source: &Path) -> Value {
    let names = fs::read_dir(source).expect("a folder").flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let namespaces: Map<String, Value> = names
        .filter(|name| name.starts_with('@'))
        .map(|name| (name, json!([])))
        .collect();
    Value::Object(namespaces)
}

/// The URL path of a file in a source tree, if it has one.
fn url_of(path: &str) -> Option<String> {
    if let Some(preset) = path.strip_prefix("presets/") {
        return Some(format!("/presets/{}", preset.strip_suffix("/preset.json")?));
    }
    if !path.starts_with('@') {
        return None;
    }
    // Segments hold no dot and versions two, so the first dotted one is the version.
    let segments: Vec<&str> = path.split('/').collect();
    let version = segments.iter().position(|segment| segment.contains('.'))?;
    let (release, file) = segments.split_at(version + 1);
    match file {
        [] => None,
        ["registry.json"] => Some(format!("/registries/{}", release.join("/"))),
        file => Some(format!(
            "/registries/{}/files/{}",
            release.join("/"),
            file.join("/")
        )),
    }
}
