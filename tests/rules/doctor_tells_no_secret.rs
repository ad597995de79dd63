//! What `rackgen doctor` prints is fit for a bug report, whatever is wrong: no token, no hash of one, no password.

use std::fs;

use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::tree::sha256;
use serde_json::json;

#[test]
fn doctor_tells_no_secret() {
    let secret = "c4f1d0aa2b7e";
    let hash = sha256(secret.as_bytes());
    let entry = json!({ "token": secret, "mark": "CI", "expiresAt": "2026-01-01" });
    let hashed = json!({ "token": format!("sha256:{hash}") });
    let registry = Registry::new(&json!({ "@open": [], "@team": [entry, hashed] }))
        .setting("RACK_ADMIN_TOKEN", secret);
    registry.put(&Release::new("@open", "item", "1.0.0"));
    registry.build();
    fs::write(
        registry.state().join("admin-token"),
        format!("sha256:{hash}\n"),
    )
    .expect("a file");
    let told = |args: &[&str], status| {
        for format in ["text", "json"] {
            let args = [args, &["--format", format]].concat();
            let run = registry.rackgen(&args).exits(status);
            for word in [secret, &hash[..], &hash[..24]] {
                assert!(
                    !format!("{}{}", run.stdout, run.stderr).contains(word),
                    "{word}: {run}"
                );
            }
        }
    };
    told(&["doctor"], 0);
    // A file with faults is where a secret gets quoted.
    for broken in [
        json!({ "@team": [secret] }),
        json!({ "@team": secret }),
        json!({ "@team": [{ "token": secret, "publish": secret }] }),
        json!({ "@team": [{ "token": secret, "expiresAt": secret }] }),
        json!({ "@team": [{ "token": format!("sha256:{hash}0") }] }),
        json!(secret),
    ] {
        registry.write_access(broken.to_string());
        told(&["doctor"], 1);
    }
    registry.write_access("{}");
    fs::write(registry.state().join("admin-token"), secret).expect("a file");
    told(&["doctor"], 0);
    let config = registry.root().join("rack.toml");
    fs::write(
        &config,
        format!("public_url = \"https://me:{secret}@registry.example.com\"\n"),
    )
    .expect("a file");
    told(&["doctor"], 2);
}
