//! What is wrong is named, with its path, in words; nothing panics. A part that is refused does not keep the rest
//! from being built.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use rack_tests::binaries;
use rack_tests::registry::{Registry, Run};
use rack_tests::release::Release;
use serde_json::{Value, json};

/// A fault: what it is called, how it is made, and the words of which each has to be in the line that reports it.
type Fault = (&'static str, fn(&Registry), &'static [&'static str]);

/// A fault on the command line: what it is called, the arguments, the words.
type Usage = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

#[test]
fn bad_input_is_named() {
    let mut problems = Vec::new();
    for (name, make, words) in REFUSED {
        let registry = with_a_good_item();
        make(&registry);
        let run = registry.rackgen(&["build"]);
        let reported = run.names(words);
        let built = registry
            .public()
            .join("registries/@open/features/good/1.0.0/index.json");
        note(&mut problems, name, &run, 1, reported && built.exists());
    }
    for (name, make, words) in FATAL {
        let registry = with_a_good_item();
        make(&registry);
        let run = registry.rackgen(&["build"]);
        let reported = is_one_line_with(&run, words);
        note(&mut problems, name, &run, 2, reported);
    }
    for (name, args, words) in USAGE {
        let run = with_a_good_item().rackgen(args);
        let reported = is_one_line_with(&run, words);
        note(&mut problems, name, &run, 2, reported);
    }

    let (ours, theirs) = (with_a_good_item(), with_a_good_item());
    ours.build();
    theirs.build();
    let public = theirs.public().display().to_string();
    let run = ours.rackgen(&["build", "--public", &public]);
    let reported = is_one_line_with(&run, &[&public]);
    note(
        &mut problems,
        "a folder of another registry",
        &run,
        2,
        reported,
    );
    // A name that is no text is told as JSON all the same.
    let folder = ours.source().join("@open/features/good/1.0.0");
    let name = OsStr::from_bytes(b"b\xffd.txt");
    fs::write(folder.join(name), "x").expect("a file");
    let folder = folder.to_str().expect("a path in UTF-8");
    for (command, status) in [
        (&["check", folder][..], 0),
        (&["build", "--full"], 1),
        (&["verify"], 1),
    ] {
        let run = ours.rackgen(&[command, &["--format", "json"]].concat());
        let document: Value = serde_json::from_str(&run.stdout).unwrap_or_default();
        let told = document["problems"].to_string().contains("b\u{fffd}d.txt");
        note(&mut problems, command[0], &run, status, told);
    }
    // What is gated would be made where everybody reads.
    let swapped = ["build", "--public", "private", "--private", "public"];
    let run = ours.rackgen(&swapped);
    let reported = is_one_line_with(&run, &["private folder", "swapped"]);
    note(&mut problems, "swapped folders", &run, 2, reported);

    let run = ours.rackd().admin_token("").refuse();
    let reported = run.stderr.contains("RACK_ADMIN_TOKEN");
    note(&mut problems, "an empty admin token", &run, 2, reported);
    let run = ours.rackd().admin_token("t\u{f6}ken").refuse();
    let reported = run.stderr.contains("nobody could send");
    note(
        &mut problems,
        "an admin token that no header holds",
        &run,
        2,
        reported,
    );
    fs::remove_file(ours.access()).expect("a file of ours");
    let run = ours.rackd().refuse();
    let reported = run.stderr.contains("access.json");
    note(
        &mut problems,
        "a daemon without an access file",
        &run,
        2,
        reported,
    );

    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

/// A link that leads nowhere is no file that is not there: what it was to say counts.
#[test]
fn a_configuration_that_is_gone_is_not_replaced_by_defaults() {
    let registry = with_a_good_item();
    symlink("elsewhere.toml", registry.root().join("rack.toml")).expect("a link");
    for run in [
        registry.rackgen(&["build"]),
        registry.rackgen(&["doctor"]),
        Run::of({
            let mut command = registry.command(&binaries::rackd());
            command.arg("--check");
            command
        }),
    ] {
        let run = run.exits(2);
        assert!(is_one_line_with(&run, &["rack.toml"]), "{run}");
    }
}

/// Settings of the daemon, told by the name that they were given under, and with what they take.
#[test]
fn a_daemon_names_the_setting_that_does_not_fit() {
    let registry = with_a_good_item();
    let refused = |config: &str, args: &[&str], variable: (&str, &str), words: &[&str]| {
        registry.write_config(config);
        let mut command = registry.command(&binaries::rackd());
        command
            .arg("--check")
            .args(args)
            .env(variable.0, variable.1);
        let run = Run::of(command).exits(2);
        assert!(is_one_line_with(&run, words), "{run}");
    };
    let none = ("RACK_TESTS", "");
    let (count, address) = ("a whole number from 0 on", "127.0.0.1:8080");
    let in_file = |config: &str, words: &[&str]| refused(config, &[], none, words);
    in_file(
        "\ntrust_proxy = 'x'\n",
        &["rack.toml: line 2: `trust_proxy`", count],
    );
    // What the daemon could not count with would end it later.
    for key in ["max_uploads", "max_seconds", "header_time"] {
        let config = format!("[limits]\n{key} = 9223372036854775807\n");
        in_file(
            &config,
            &[&format!("rack.toml: line 2: `{key}`"), "4294967295"],
        );
    }
    in_file(
        "compression = 'slow'\n",
        &["`compression`", "`fast`, `balanced`, `best`"],
    );
    in_file("max_upload = '100XB'\n", &["`max_upload`", "100MiB"]);
    in_file(
        "[webhook]\ntimeout = '0s'\n",
        &["line 2: `timeout`", "above 0", "15s"],
    );
    in_file(
        "\n\nrate_limit = '10/s'\n",
        &["line 3: `rate_limit`", "1200/min"],
    );
    in_file(
        "log_level = 'loud'\n",
        &["`log_level` of rack.toml", "loud", "debug"],
    );
    in_file(
        "listen = '18099'\n",
        &["`listen` of rack.toml", "`18099`", address],
    );
    refused(
        "",
        &["--listen", "18099"],
        none,
        &["--listen", "`18099`", address],
    );
    refused(
        "",
        &[],
        ("PORT", "abc"),
        &["HOST and PORT: `127.0.0.1:abc`", address],
    );
    refused(
        "",
        &[],
        ("TRUST_PROXY", "10.0.0.1"),
        &["TRUST_PROXY: `10.0.0.1`", "how many"],
    );
}

/// The code of a problem is that of the answer to a publish of it.
#[test]
fn a_manifest_that_is_no_json_has_the_code_of_its_publish() {
    let registry = with_a_good_item();
    registry.put_file("@open/features/bad/1.0.0/registry.json", "{\n  oops\n}\n");
    registry.put(&Release::new("@open", "bad", "2.0.0").with("priority", -1));
    let code_of = |args: &[&str]| {
        let run = registry.rackgen(args).exits(1);
        let report: Value = serde_json::from_str(&run.stdout).expect("one document");
        let problems = report["problems"].as_array().expect("a list").iter();
        problems
            .map(|problem| problem["code"].clone())
            .collect::<Vec<_>>()
    };
    let codes = ["UPLOAD_FAILED", "SCHEMA_VALIDATION_FAILED"];
    assert_eq!(code_of(&["build", "--format", "json"]), codes);
    assert_eq!(code_of(&["check", "--format", "json", "source"]), codes);
}

/// A script for a shell is a result as any other: a full disk is named, and a reader that has seen enough is no fault.
#[test]
fn a_full_output_is_named_by_completions_too() {
    let registry = Registry::new(&json!({}));
    let run = |line: &str| {
        let mut command = registry.command(Path::new("sh"));
        command
            .args(["-c", line])
            .env("RACKGEN", binaries::rackgen());
        Run::of(command)
    };
    let full = run("\"$RACKGEN\" completions bash >/dev/full").exits(2);
    assert!(
        is_one_line_with(&full, &["standard output", "No space left"]),
        "{full}"
    );
    let full = run("\"$RACKGEN\" --help >/dev/full").exits(2);
    assert!(
        is_one_line_with(&full, &["standard output", "No space left"]),
        "{full}"
    );
    let read =
        run("{ \"$RACKGEN\" completions bash; echo $? >&2; } | head -n 1 >/dev/null").exits(0);
    assert_eq!(read.stderr.trim(), "0", "{read}");
    let whole = run("\"$RACKGEN\" completions bash | bash -n").exits(0);
    assert!(whole.stderr.is_empty(), "{whole}");
}

#[test]
fn a_variable_stands_for_its_flag() {
    let registry = with_a_good_item();
    let run = |variable: (&str, &str), args: &[&str]| {
        let mut command = registry.command(&binaries::rackgen());
        command.args(args).env(variable.0, variable.1);
        Run::of(command)
    };
    let empty = run(("RACK_TOKEN_FILE", ""), &["import", "--from", "x"]).exits(2);
    assert!(
        is_one_line_with(
            &empty,
            &["--token-file", "RACK_TOKEN_FILE is set, and empty"]
        ),
        "{empty}"
    );
    let dry = run(("RACK_DRY_RUN", "1"), &["build"]).exits(0);
    assert!(dry.stdout.contains("nothing was changed"), "{dry}");
    run(("RACK_DRY_RUN", "0"), &["build"]).exits(0);
    assert!(registry.public().join("registries/@open").exists());
}

/// Builds, and then changes bytes of the record.
fn damage_record(registry: &Registry, change: impl Fn(&mut [u8])) {
    registry.build();
    let path = registry.state().join("record.db");
    registry.write_record_over();
    let mut bytes = fs::read(&path).expect("a build leaves a record");
    change(&mut bytes);
    fs::write(&path, bytes).expect("a file of ours");
}

fn note(problems: &mut Vec<String>, name: &str, run: &Run, status: i32, reported: bool) {
    if run.status != Some(status) || !reported || run.stderr.contains("panicked") {
        problems.push(format!(
            "{name}: expected status {status} and a line that names it; {run}"
        ));
    }
}

fn is_one_line_with(run: &Run, words: &[&str]) -> bool {
    run.stderr.trim().lines().count() == 1 && run.names(words)
}

/// Faults of one version, item or preset.
const REFUSED: [Fault; 11] = [
    (
        "a manifest that is no JSON",
        |r| {
            r.put_file(
                "@open/features/bad/1.0.0/registry.json",
                "{\n  \"name\": oops\n}\n",
            )
        },
        &["@open/features/bad/1.0.0/registry.json:2:"],
    ),
    (
        "a manifest that is empty",
        |r| r.put_file("@open/features/bad/1.0.0/registry.json", ""),
        &["@open/features/bad/1.0.0/registry.json"],
    ),
    (
        "a fault of the schema",
        |r| r.put(&bad().with("priority", -1)),
        &["@open/features/bad/1.0.0/registry.json:7:", "priority"],
    ),
    (
        "a key that nobody knows",
        |r| r.put(&bad().with("colour", "blue")),
        &["@open/features/bad/1.0.0/registry.json:", "colour"],
    ),
    (
        "another namespace than the folder's",
        |r| {
            bad()
                .with("namespace", "@else")
                .put_at(&r.source(), "@open/features/bad/1.0.0")
        },
        &["@open/features/bad/1.0.0/registry.json", "@else"],
    ),
    (
        "another name than the folder's",
        |r| bad().put_at(&r.source(), "@open/features/moved/1.0.0"),
        &["@open/features/moved/1.0.0/registry.json", "bad"],
    ),
    (
        "another version than the folder's",
        |r| bad().put_at(&r.source(), "@open/features/bad/2.0.0"),
        &["@open/features/bad/2.0.0/registry.json", "1.0.0"],
    ),
    (
        "a declared file that is missing",
        |r| r.put(&bad().declared("missing.txt")),
        &["@open/features/bad/1.0.0", "missing.txt"],
    ),
    (
        "a reserved word",
        |r| bad().put_at(&r.source(), "@open/features/files/1.0.0"),
        &["@open/features/files", "reserved"],
    ),
    (
        "a preset that is no JSON",
        |r| r.put_file("presets/bad/preset.json", "{\n  oops\n}\n"),
        &["presets/bad/preset.json:2:"],
    ),
    (
        "a preset without items",
        |r| {
            let preset = json!({ "name": "bad", "version": "1.0.0", "registries": [] });
            r.put_file("presets/bad/preset.json", preset.to_string());
        },
        &["presets/bad/preset.json:1:", "registries"],
    ),
];

/// Faults that leave nothing to build, or nowhere to put it.
const FATAL: [Fault; 12] = [
    (
        "a record of the last build that is none",
        |r| damage_record(r, |bytes| bytes.fill(b'x')),
        &["record.db", "deleted"],
    ),
    (
        "a record of the last build that is damaged inside",
        |r| damage_record(r, |bytes| bytes[8192..8256].fill(0xa5)),
        &["record.db", "deleted"],
    ),
    (
        "no access file",
        |r| fs::remove_file(r.access()).expect("a file of ours"),
        &["access.json"],
    ),
    (
        "an access file that is no JSON",
        |r| r.write_access("{"),
        &["access.json"],
    ),
    (
        "an access file that is a list",
        |r| r.write_access("[]"),
        &["access.json"],
    ),
    (
        "a namespace twice in the access file",
        |r| r.write_access(r#"{ "@open": [], "@open": [{ "token": "a" }] }"#),
        &["access.json", "@open"],
    ),
    (
        "a blank token",
        |r| r.write_access(r#"{ "@open": [{ "token": " " }] }"#),
        &["access.json", "@open"],
    ),
    (
        "no source",
        |r| fs::remove_dir_all(r.source()).expect("a folder of ours"),
        &["/source"],
    ),
    (
        "an output that is somebody's folder",
        |r| put(r, "public/holiday.jpg", "not ours"),
        &["/public"],
    ),
    (
        "a state folder that is somebody's",
        |r| put(r, "state/thesis.tex", "not ours"),
        &["/state"],
    ),
    (
        "a key that is nearly one of ours",
        |r| put(r, "rack.toml", "soruce = \"items\"\n"),
        &["rack.toml", "soruce", "source"],
    ),
    (
        "a configuration that is no TOML",
        |r| put(r, "rack.toml", "source =\n"),
        &["rack.toml"],
    ),
];

/// Faults on the command line.
const USAGE: [Usage; 5] = [
    (
        "an output inside the source",
        &["build", "--public", "source/public"],
        &["source/public"],
    ),
    (
        "an output that is the other output",
        &["build", "--private", "public"],
        &["public"],
    ),
    (
        "an encoding that nobody knows",
        &["build", "--encodings", "br,lzma"],
        &["lzma"],
    ),
    (
        "an archive to standard output",
        &["pack", "source/@open/features/good/1.0.0", "--output", "-"],
        &["standard output", "name a file"],
    ),
    (
        "a flag that nobody knows",
        &["build", "--no-such-flag"],
        &["--no-such-flag"],
    ),
];

fn bad() -> Release {
    Release::new("@open", "bad", "1.0.0")
}

/// Writes beside the source, not into it.
fn put(registry: &Registry, path: &str, text: &str) {
    let path = registry.root().join(path);
    fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

fn with_a_good_item() -> Registry {
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.put(&Release::new("@open", "good", "1.0.0"));
    registry
}
