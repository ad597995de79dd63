//! The registry that the cases are about. README.md lists what is in it, for those who write cases.

use std::fs;
use std::path::Path;

use rack_tests::random::Random;
use rack_tests::release::Release;
use rack_tests::tree::sha256;
use serde_json::json;

use crate::media_types;

/// May read `@team`.
pub(crate) const TEAM_READ: &str = "team-read-token";
/// May read `@team` and publish there.
pub(crate) const TEAM_PUBLISH: &str = "team-publish-token";
/// Could once.
pub(crate) const TEAM_EXPIRED: &str = "team-expired-token";
/// Kept as a hash.
const TEAM_HASHED: &str = "team-hashed-token";
/// May read `@other` and publish there.
pub(crate) const OTHER_PUBLISH: &str = "other-publish-token";

/// Versions of `@open/quality/lint`, in the order in which a hand may have made them.
const LINT: [&str; 9] = [
    "0.9.0",
    "1.0.0",
    "1.1.0+build.42",
    "1.2.0",
    "1.10.0",
    "2.0.0-alpha",
    "2.0.0-beta.1",
    "2.0.0-beta.11",
    "2.0.0-beta.2",
];

/// What happened to items, with one kind of quotes.
const LOGS: [(&str, &str); 3] = [
    (
        "@open/features/tagged",
        concat!(
            "{'event':'tag','tag':'beta','version':'2.0.0-rc.1','time':'2026-01-02T03:04:05Z','by':'seed'}\n",
            "{'event':'tag','tag':'lts-1','version':'1.1.0+build.7','time':'2026-01-02T03:04:06Z','by':'seed'}\n",
            "{'event':'yank','version':'1.2.0','reason':'broken','time':'2026-01-02T03:04:07Z','by':'seed'}\n",
            "{'event':'deprecate','version':'1.0.0','message':'old','time':'2026-01-02T03:04:08Z','by':'seed'}\n",
        ),
    ),
    (
        "@open/features/withdrawn",
        "{'event':'yank','version':'1.0.0','reason':'','time':'2026-01-02T03:04:05Z','by':'seed'}\n",
    ),
    (
        "@team/features/tagged",
        "{'event':'tag','tag':'stable','version':'1.0.0','time':'2026-01-02T03:04:05Z','by':'seed'}\n",
    ),
];

/// Writes `source/` and `access.json` into the folder.
pub(crate) fn write(folder: &Path) {
    let source = folder.join("source");
    for release in releases() {
        release.put(&source);
    }
    let put = |path: &str, bytes: &str| {
        let path = source.join(path);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    };
    for name in ["starter", "minimal"] {
        let preset = json!({
            "name": name,
            "version": "1.0.0",
            "description": "A preset for the cases, long enough for the compressors to have something to do: \
                            two items of one namespace, of which the second is there in several versions.",
            "registries": ["@open/features/auth", "@open/quality/lint@1.10.0:ts"],
        });
        put(
            &format!("presets/{name}/preset.json"),
            &format!("{preset:#}\n"),
        );
    }
    put(
        "@open/quality/lint/versions.json",
        r#"{"versions": ["6.6.6"]}"#,
    );
    put(
        "@open/build/names/1.0.0/templates/.env",
        "SECRET=not-declared\n",
    );
    put("@open/features/tags/1.0.0/registry.json", "{}");
    Release::new("@open", "moved", "1.0.0").put_at(&source, "@open/features/moved/2.0.0");
    for (item, log) in LOGS {
        put(&format!("{item}/releases.jsonl"), &log.replace('\'', "\""));
    }
    put(".healthcheck", "ok\n");
    put(".tmp/upload", "half of something\n");
    put("schema/registry-item.json", "{}\n");
    let access = access();
    fs::write(folder.join("access.json"), format!("{access:#}\n")).expect("a file");
}

fn access() -> serde_json::Value {
    json!({
        "@open": [],
        "@drop": [],
        "@empty": [],
        "@team": [
            { "token": TEAM_READ, "mark": "CI read-only" },
            { "token": TEAM_PUBLISH, "publish": true, "expiresAt": "2099-12-31T23:59:59Z" },
            { "token": TEAM_EXPIRED, "publish": true, "expiresAt": "2020-01-01T00:00:00Z" },
            { "token": format!("sha256:{}", sha256(TEAM_HASHED.as_bytes())), "mark": "hashed" },
        ],
        "@other": [{ "token": OTHER_PUBLISH, "publish": true }],
        "@vault": [{ "token": "vault-token" }],
    })
}

fn releases() -> Vec<Release> {
    let text = |words: &str| format!("{words}\n").repeat(40);
    let mut releases = vec![
        Release::new("@open", "auth", "1.0.0").file("src/auth.ts", text("export const auth = 1")),
        Release::new("@open", "jwt", "1.0.0")
            .with("path", "features/auth/jwt")
            .file("src/jwt.ts", text("export const jwt = 1")),
        Release::new("@open", "inline", "1.0.0").with(
            "files",
            json!([{ "target": ".nvmrc", "type": "registry:config", "content": "24\n" }]),
        ),
        Release::new("@open", "withdrawn", "1.0.0").file("notes.md", "# Withdrawn\n"),
        Release::new("@open", "yank", "1.0.0"),
        Release::new("@team", "tagged", "1.0.0"),
        Release::new("@drop", "first", "1.0.0"),
        Release::new("@team", "secret", "1.0.0").file("src/secret.ts", text("export const a = 1")),
        Release::new("@team", "secret", "1.1.0").file("src/secret.ts", text("export const b = 2")),
        Release::new("@other", "theirs", "1.0.0"),
        Release::new("@hidden", "ghost", "1.0.0").file("src/ghost.ts", text("export {}")),
        names(),
        sizes(),
        media_types::release(),
    ];
    releases.extend(LINT.map(|version| {
        Release::new("@open", "lint", version)
            .with("type", "registry:quality")
            .file(
                "templates/lint.config.js",
                text(&format!("export default {version:?}")),
            )
    }));
    releases.extend(
        ["1.0.0-alpha.1", "1.0.0-rc.1", "1.0.0-alpha.20"]
            .map(|version| Release::new("@open", "preview", version)),
    );
    releases.extend(
        ["1.0.0", "1.1.0+build.7", "1.2.0", "2.0.0-rc.1"]
            .map(|version| Release::new("@open", "tagged", version)),
    );
    releases.extend(["1.0.0+a", "1.0.0+b"].map(|version| Release::new("@open", "twins", version)));
    releases
}

/// Files that are called like documents, folders and variants of ours.
fn names() -> Release {
    let json = format!("[{}0]\n", "1234, ".repeat(100));
    Release::new("@open", "names", "1.0.0")
        .with("type", "registry:build")
        .file("index.json", &json[..])
        .file("data.json", &json[..])
        .file(
            "data.json.gz",
            "not what gzip makes of data.json\n".repeat(20),
        )
        .file("templates/index.json", "{}\n")
        .file("templates/.gitignore", "/target\n")
        .file("files/versions/1.0.0", "deep\n")
        .file("src/@scope+name.ts", "export const scope = 1\n")
        .file("src/..dots.js", "export const dots = 2\n")
        .undeclared("smoke.json", "{ \"smoke\": true }\n")
}

/// Files around the size from which there are variants.
fn sizes() -> Release {
    let mut random = Random::seeded(7);
    Release::new("@open", "sizes", "1.0.0")
        .with("type", "registry:testing")
        .file("empty.txt", "")
        .file("below.txt", "x".repeat(255))
        .file("edge.txt", "x".repeat(256))
        .file(
            "large.txt",
            "All work and no play makes a registry.\n".repeat(2000),
        )
        .file("noise.txt", random.bytes(4096))
        .file("noise.png", random.bytes(4096))
        .file("zeros.bin", vec![0; 4096])
}
