//! No token that any test hands out is in a log, an audit log, figures, an error or a complaint. All tests look for that
//! with `secrets`; this one that they would find it.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rack_tests::registry::Registry;
use rack_tests::secrets;
use serde_json::json;

const TOKEN: &str = "secret-that-is-told-on-purpose-9b1f";
const HEADER: &str = "secret-in-a-header-on-purpose-40d2";

#[test]
fn no_secret_is_said() {
    let registry = || Registry::new(&json!({ "@team": [{ "token": TOKEN }] }));
    secrets::hand_out_header("authorization", &format!("Bearer {HEADER}"));
    for (path, secret, is_told) in [
        ("logs/000-stderr", TOKEN, true),
        ("logs/000-stdout", HEADER, true),
        ("state/audit.jsonl", TOKEN, true),
        ("state/audit-20261128T091402.113274Z.jsonl", TOKEN, true),
        ("nginx-000/main-access.log", HEADER, true),
        ("nginx-000/stderr", TOKEN, true),
        ("nginx-000/main-verdicts/a", TOKEN, false),
        ("logs/000-stderr", "what-nobody-was-given", false),
    ] {
        let registry = registry();
        let file = registry.root().join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, format!("{{\"a\":\"{secret}\"}}\n")).expect("a file");
        let ended = catch_unwind(AssertUnwindSafe(|| drop(registry)));
        assert_eq!(ended.is_err(), is_told, "{secret} in {path}");
    }
    let said = |text: String| catch_unwind(|| secrets::assert_none("an answer", text.as_bytes()));
    assert!(said(format!("{{\"message\":\"{TOKEN}\"}}")).is_err());
    assert!(said("{}".to_owned()).is_ok());
}
