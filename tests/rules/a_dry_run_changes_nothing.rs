//! `rackgen build --dry-run` says what a build would write, replace and remove, with sizes, and leaves all folders as they
//! are; the build after it does just that.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::tree::{assert_same, everything, tree};
use serde_json::{Value, json};

#[test]
fn a_dry_run_changes_nothing() {
    let registry = Registry::new(&json!({ "@open": [], "@team": [], "@gone": [] }));
    Release::many("@open", 3).for_each(|release| registry.put(&release));
    Release::many("@team", 1).for_each(|release| registry.put(&release));
    Release::many("@gone", 1).for_each(|release| registry.put(&release));
    registry.put_file("presets/start/preset.json", preset("start"));
    registry.build();
    // A build that was killed left this; whoever comes next clears it away, but not to say something.
    fs::create_dir(registry.public().join(".staging")).expect("a folder");
    fs::write(registry.public().join(".staging/left"), "half of something").expect("a file");

    let steps: [(&str, &dyn Fn()); 7] = [
        ("nothing", &|| ()),
        ("a new item", &|| {
            registry.put(&Release::new("@open", "new", "1.0.0").file("a.ts", "let a\n".repeat(90)))
        }),
        ("an edit", &|| {
            registry.put_file(
                "@open/features/item-0/1.1.0/src/index.ts",
                "export const other = 1\n",
            )
        }),
        ("a version and an item that are gone", &|| {
            for folder in ["@open/features/item-1/1.0.0", "@open/features/item-2"] {
                fs::remove_dir_all(registry.source().join(folder)).expect("a folder of ours");
            }
        }),
        ("presets", &|| {
            fs::remove_dir_all(registry.source().join("presets/start")).expect("a folder of ours");
            registry.put_file("presets/more/preset.json", preset("more"));
        }),
        ("other readers", &|| {
            registry.write_access(
                r#"{ "@open": [], "@team": [{ "token": "secret-of-the-team-0b6e" }] }"#,
            )
        }),
        ("other encodings", &|| ()),
    ];
    for (what, change) in steps {
        change();
        let encodings = if what == "other encodings" {
            "gzip"
        } else {
            "br,gzip"
        };
        let run = |args: &[&str]| {
            registry
                .rackgen(&[args, &["--encodings", encodings]].concat())
                .exits(0)
        };
        let before = everything(&registry);
        let text = run(&["build", "--dry-run"]);
        let said: Value =
            serde_json::from_str(&run(&["build", "--dry-run", "--format", "json"]).stdout)
                .expect("JSON");
        assert_same(
            &format!("a dry run after {what}"),
            &before,
            &everything(&registry),
        );
        let said = planned(&said);
        for (url, (action, ..)) in &said {
            let has_line = |line: &str| {
                line.starts_with(action.as_str()) && line.contains(&format!(" {url} ("))
            };
            assert!(text.stdout.lines().any(has_line), "{what}: {url} in {text}");
        }

        let before = identities(&registry);
        run(&["build"]);
        let done = done(&before, &identities(&registry));
        assert_same(&format!("a build after {what}"), &said, &done);
        assert_eq!(said.is_empty(), what == "nothing", "{what}: {said:?}");
    }
}

fn preset(name: &str) -> String {
    json!({ "name": name, "version": "1.0.0", "registries": ["@open/features/item-0"] }).to_string()
}

/// URL → what is done, the size before and after.
type Actions = BTreeMap<String, (String, Option<u64>, Option<u64>)>;

fn planned(report: &Value) -> Actions {
    let planned = report["planned"].as_array().into_iter().flatten();
    let line = |line: &Value| {
        let text = |key: &str| line[key].as_str().expect("a text").to_owned();
        assert!(!text("why").is_empty());
        (
            text("url"),
            (
                text("action"),
                line["before"].as_u64(),
                line["after"].as_u64(),
            ),
        )
    };
    planned.map(line).collect()
}

/// URL → the file that answers it: which, and how large. One that is written anew is another.
type Identities = BTreeMap<String, ((PathBuf, u64), u64)>;

fn identities(registry: &Registry) -> Identities {
    let mut found = Identities::new();
    for root in [registry.public(), registry.private()] {
        for path in tree(&root)
            .into_keys()
            .filter(|path| !path.starts_with('.'))
        {
            let url = match path.contains("/files/") {
                true => &path,
                false => path.strip_suffix("/index.json").unwrap_or(&path),
            };
            let metadata = root.join(&path).metadata().expect("a file's metadata");
            let file = ((root.clone(), metadata.ino()), metadata.len());
            found.insert(format!("/{url}"), file);
        }
    }
    found
}

fn done(before: &Identities, after: &Identities) -> Actions {
    let mut done = Actions::new();
    for (url, (file, size)) in after {
        match before.get(url) {
            None => drop(done.insert(url.clone(), ("write".to_owned(), None, Some(*size)))),
            Some((old, old_size)) if old != file => {
                done.insert(
                    url.clone(),
                    ("replace".to_owned(), Some(*old_size), Some(*size)),
                );
            }
            Some(_) => {}
        }
    }
    for (url, (_, size)) in before {
        if !after.contains_key(url) {
            done.insert(url.clone(), ("remove".to_owned(), Some(*size), None));
        }
    }
    done
}
