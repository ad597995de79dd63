//! One version of an item, as a test makes it up: a manifest and files. It can be put into a source tree by hand
//! or packed into an archive.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

/// Types and the first segment of the path that they stand for (protocol.md, "Names").
pub const TYPES: [(&str, &str); 6] = [
    ("registry:runtime", "runtimes"),
    ("registry:framework", "frameworks"),
    ("registry:build", "build"),
    ("registry:feature", "features"),
    ("registry:testing", "testing"),
    ("registry:quality", "quality"),
];

/// A version of an item. By itself it follows every rule; its methods may make it break some.
#[derive(Debug, Clone)]
pub struct Release {
    manifest: Map<String, Value>,
    files: Vec<(String, Vec<u8>)>,
}

impl Release {
    /// A `registry:feature` without files.
    pub fn new(namespace: &str, name: &str, version: &str) -> Self {
        let manifest = json!({
            "$schema": "https://registry.example.com/schemas/registry-item.json",
            "name": name,
            "namespace": namespace,
            "type": "registry:feature",
            "version": version,
            "priority": 5,
            "description": "Made up by a test, in enough words that a compressor has something to work on: \
                            a manifest in the wild has a list of files, dependencies and scripts besides.",
            "tags": ["test", "made-up"],
        });
        let Value::Object(manifest) = manifest else {
            unreachable!("the manifest is written as an object above");
        };
        Self {
            manifest,
            files: Vec::new(),
        }
    }

    /// With another value in the manifest, or without one if it is null.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        match value.into() {
            Value::Null => self.manifest.shift_remove(key),
            value => self.manifest.insert(key.to_owned(), value),
        };
        self
    }

    /// With a file that the manifest declares.
    pub fn file(self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.declared(path).undeclared(path, bytes)
    }

    /// With an entry in the manifest's `files`, and nothing else.
    pub fn declared(mut self, path: &str) -> Self {
        let entry =
            json!({ "target": path, "type": "registry:asset", "path": format!("./{path}") });
        let files = self.manifest.entry("files").or_insert_with(|| json!([]));
        files.as_array_mut().expect("`files` is a list").push(entry);
        self
    }

    /// With a file that the manifest says nothing of.
    pub fn undeclared(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.push((path.to_owned(), bytes.into()));
        self
    }

    /// The files, without the manifest.
    pub fn files(&self) -> &[(String, Vec<u8>)] {
        &self.files
    }

    /// The bytes of `registry.json`.
    pub fn manifest(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(&self.manifest).expect("JSON can be written");
        bytes.push(b'\n');
        bytes
    }

    /// The manifest and the files, as the entries of an archive.
    pub fn entries(&self) -> Vec<(String, Vec<u8>)> {
        let manifest = ("registry.json".to_owned(), self.manifest());
        [&[manifest], self.files()].concat()
    }

    /// A value of the manifest that is text, else nothing.
    pub fn text(&self, key: &str) -> &str {
        self.manifest.get(key).and_then(Value::as_str).unwrap_or("")
    }

    /// `eslint`
    pub fn name(&self) -> &str {
        self.text("name")
    }

    /// `quality/eslint`
    pub fn path(&self) -> String {
        if self.manifest.contains_key("path") {
            return self.text("path").to_owned();
        }
        let kind = self.text("type");
        let first = TYPES.iter().find(|(known, _)| *known == kind);
        format!(
            "{}/{}",
            first.map_or("", |(_, first)| first),
            self.text("name")
        )
    }

    /// `@rack/quality/eslint`
    pub fn item(&self) -> String {
        format!("{}/{}", self.text("namespace"), self.path())
    }

    /// `@rack/quality/eslint/1.0.0`
    pub fn address(&self) -> String {
        format!("{}/{}", self.item(), self.text("version"))
    }

    /// The URL path of the item.
    pub fn item_url(&self) -> String {
        format!("/registries/{}", self.item())
    }

    /// The URL path of this version.
    pub fn url(&self) -> String {
        format!("/registries/{}", self.address())
    }

    /// Many items with two versions each, for registries of some size.
    pub fn many(namespace: &str, items: usize) -> impl Iterator<Item = Self> {
        let versions = (0..items).flat_map(|item| [(item, "1.0.0"), (item, "1.1.0")]);
        versions.map(move |(item, version)| {
            let name = format!("item-{item}");
            Self::new(namespace, &name, version)
                .file("templates/.gitignore", "/target\n")
                .file(
                    "src/index.ts",
                    format!("export const item = {item}\n").repeat(30),
                )
                .file("logo.png", item.to_le_bytes())
        })
    }

    /// Puts the version into a source tree, by hand.
    pub fn put(&self, source: &Path) {
        self.put_at(source, &self.address());
    }

    /// Puts the version where it does not belong.
    pub fn put_at(&self, source: &Path, address: &str) {
        let folder = source.join(address);
        for (path, bytes) in self.entries() {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
            fs::write(path, bytes).expect("a file");
        }
    }
}
