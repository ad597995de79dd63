//! What would be right: guesses that a person looks at. Nothing is decided by them.

use crate::model::FilePath;
use crate::report::{NewEntry, Suggestion};
use crate::schema::nearest;

/// The entry that would declare this file.
pub(super) fn declare(file: &FilePath) -> Suggestion {
    let target = file.as_str();
    Suggestion::AddToFiles(NewEntry {
        target: target.strip_prefix("templates/").unwrap_or(target).into(),
        role: role(file),
        path: format!("./{file}"),
    })
}

/// What a file is usually for, by its name.
fn role(file: &FilePath) -> &'static str {
    let name = file.name().to_ascii_lowercase();
    let is_test = [".test.", ".spec."].iter().any(|mark| name.contains(mark));
    match file.extension().unwrap_or_default() {
        _ if is_test => "registry:test",
        "md" | "txt" => "registry:docs",
        "json" | "yaml" | "yml" | "toml" | "ini" | "env" => "registry:config",
        "sh" | "bash" => "registry:script",
        "png" | "jpg" | "jpeg" | "gif" | "svg" | "ico" | "webp" | "woff" | "woff2" | "ttf"
        | "otf" => "registry:asset",
        _ if name.starts_with('.') || name.contains(".config.") => "registry:config",
        _ => "registry:lib",
    }
}

/// The file that a declared path was probably meant for: the same but for a slip, or of that name elsewhere.
pub(super) fn nearest_file<'a>(missing: &FilePath, spare: &'a [FilePath]) -> Option<&'a str> {
    let paths = || spare.iter().map(FilePath::as_str);
    let elsewhere = || spare.iter().find(|file| file.name() == missing.name());
    nearest(missing.as_str(), paths()).or_else(|| elsewhere().map(FilePath::as_str))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::check_manifest;

    fn path(text: &str) -> FilePath {
        text.parse().unwrap()
    }

    #[test]
    fn a_suggested_entry_is_valid() {
        for file in [
            "templates/.gitignore",
            "a.test.ts",
            "README.md",
            "s/run.sh",
            "LICENSE",
        ] {
            let Suggestion::AddToFiles(entry) = declare(&path(file)) else {
                panic!("an entry");
            };
            let printed: serde_json::Value = serde_json::from_str(&entry.to_string()).unwrap();
            assert_eq!(printed, serde_json::to_value(&entry).unwrap());
            let manifest = json!({
                "name": "n", "namespace": "@a", "type": "registry:feature", "version": "1.0.0", "priority": 0,
                "files": [printed],
            });
            let manifest = check_manifest(manifest.to_string().as_bytes()).unwrap();
            assert_eq!(manifest.declared_files().next(), Some(&path(file)));
        }
    }

    #[test]
    fn the_nearest_file_is_a_slip_away_or_has_the_same_name() {
        let spare = ["src/main.ts", "templates/vite.config.ts", "other.md"].map(path);
        for (missing, near) in [
            ("src/main.js", Some("src/main.ts")),
            ("SRC/main.ts", Some("src/main.ts")),
            ("vite.config.ts", Some("templates/vite.config.ts")),
            ("logo.png", None),
        ] {
            assert_eq!(nearest_file(&path(missing), &spare), near, "{missing}");
        }
    }
}
