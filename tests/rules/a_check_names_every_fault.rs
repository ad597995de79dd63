//! `rackgen check` names everything that a registry would refuse a package for, all at once and each at its place:
//! for people, for programs and for a CI.

use std::fs;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::multipart::Upload;
use rack_tests::package::{Archive, gzip, tar, tar_and};
use rack_tests::random::Random;
use rack_tests::registry::{Registry, Run};
use rack_tests::release::Release;
use serde_json::{Value, json};

/// Faults of the schema, of the identity and of the files, with a tab, CRLF and more than ASCII.
const MANIFEST: &str = "{\r
  \"name\": \"naïve\", \"namespace\": \"@open\", \"version\": \"1.0.0\",\r
\t\"type\": \"registry:featur\",\t\"licence\": \"MIT\", \"priority\": 1,\r
  \"files\": [{ \"target\": \"a\", \"type\": \"registry:lib\", \"path\": \"./src/a.js\" }]\r
}\r
";

const REPORT: &str = "\
error[SCHEMA_VALIDATION_FAILED]: `naïve` is not a path segment: it is lower-case words of letters and digits, joined by single `-`
 --> item/registry.json:2:11
  |
2 |   \"name\": \"naïve\", \"namespace\": \"@open\", \"version\": \"1.0.0\",
  |           ^^^^^^^

error[SCHEMA_VALIDATION_FAILED]: `registry:featur` is not one of \"registry:runtime\", \"registry:framework\", \"registry:build\", \"registry:feature\", \"registry:testing\", \"registry:quality\"
 --> item/registry.json:3:10
  |
3 |     \"type\": \"registry:featur\",    \"licence\": \"MIT\", \"priority\": 1,
  |             ^^^^^^^^^^^^^^^^^ did you mean `registry:feature`?

error[SCHEMA_VALIDATION_FAILED]: `licence` is not a known key here
 --> item/registry.json:3:29
  |
3 |     \"type\": \"registry:featur\",    \"licence\": \"MIT\", \"priority\": 1,
  |                                   ^^^^^^^^^ did you mean `license`?

error[FILE_NOT_FOUND]: `registry.json` declares `src/a.js`, which is not in the package
 --> item/registry.json:4:62
  |
4 |   \"files\": [{ \"target\": \"a\", \"type\": \"registry:lib\", \"path\": \"./src/a.js\" }]
  |                                                              ^^^^^^^^^^^^ did you mean `src/a.ts`?

warning[UNDECLARED_FILE]: `registry.json` does not declare it, so it is not packed
--> item/src/a.ts
 = help: to declare it, add this to `files`:
         { \"target\": \"src/a.ts\", \"type\": \"registry:lib\", \"path\": \"./src/a.ts\" }

";

/// A registry with the folder `item` beside its source.
fn with_a_bad_folder() -> Registry {
    let registry = Registry::new(&json!({ "@open": [] }));
    let item = registry.root().join("item");
    fs::create_dir_all(item.join("src")).expect("a folder");
    fs::write(item.join("registry.json"), MANIFEST).expect("a file");
    fs::write(item.join("src/a.ts"), "").expect("a file");
    registry
}

#[test]
fn a_check_names_every_fault_at_its_place() {
    let run = with_a_bad_folder().rackgen(&["check", "item"]).exits(1);
    assert_eq!(run.stderr, REPORT, "{run}");
    assert_eq!(run.stdout, "1 checked: 1 cannot be published\n");
}

#[test]
fn a_check_is_one_document_for_programs() {
    let registry = with_a_bad_folder();
    let run = registry.rackgen(&["check", "--format", "json", "item"]);
    let document = document(&run.exits(1));
    assert_eq!(
        document["problems"][2],
        json!({
            "path": "item/registry.json", "line": 3, "column": 29, "end_column": 38,
            "severity": "refused", "code": "SCHEMA_VALIDATION_FAILED",
            "message": "`licence` is not a known key here", "pointer": "/licence",
            "suggestion": { "replace_with": "license" },
        })
    );
    let entry = json!({ "target": "src/a.ts", "type": "registry:lib", "path": "./src/a.ts" });
    assert_eq!(
        document["problems"][4]["suggestion"],
        json!({ "add_to_files": entry })
    );
    let counts = (&document["checked"], &document["refused"]);
    assert_eq!(counts, (&json!(1), &json!(1)));
}

#[test]
fn a_check_annotates_for_a_ci_and_reports_to_people() {
    let registry = with_a_bad_folder();
    let check = |format| {
        let run = registry.rackgen(&["check", "--annotate", format, "./item"]);
        assert!(run.stderr.starts_with("error[SCHEMA_"), "{run}");
        run.exits(1)
    };

    let github = check("github").stdout;
    assert_eq!(github.lines().count(), 5, "{github}");
    let third = github.lines().nth(2).expect("a line");
    assert_eq!(
        third,
        "::error file=item/registry.json,line=3,endLine=3,col=29,endColumn=38,title=SCHEMA_VALIDATION_FAILED\
         ::`licence` is not a known key here; did you mean `license`? (at /licence)"
    );

    let sarif = document(&check("sarif"));
    assert_eq!(sarif["version"], "2.1.0");
    let result = &sarif["runs"][0]["results"][2];
    assert_eq!(result["ruleId"], "SCHEMA_VALIDATION_FAILED");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "item/registry.json");
    assert_eq!(
        place["region"],
        json!({ "startLine": 3, "startColumn": 29, "endColumn": 38 })
    );
}

#[test]
fn a_check_of_what_is_sound_or_not_there_says_so_by_its_status() {
    let registry = with_a_bad_folder();
    registry.put(&Release::new("@open", "good", "1.0.0").undeclared("notes", "warns only"));
    let run = registry.rackgen(&["check", "source"]).exits(0);
    assert!(run.stderr.starts_with("warning[UNDECLARED_FILE]"), "{run}");
    registry.rackgen(&["check", "source", "item"]).exits(1);
    registry.rackgen(&["check", "source", "nowhere"]).exits(2);
    registry.rackgen(&["check", "public"]).exits(2);
    let both = ["check", "--annotate", "sarif", "--format", "json", "source"];
    registry.rackgen(&both).exits(2);
}

#[test]
fn a_check_of_an_archive_has_the_code_that_a_registry_answers() {
    let mut random = Random::announced("a_check_names_every_fault");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let daemon = registry.rackd().start();
    let sound = || Release::new("@open", "item", "1.0.0").file("a.txt", "a");
    let packed =
        |release: &Release, random: &mut Random| gzip(&tar(release.entries(), random), random);
    let link = tar_and(&sound(), "link", tar::EntryType::Symlink, &mut random);
    let mut cut = packed(&sound(), &mut random);
    cut.truncate(cut.len() - 9);
    let archives = [
        ("sound", packed(&sound(), &mut random)),
        (
            "schema",
            packed(&sound().with("priority", "first"), &mut random),
        ),
        (
            "path",
            packed(&sound().with("path", "features/other"), &mut random),
        ),
        (
            "no JSON",
            gzip(
                &tar(vec![("registry.json".into(), b"{".into())], &mut random),
                &mut random,
            ),
        ),
        (
            "undeclared",
            packed(&sound().undeclared("b.txt", "b"), &mut random),
        ),
        ("missing", packed(&sound().declared("b.txt"), &mut random)),
        (
            "collision",
            packed(&sound().file("A.txt", "A"), &mut random),
        ),
        (
            "large",
            packed(&sound().file("b", vec![0; 70 << 20]), &mut random),
        ),
        (
            "no manifest",
            gzip(&tar(vec![("a".into(), vec![])], &mut random), &mut random),
        ),
        ("link", gzip(&link, &mut random)),
        ("cut", cut),
        ("noise", b"noise".to_vec()),
    ];
    for (name, bytes) in archives {
        let path = registry.root().join("package.tar.gz");
        fs::write(&path, &bytes).expect("a file");
        let run = registry.rackgen(&["check", "--format", "json", "package.tar.gz"]);
        let document = document(&run);
        let problems = document["problems"].as_array().expect("a list");
        let codes: Vec<_> = problems
            .iter()
            .map(|problem| problem["code"].clone())
            .collect();

        let upload = Upload::new(Archive::of(bytes)).dry_run().request();
        let answer = upload
            .bearer(ADMIN_TOKEN)
            .send(daemon.url())
            .expect("an answer");
        assert_eq!(
            run.status,
            Some(i32::from(answer.status != 200)),
            "{name}: {run}"
        );
        if answer.status != 200 {
            assert!(
                codes.contains(&answer.code().into()),
                "{name}: {}; {run}",
                answer.code()
            );
        }
    }
}

fn document(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|fault| panic!("{fault}: {run}"))
}

/// What a build made holds the same bytes again, some of them compressed: nobody publishes from there.
#[test]
fn a_check_of_a_whole_registry_looks_at_its_source() {
    let registry = Registry::new(&json!({ "@open": [], "@team": [{ "token": "t-4e1f" }] }));
    for namespace in ["@open", "@team"] {
        // A file of that name is no manifest, but below a tree it looks like one.
        let release = Release::new(namespace, "item", "1.0.0");
        registry.put(&release.file("src/registry.json", "{ \"a\": 1 }\n".repeat(200)));
    }
    registry.build();
    let run = registry.rackgen(&["check", "."]).exits(0);
    assert!(
        run.stdout.contains("2 checked: all can be published"),
        "{run}"
    );
}
