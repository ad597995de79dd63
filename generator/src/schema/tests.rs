//! The rules of the schemas, one by one, through the public functions.

mod robust;

use serde_json::json;

use super::*;

/// A manifest that is right; `body` stands on its third line, at column 3.
fn manifest(body: &str) -> String {
    let head = r#"{"name": "n", "namespace": "@a", "type": "registry:feature","#;
    let head = format!("{head}\n  \"version\": \"1.0.0\", \"priority\": 1");
    match body {
        "" => format!("{head}\n}}"),
        body => format!("{head},\n  {body}\n}}"),
    }
}

fn faults(text: &str) -> Vec<SchemaFault> {
    check_manifest(text.as_bytes()).expect_err(text)
}

fn shown(faults: &[SchemaFault]) -> Vec<String> {
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn a_sound_manifest_is_typed() {
    let checked = check_manifest(manifest("").as_bytes()).unwrap();
    assert_eq!(
        checked.release_id().unwrap().to_string(),
        "@a/features/n/1.0.0"
    );
}

/// One fault each: what stands on the third line, and the fault as it is printed.
fn assert_faults(table: &[(&str, &str)]) {
    for (body, fault) in table {
        assert_eq!(shown(&faults(&manifest(body))), [*fault], "{body}");
    }
}

#[test]
fn only_known_keys_may_stand_anywhere_and_each_once() {
    assert_faults(&[
        (
            r#""foo": 1"#,
            "3:3: `foo` is not a known key here (at /foo)",
        ),
        (
            r#""file": []"#,
            "3:3: `file` is not a known key here; did you mean `files`? (at /file)",
        ),
        (
            r#""a/b~": 1"#,
            "3:3: `a/b~` is not a known key here (at /a~1b~0)",
        ),
        (
            r#""languages": {"jsx": {}}"#,
            "3:17: `jsx` is not a known key here; did you mean `js`? (at /languages/jsx)",
        ),
        (
            r#""name": "n""#,
            "3:3: this key is there already; each may come once (at /name)",
        ),
        (
            r#""scripts": {"é": "x", "é": "y"}"#,
            "3:25: this key is there already; each may come once (at /scripts/é)",
        ),
        (
            r#""scripts": {"": "x"}"#,
            "3:15: this may not be empty (at /scripts/)",
        ),
    ]);
}

#[test]
fn values_have_the_types_of_the_schema() {
    assert_faults(&[
        (
            r#""tags": "x""#,
            "3:11: expected an array, found the string `x` (at /tags)",
        ),
        (
            r#""tags": ["é", 1.5]"#,
            "3:17: expected a string, found the number `1.5` (at /tags/1)",
        ),
        (
            r#""description": null"#,
            "3:18: expected a string, found `null` (at /description)",
        ),
        (
            r#""scripts": {"é": {}}"#,
            "3:20: expected a string, found an object (at /scripts/é)",
        ),
        (
            r#""tags": [""]"#,
            "3:12: this may not be empty (at /tags/0)",
        ),
        (
            r#""homepage": "x y""#,
            "3:15: `x y` is not an absolute URI, for example `https://example.com/` (at /homepage)",
        ),
        (
            r#""defaultLanguage": "TS""#,
            "3:22: `TS` is not one of \"js\", \"ts\"; did you mean `ts`? (at /defaultLanguage)",
        ),
    ]);
    for (priority, fault) in [
        (
            "-1",
            "2:35: `-1` is too small; at least 0 is expected (at /priority)",
        ),
        (
            "\"1\"",
            "2:35: expected an integer, found the string `1` (at /priority)",
        ),
        (
            "1.5",
            "2:35: expected an integer, found the number `1.5` (at /priority)",
        ),
    ] {
        let text = manifest("").replace("y\": 1", &format!("y\": {priority}"));
        assert_eq!(shown(&faults(&text)), [fault]);
    }
    // Integers all the same (JSON Schema, "integer").
    for priority in ["1.0", "18446744073709551616"] {
        let text = manifest("").replace("y\": 1", &format!("y\": {priority}"));
        assert!(check_manifest(text.as_bytes()).is_ok(), "{priority}");
    }
}

#[test]
fn names_are_judged_in_the_words_of_the_model() {
    assert_faults(&[
        (
            r#""path": "A/n""#,
            "3:11: `A/n` is not an item path: it is lower-case words of letters and digits, \
             joined by single `-` (at /path)",
        ),
        (
            r#""path": "a/files/n""#,
            "3:11: `a/files/n` is not an item path: `versions`, `files` and `tags` are reserved words (at /path)",
        ),
        (
            r#""path": "a/b/c/d/e/f/g/h/n""#,
            "3:11: `a/b/c/d/e/f/g/h/n` is not an item path: it has at most eight segments (at /path)",
        ),
        (
            r#""conflicts": ["x:py"]"#,
            "3:17: `x:py` is not an identifier: after `:` stands `js` or `ts` (at /conflicts/0)",
        ),
        (
            r#""conflicts": ["@A/x"]"#,
            "3:17: `@A` is not a namespace: after `@` it starts and ends with a lower-case letter \
             or a digit (at /conflicts/0)",
        ),
        (
            r#""registryDependencies": ["x@1.0.0"]"#,
            "3:28: only `@rack/x` may stand here: the project decides version and language \
             (at /registryDependencies/0)",
        ),
    ]);
}

#[test]
fn a_name_that_breaks_several_rules_is_one_fault() {
    let long = "A".repeat(200);
    let text = manifest("").replace("\"n\"", &format!("\"{long}\""));
    let cut = "A".repeat(80);
    assert_eq!(
        shown(&faults(&text)),
        [format!(
            "1:10: `{cut}…` is not a path segment: it is at most 64 bytes long (at /name)"
        )]
    );
}

#[test]
fn a_file_has_a_target_a_type_and_something_to_put_there() {
    assert_faults(&[
        (
            r#""files": [{"type": "registry:lib", "path": "a"}]"#,
            "3:13: `target` is required (at /files/0)",
        ),
        (
            r#""files": [{"target": "t", "type": "registry:lib"}]"#,
            "3:13: `path` is required: a file without `content` needs a `path` (at /files/0)",
        ),
        (
            r#""files": [{"target": "t", "type": "registry:lib", "path": "../a"}]"#,
            "3:61: `../a` is not a file path: no segment is `.` or `..` or ends in a dot (at /files/0/path)",
        ),
        (
            r#""languages": {"ts": {"files": [{"target": "t", "type": "registry:lib", "path": "a", "executable": 1}]}}"#,
            "3:101: expected `true` or `false`, found the number `1` (at /languages/ts/files/0/executable)",
        ),
    ]);
}

#[test]
fn a_merge_strategy_is_builtin_or_custom() {
    for (strategy, fault) in [
        (
            r#"{"type": "builtin", "strategy": "jsno"}"#,
            "3:102: `jsno` is not one of \"json\", \"ignore\", \"env\", \"overwrite\"; did you mean `json`? \
             (at /files/0/mergeStrategy/strategy)",
        ),
        (
            r#"{"type": "custom"}"#,
            "3:70: `script` is required (at /files/0/mergeStrategy)",
        ),
        (
            r#"{"type": "custm", "script": 1}"#,
            "3:79: `custm` is not one of \"builtin\", \"custom\"; did you mean `custom`? \
             (at /files/0/mergeStrategy/type)",
        ),
        (
            r#"{"type": "custom", "script": "a", "strategy": "json"}"#,
            "3:104: `strategy` is not a known key here (at /files/0/mergeStrategy/strategy)",
        ),
        (
            r#""json""#,
            "3:70: expected an object, found the string `json` (at /files/0/mergeStrategy)",
        ),
    ] {
        let body = r#""files": [{"target": "t", "type": "registry:lib", "mergeStrategy": "#;
        let body = format!(r#"{body}{strategy}, "path": "a"}}]"#);
        assert_faults(&[(&body, fault)]);
    }
}

#[test]
fn all_faults_come_at_once_in_document_order() {
    let text = r#"{
  "tags": ["", 2],
  "type": "registry:featur",
  "namespace": "a",
  "name": "files",
  "foo": 1, "foo": 2
}"#;
    assert_eq!(
        shown(&faults(text)),
        [
            "1:1: `version` is required",
            "1:1: `priority` is required",
            "2:12: this may not be empty (at /tags/0)",
            "2:16: expected a string, found the number `2` (at /tags/1)",
            "3:11: `registry:featur` is not one of \"registry:runtime\", \"registry:framework\", \"registry:build\", \
             \"registry:feature\", \"registry:testing\", \"registry:quality\"; did you mean `registry:feature`? (at /type)",
            "4:16: `a` is not a namespace: it starts with `@` (at /namespace)",
            "5:11: `files` does not fit: `versions`, `files` and `tags` are reserved (at /name)",
            "6:13: this key is there already; each may come once (at /foo)",
            "6:13: `foo` is not a known key here (at /foo)",
        ]
    );
}

#[test]
fn a_fault_is_serialized_as_the_protocol_has_it() {
    let fault = &faults(&manifest(r#""foo": 1"#))[0];
    let expected =
        json!({"path": "/foo", "line": 3, "column": 3, "message": "`foo` is not a known key here"});
    assert_eq!(serde_json::to_value(fault).unwrap(), expected);
}

#[test]
fn what_is_not_json_is_one_fault() {
    for (given, fault) in [
        (&b""[..], "1:1: not JSON: EOF while parsing a value"),
        (
            b"\xef\xbb\xbf{}",
            "1:1: not JSON: it starts with a byte order mark",
        ),
        (b"{\n \"a\xff\": 1}", "2:4: not UTF-8"),
        (b"{\"a\": 1,}", "1:9: not JSON: trailing comma"),
        (
            b"{\"a\":\n\"\xc3\xa9\" 1}",
            "2:5: not JSON: expected `,` or `}`",
        ),
        (b"{} // x", "1:4: not JSON: trailing characters"),
        (b"{\"a\": 'x'}", "1:7: not JSON: expected value"),
        (b"{}\x0b", "1:3: not JSON: trailing characters"),
        (b"{\"a\": 1e999}", "1:11: not JSON: number out of range"),
        (
            b"[\"\\ud800\"]",
            "1:9: not JSON: unexpected end of hex escape",
        ),
    ] {
        let found = check_manifest(given).unwrap_err();
        assert_eq!(shown(&found), [fault]);
    }
    let deep = "[".repeat(100_000);
    assert!(faults(&deep)[0].message.contains("recursion limit"));
}

#[test]
fn what_only_the_types_know_is_a_fault_too() {
    let text = manifest("").replace("1.0.0", "99999999999999999999.0.0");
    let rule = "it is MAJOR.MINOR.PATCH by SemVer 2.0.0, like 1.4.0";
    assert_eq!(
        shown(&faults(&text)),
        [format!(
            "2:39: `99999999999999999999.0.0` is not a version: {rule}"
        )]
    );
}

#[test]
fn a_report_is_bounded() {
    let text = manifest(&format!(r#""tags": [{}]"#, vec!["1"; 5000].join(",")));
    let found = faults(&text);
    assert_eq!(found.len(), 1000);
    assert!(found[999].message.ends_with("; 4000 more faults follow"));
}

#[test]
fn a_preset_is_checked_by_its_own_schema() {
    let sound = br#"{"name": "n", "version": "1.0.0", "registries": ["x@1.0.0:ts"]}"#;
    assert_eq!(check_preset(sound).unwrap().registries.len(), 1);
    let text = br#"{"name": "N", "version": "1", "registries": [], "type": 1}"#;
    assert_eq!(
        shown(&check_preset(text).unwrap_err()),
        [
            "1:10: `N` is not a path segment: it is lower-case words of letters and digits, joined by single `-` (at /name)",
            "1:26: `1` is not a version: it is MAJOR.MINOR.PATCH by SemVer 2.0.0, like 1.4.0 (at /version)",
            "1:45: too few entries; at least 1 is expected (at /registries)",
            "1:49: `type` is not a known key here (at /type)",
        ]
    );
}
