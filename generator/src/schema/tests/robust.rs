//! Input that nobody wrote by hand for a test: what is in use, and what chance makes.

use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;

use super::manifest;
use crate::schema::document::{Document, repeats_keys};
use crate::schema::{check_manifest, check_preset, identity};

#[test]
fn every_manifest_in_use_is_accepted() {
    for tree in ["../../shared/sample", "../examples/registry"] {
        let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join(tree);
        if !tree.is_dir() {
            println!("skipped: there is no {}", tree.display());
            continue;
        }
        let mut seen = 0;
        for entry in walkdir::WalkDir::new(&tree) {
            let path = entry.unwrap().into_path();
            let outcome = match path.file_name().and_then(|name| name.to_str()) {
                Some("registry.json") => check_manifest(&std::fs::read(&path).unwrap()).err(),
                Some("preset.json") => check_preset(&std::fs::read(&path).unwrap()).err(),
                _ => continue,
            };
            assert_eq!(outcome, None, "{}", path.display());
            seen += 1;
        }
        assert!(seen > 0, "{}", tree.display());
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let key = prop_oneof![
        "name|files|path|type|tags|languages|ts|scripts",
        any::<String>()
    ];
    leaf.prop_recursive(4, 32, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Whatever is wrong, the report is in order and inside the text.
fn assert_sound_report(bytes: &[u8]) {
    let _ = identity(bytes);
    let outcomes = [check_manifest(bytes).err(), check_preset(bytes).err()];
    for found in outcomes.into_iter().flatten() {
        assert!(!found.is_empty());
        assert!(found.is_sorted_by_key(|fault| (fault.line, fault.column)));
        let lines = String::from_utf8_lossy(bytes).split('\n').count();
        assert!(
            found
                .iter()
                .all(|fault| (1..=lines).contains(&fault.line) && fault.column >= 1)
        );
        // A key may hold what steers a terminal.
        let said = found.iter().map(ToString::to_string);
        assert!(!said.collect::<String>().contains(char::is_control));
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        assert_sound_report(&bytes);
    }

    #[test]
    fn no_damage_to_a_manifest_panics(
        at in any::<prop::sample::Index>(),
        cut in 0..8_usize,
        put in "[\\[\\]{}\",:0-9a-zé\\\\\n ]{0,6}|\\PC{0,3}",
    ) {
        let mut bytes = manifest(r#""files": [{"target": "t", "type": "registry:lib", "path": "é"}]"#).into_bytes();
        let at = at.index(bytes.len());
        bytes.splice(at..(at + cut).min(bytes.len()), put.into_bytes());
        assert_sound_report(&bytes);
    }

    #[test]
    fn every_json_value_has_its_places(value in any_json()) {
        let text = serde_json::to_string_pretty(&value).unwrap();
        prop_assert!(Document::parse(text.as_bytes()).is_ok());
        prop_assert!(!repeats_keys(&text, &value));
        assert_sound_report(text.as_bytes());
    }
}
