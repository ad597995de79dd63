//! A registry with a namespace that is watched: open or gated, with words in it that nobody may see when it is gated.

use std::fs;

use serde_json::json;

use crate::coding::decode;
use crate::http::Response;
use crate::registry::Registry;
use crate::release::Release;

/// In every file of the namespace that is watched.
pub const CANARY: &str = "canary-93be27d1";
/// In the name of each of its items.
pub const NAME: &str = "hush-3e02";
/// What its addresses are asked for in.
pub const CODINGS: [&str; 4] = ["identity", "br", "gzip", "zstd"];
/// How many items it has.
pub const ITEMS: usize = 3;

/// Built, and open.
pub fn registry() -> Registry {
    let registry = Registry::new(&json!(null)).setting("RACK_ENCODINGS", "br,gzip,zstd");
    for item in 0..ITEMS {
        let name = format!("{NAME}-{item}");
        let text = format!("// {CANARY}\n").repeat(40);
        let release = Release::new("@moody", &name, "1.0.0").with("tags", json!([CANARY]));
        registry.put(
            &release
                .file("src/index.ts", text)
                .file(&format!("{NAME}.png"), CANARY),
        );
        registry.put(&Release::new("@open", &format!("item-{item}"), "1.0.0"));
    }
    decide(&registry, false);
    registry.build();
    registry
}

/// Says who may read it; those with the token `moody`, if it is gated.
pub fn decide(registry: &Registry, is_gated: bool) {
    let moody = match is_gated {
        true => json!([{ "token": "secret-of-the-moody-71c3" }]),
        false => json!([]),
    };
    let access = json!({ "@open": [], "@other": [{ "token": "other" }], "@moody": moody });
    // As an editor does: nobody ever reads half of it.
    let new = registry.root().join("access.json.new");
    fs::write(&new, access.to_string()).expect("a file");
    fs::rename(new, registry.access()).expect("a file of ours");
}

/// Every address that is watched, in every coding.
pub fn everything() -> impl Iterator<Item = (String, &'static str)> {
    let urls = urls("@moody").into_iter();
    urls.flat_map(|url| CODINGS.map(|coding| (url.clone(), coding)))
}

/// Every address of a namespace.
pub fn urls(namespace: &str) -> Vec<String> {
    let mut urls = vec![format!("/namespaces/{namespace}/registries")];
    for item in 0..ITEMS {
        let item = format!("/registries/{namespace}/features/{NAME}-{item}");
        urls.push(item.clone());
        urls.push(format!("{item}/versions"));
        urls.push(format!("{item}/1.0.0"));
        urls.push(format!("{item}/1.0.0/files/src/index.ts"));
        urls.push(format!("{item}/1.0.0/files/{NAME}.png"));
    }
    urls
}

/// Whether an answer tells anything of what is watched, but for what the client said itself.
pub fn shows(answer: &Response, url: &str) -> bool {
    let body = decode(answer.header("Content-Encoding"), &answer.body);
    let body = body.unwrap_or_else(|_| answer.body.clone());
    let text = format!("{} {:?}", String::from_utf8_lossy(&body), answer.headers);
    text.contains(CANARY) || (text.contains(NAME) && !url.contains(NAME))
}
