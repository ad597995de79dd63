//! Content types by extension (protocol.md, "Reading"): every row of the table.

use rack_tests::http::Request;
use rack_tests::release::Release;

use crate::expect::Expect;
use crate::suite::Suite;

const TYPES: [(&str, &str); 33] = [
    ("a.js", "text/javascript; charset=utf-8"),
    ("a.cjs", "text/javascript; charset=utf-8"),
    ("a.mjs", "text/javascript; charset=utf-8"),
    ("a.jsx", "text/javascript; charset=utf-8"),
    ("a.ts", "text/typescript; charset=utf-8"),
    ("a.tsx", "text/typescript; charset=utf-8"),
    ("a.css", "text/css; charset=utf-8"),
    ("a.scss", "text/x-scss; charset=utf-8"),
    ("a.less", "text/x-less; charset=utf-8"),
    ("a.html", "text/html; charset=utf-8"),
    ("a.svg", "image/svg+xml"),
    ("a.json", "application/json"),
    ("a.yaml", "text/yaml; charset=utf-8"),
    ("a.yml", "text/yaml; charset=utf-8"),
    ("a.toml", "text/toml; charset=utf-8"),
    ("a.xml", "application/xml"),
    ("a.md", "text/markdown; charset=utf-8"),
    ("a.txt", "text/plain; charset=utf-8"),
    ("a.woff", "font/woff"),
    ("a.woff2", "font/woff2"),
    ("a.ttf", "font/ttf"),
    ("a.otf", "font/otf"),
    ("a.png", "image/png"),
    ("a.gif", "image/gif"),
    ("a.jpg", "image/jpeg"),
    ("a.jpeg", "image/jpeg"),
    ("a.webp", "image/webp"),
    ("a.ico", "image/x-icon"),
    ("a.wasm", "application/octet-stream"),
    ("a.tar.gz", "application/octet-stream"),
    ("a.d.ts", "text/typescript; charset=utf-8"),
    ("LICENSE", "application/octet-stream"),
    (".gitignore", "application/octet-stream"),
];

/// An item with a file of each kind.
pub(crate) fn release() -> Release {
    let item = Release::new("@open", "types", "1.0.0").with("type", "registry:build");
    TYPES.iter().fold(item, |item, (name, media_type)| {
        item.file(&format!("files/{name}"), format!("{media_type}\n"))
    })
}

/// Every file comes with its type.
pub(crate) fn run(suite: &mut Suite) {
    let url = release().url();
    for (name, media_type) in TYPES {
        let request = Request::get(&format!("{url}/files/files/{name}"));
        let expect = Expect::status(200).header("Content-Type", media_type);
        suite.ask(&format!("types: {name}"), &request, &expect);
    }
}
