//! The manifest of a publish, and the files that it declares.

use rack_tests::multipart::Upload;
use rack_tests::package::{Archive, gzip, tar};
use rack_tests::release::Release;
use serde_json::{Value, json};

use super::{ask, upload};
use crate::expect::Expect;
use crate::suite::Suite;

/// Runs the cases.
pub(super) fn run(suite: &mut Suite) {
    no_manifest(suite);
    schema(suite);
    all_faults_at_once(suite);
    declared_and_there(suite);
}

/// Entries of an archive.
type Entries = Vec<(String, Vec<u8>)>;

fn no_manifest(suite: &mut Suite) {
    let release = suite.fresh("@drop");
    let manifest = |bytes: &[u8]| -> Entries {
        let manifest = ("registry.json".to_owned(), bytes.to_vec());
        [vec![manifest], release.files().to_vec()].concat()
    };
    let without = |key: &str| release.clone().with(key, json!(null)).entries();
    let two_folders = release.entries().into_iter().enumerate();
    let two_folders = two_folders.map(|(n, (path, bytes))| (format!("folder-{n}/{path}"), bytes));
    let elsewhere = release
        .clone()
        .with("path", "features/something-else")
        .entries();
    for (name, entries) in [
        ("no registry.json", release.files().to_vec()),
        ("registry.json in one of two folders", two_folders.collect()),
        ("registry.json is no JSON", manifest(b"{ \"name\": ")),
        ("registry.json is empty", manifest(b"")),
        ("registry.json is a list", manifest(b"[]")),
        (
            "registry.json is not UTF-8",
            manifest(b"{ \"name\": \"\xff\" }"),
        ),
        ("no namespace", without("namespace")),
        ("no name", without("name")),
        ("no version", without("version")),
        ("a path that does not end in the name", elsewhere),
    ] {
        let tar = tar(entries, &mut suite.random);
        let upload = Upload::new(Archive::of(gzip(&tar, &mut suite.random)));
        ask(suite, name, &upload, &Expect::error(400, "UPLOAD_FAILED"));
    }
}

fn schema(suite: &mut Suite) {
    for (name, key, value) in [
        ("no priority", "priority", json!(null)),
        ("a negative priority", "priority", json!(-1)),
        ("a fractional priority", "priority", json!(1.5)),
        ("a key that nobody knows", "colour", json!("blue")),
        ("$schema is no URI", "$schema", json!("not a uri")),
        ("homepage is no URI", "homepage", json!("not a uri")),
        ("an empty tag", "tags", json!([""])),
        ("description is a number", "description", json!(5)),
        ("a script without words", "scripts", json!({ "lint": "" })),
        (
            "a dependency without a name",
            "dependencies",
            json!({ "": "1" }),
        ),
        (
            "a dependency without a version",
            "devDependencies",
            json!({ "a": "" }),
        ),
        (
            "a conflict that is no identifier",
            "conflicts",
            json!(["Not One"]),
        ),
        (
            "a dependency with a version",
            "registryDependencies",
            json!(["@open/features/auth@1.0.0"]),
        ),
        (
            "a dependency with a language",
            "registryDependencies",
            json!(["features/auth:ts"]),
        ),
        (
            "a language that nobody knows",
            "languages",
            json!({ "py": {} }),
        ),
        (
            "a default language that nobody knows",
            "defaultLanguage",
            json!("py"),
        ),
        (
            "a file without target",
            "files",
            json!([{ "type": "registry:lib", "content": "a" }]),
        ),
        (
            "a file of no type",
            "files",
            json!([{ "target": "a", "content": "a" }]),
        ),
        (
            "a file of unknown type",
            "files",
            file_with(json!({ "type": "registry:feature" })),
        ),
        (
            "a file without path and content",
            "files",
            json!([{ "target": "a", "type": "registry:lib" }]),
        ),
        (
            "a file with a key that nobody knows",
            "files",
            file_with(json!({ "mode": "0755" })),
        ),
        (
            "executable is a word",
            "files",
            file_with(json!({ "executable": "yes" })),
        ),
        (
            "a merge strategy that nobody knows",
            "files",
            file_with(json!({
                "mergeStrategy": { "type": "builtin", "strategy": "xml" }
            })),
        ),
        (
            "a custom strategy without script",
            "files",
            file_with(json!({
                "mergeStrategy": { "type": "custom" }
            })),
        ),
        (
            "a file path that escapes",
            "files",
            file_with(json!({ "path": "../outside" })),
        ),
    ] {
        let release = suite.fresh("@drop").with(key, value);
        let upload = upload(suite, &release);
        ask(
            suite,
            name,
            &upload,
            &Expect::error(400, "SCHEMA_VALIDATION_FAILED"),
        );
    }
}

/// A list of one file, right but for this.
fn file_with(extra: Value) -> Value {
    let mut file = json!({ "target": "a", "type": "registry:lib", "content": "a" });
    for (key, value) in extra.as_object().into_iter().flatten() {
        file[key] = value.clone();
    }
    json!([file])
}

/// The list has every fault, with its place in the file.
fn all_faults_at_once(suite: &mut Suite) {
    let release = suite
        .fresh("@drop")
        .with("priority", -1)
        .with("tags", json!([""]));
    let manifest = String::from_utf8(release.manifest()).expect("JSON is UTF-8");
    let line_of = |text: &str| {
        1 + manifest
            .lines()
            .take_while(|line| !line.contains(text))
            .count()
    };
    let expected = [
        ("/priority", line_of("\"priority\"")),
        ("/tags/0", line_of("\"tags\"") + 1),
    ];
    let upload = upload(suite, &release);
    let expect = Expect::error(400, "SCHEMA_VALIDATION_FAILED");
    let Some(answer) = ask(suite, "two faults in one manifest", &upload, &expect) else {
        return;
    };
    suite.check("publish: every fault is listed with its place", |_| {
        let body = answer.json();
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        let listed = |(pointer, line): &(&str, usize)| {
            errors.iter().any(|error| {
                let has_words = error["message"]
                    .as_str()
                    .is_some_and(|words| !words.is_empty());
                let has_column = error["column"].as_u64().is_some_and(|column| column > 0);
                error["path"] == *pointer && error["line"] == *line && has_words && has_column
            })
        };
        let missing = expected.iter().filter(|fault| !listed(fault));
        Ok(missing
            .map(|(pointer, line)| format!("no {pointer} in line {line} in {body}"))
            .collect())
    });
}

fn declared_and_there(suite: &mut Suite) {
    let created = Expect::status(201);
    let undeclared = Expect::error(400, "UNDECLARED_FILE");
    let missing = Expect::error(400, "FILE_NOT_FOUND");
    type Change = fn(Release) -> Release;
    let cases: [(&str, Change, &Expect); 10] = [
        ("a manifest and nothing else", |r| r, &created),
        (
            "a declared dotfile",
            |r| r.file("templates/.gitignore", "x"),
            &created,
        ),
        (
            "a file that is not declared",
            |r| r.undeclared("extra.txt", "x"),
            &undeclared,
        ),
        (
            "a dotfile that is not declared",
            |r| r.undeclared(".env", "x"),
            &undeclared,
        ),
        (
            "a declared file that is not there",
            |r| r.declared("missing.txt"),
            &missing,
        ),
        (
            "a file of a language",
            |r| of_language(r).undeclared("src/a.ts", "x"),
            &created,
        ),
        (
            "a file of a language that is not there",
            of_language,
            &missing,
        ),
        (
            "a merge script",
            |r| merged(r).undeclared("merge.mjs", "x"),
            &created,
        ),
        ("a merge script that is not there", merged, &missing),
        (
            "a merge script of a language",
            |r| merged_by_language(r).undeclared("merge.mjs", "x"),
            &created,
        ),
    ];
    for (name, change, expect) in cases {
        let release = change(suite.bare("@drop"));
        let upload = upload(suite, &release);
        ask(suite, name, &upload, expect);
    }
}

fn of_language(release: Release) -> Release {
    let file = json!({ "target": "a.ts", "type": "registry:lib", "path": "src/a.ts" });
    release.with("languages", json!({ "ts": { "files": [file] } }))
}

fn merged(release: Release) -> Release {
    release.with("files", merge_files())
}

fn merged_by_language(release: Release) -> Release {
    release.with("languages", json!({ "js": { "files": merge_files() } }))
}

fn merge_files() -> Value {
    json!([{
        "target": "a", "type": "registry:config", "content": "a",
        "mergeStrategy": { "type": "custom", "script": "./merge.mjs" },
    }])
}
