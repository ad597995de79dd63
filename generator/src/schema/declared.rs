//! The files that a manifest declares, read as far as they can be: a report of all faults goes on past those of the
//! schema. Whether the files are there is decided elsewhere; of a valid manifest `Manifest::declared_files` says
//! the same.

use serde_json::Value;

use super::Document;
use super::pointer;
use crate::model::FilePath;

impl Document<'_> {
    /// Every file that is declared, with the pointer to where; a path may come twice. What is no file path is left
    /// out, the schema says that.
    pub fn declared_files(&self) -> Vec<(FilePath, String)> {
        let languages = ["/languages/js", "/languages/ts"];
        let lists = std::iter::once("").chain(languages);
        let mut declared = Vec::new();
        for list in lists.map(|around| format!("{around}/files")) {
            let entries = self.value.pointer(&list).and_then(Value::as_array);
            for (index, entry) in entries.into_iter().flatten().enumerate() {
                let mut entry_pointer = list.clone();
                pointer::push(&mut entry_pointer, &index.to_string());
                let is_custom = entry.pointer("/mergeStrategy/type") == Some(&"custom".into());
                let script = is_custom.then_some("/mergeStrategy/script");
                declared.extend(["/path"].into_iter().chain(script).filter_map(|key| {
                    let text = entry.pointer(key)?.as_str()?;
                    let file = FilePath::declared(text).ok()?;
                    Some((file, format!("{entry_pointer}{key}")))
                }));
            }
        }
        declared
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::check_manifest;

    /// One entry of each kind that there is.
    fn manifest() -> Value {
        json!({
            "name": "n", "namespace": "@a", "type": "registry:feature", "version": "1.0.0", "priority": 0,
            "files": [
                {"target": "a", "type": "registry:lib", "path": "./a.ts"},
                {"target": "b", "type": "registry:lib", "content": "text",
                 "mergeStrategy": {"type": "custom", "script": "./merge.js"}},
                {"target": "c", "type": "registry:lib", "path": "c",
                 "mergeStrategy": {"type": "builtin", "strategy": "json"}},
            ],
            "languages": {
                "js": {"files": [{"target": "d", "type": "registry:lib", "path": "js/d"}]},
                "ts": {"files": [{"target": "d", "type": "registry:lib", "path": "ts/d"}]},
            },
        })
    }

    #[test]
    fn a_valid_manifest_declares_the_same_files_to_all_readers() {
        let text = manifest().to_string();
        let typed = check_manifest(text.as_bytes()).unwrap();
        let document = Document::parse(text.as_bytes()).unwrap();
        let read = document.declared_files();
        let files: Vec<_> = typed.declared_files().map(FilePath::as_str).collect();
        assert_eq!(files, ["a.ts", "merge.js", "c", "js/d", "ts/d"]);
        assert!(read.iter().map(|(file, _)| file.as_str()).eq(files));
        for (file, pointer) in &read {
            let said = document.value.pointer(pointer).unwrap().as_str().unwrap();
            assert_eq!(said.trim_start_matches("./"), file.as_str());
        }
    }

    #[test]
    fn files_are_read_past_faults_of_the_schema() {
        let mut value = manifest();
        value["priority"] = json!("first");
        value["files"][0] = json!({"path": "./a.ts"});
        value["files"][2] = json!({"path": "../c"});
        value["languages"]["js"] = json!([]);
        let text = value.to_string();
        let read = Document::parse(text.as_bytes()).unwrap().declared_files();
        let files: Vec<_> = read.iter().map(|(file, _)| file.as_str()).collect();
        assert_eq!(files, ["a.ts", "merge.js", "ts/d"]);
    }
}
