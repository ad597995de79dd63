//! What a hand does to a source tree.

use std::fs::{self, File};
use std::path::Path;

use rack_tests::tree::tree;
use serde_json::json;

use super::World;

impl World {
    /// The version folders that there are.
    fn folders(&self) -> Vec<String> {
        let files = tree(&self.registry.source()).into_keys();
        // What a kill left of an upload is no version.
        let files = files.filter(|path| !path.starts_with(".staging/"));
        let folders =
            files.filter_map(|path| Some(path.strip_suffix("/registry.json")?.to_owned()));
        folders.collect()
    }

    fn a_folder(&mut self) -> Option<String> {
        let mut folders = self.folders();
        let count = folders.len() as u64;
        (count > 0).then(|| folders.swap_remove(self.random.below(count) as usize))
    }

    /// A hand changes a version: once, or twice within no time.
    pub(super) fn edit(&mut self) {
        let Some(address) = self.a_folder() else {
            return self.put();
        };
        for _ in 0..=self.random.below(2) {
            self.edit_once(&address);
        }
    }

    fn edit_once(&mut self, address: &str) {
        let folder = self.registry.source().join(address);
        let (text, manifest) = (folder.join("src/index.ts"), folder.join("registry.json"));
        let kind = self.random.below(9);
        self.note(format!("edit {address}, {kind}"));
        let digit = self.random.below(10).to_string();
        let same_size = |path: &Path, from: &str| {
            let bytes = fs::read_to_string(path).ok()?;
            let at = bytes.find(from)? + from.len();
            Some(format!("{}{digit}{}", &bytes[..at], &bytes[at + 1..]))
        };
        match kind {
            0 => write_if(&text, same_size(&text, "it = ")),
            // As tools do that mean to hide it, or to keep times.
            1 => {
                let time = text.metadata().and_then(|metadata| metadata.modified());
                write_if(&text, same_size(&text, "it = "));
                if let (Ok(time), Ok(file)) = (time, File::options().append(true).open(&text)) {
                    file.set_modified(time).expect("a file of ours");
                }
            }
            2 => write_if(&text, Some(format!("// {digit}\n").repeat(40))),
            3 => write_if(&folder.join(self.any(&["more.md", ".env"])), Some(digit)),
            4 => write_if(&manifest, Some(format!("{{ \"oops\": {digit}"))),
            5 => write_if(&manifest, same_size(&manifest, "\"priority\": ")),
            // Another file of the same name and size, with an old time.
            6 => {
                let aside = self.registry.root().join("aside.ts");
                write_if(&aside, same_size(&text, "it = "));
                if aside.exists() {
                    let file = File::options()
                        .append(true)
                        .open(&aside)
                        .expect("a file of ours");
                    let time = text.metadata().and_then(|metadata| metadata.modified());
                    file.set_modified(time.expect("a time"))
                        .expect("a file of ours");
                    fs::rename(&aside, &text).expect("a file of ours");
                }
            }
            7 => drop(fs::remove_file(text)),
            _ => {
                fs::remove_dir_all(&folder).expect("a folder of ours");
                if let Some(release) = self.made.get(address) {
                    self.registry.put(release);
                }
            }
        }
    }

    /// A version, an item or a namespace goes, with what is below it.
    pub(super) fn take_out(&mut self) {
        let Some(address) = self.a_folder() else {
            return self.put();
        };
        let levels = self.random.below(3) as usize;
        let folder = Path::new(&address).ancestors().nth(levels);
        let folder = self
            .registry
            .source()
            .join(folder.expect("a namespace at least"));
        let aside = self
            .registry
            .root()
            .join(format!("aside-{}", self.log.len()));
        self.note(format!("take out {}", folder.display()));
        fs::rename(&folder, &aside).expect("a folder of ours");
        self.aside.push((aside, folder));
    }

    pub(super) fn put_back(&mut self) {
        let Some((aside, folder)) = self.aside.pop() else {
            return self.take_out();
        };
        self.note(format!("put back {}", folder.display()));
        if !folder.exists() {
            fs::create_dir_all(folder.parent().expect("a parent")).expect("a folder");
            fs::rename(aside, folder).expect("a folder of ours");
        }
    }

    pub(super) fn preset(&mut self) {
        let name = self.any(&["start", "more"]);
        let path = format!("presets/{name}/preset.json");
        self.note(format!("preset {name}"));
        if self.chance(3) {
            fs::remove_dir_all(self.registry.source().join("presets").join(name)).ok();
            return;
        }
        let about = self.random.below(10).to_string().repeat(300);
        let preset = json!({ "name": name, "version": "1.0.0", "registries": ["@a/z"], "description": about });
        self.registry.put_file(&path, preset.to_string());
    }
}

fn write_if(path: &Path, text: Option<String>) {
    if let Some(text) = text {
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
}
