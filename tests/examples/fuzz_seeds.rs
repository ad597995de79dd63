//! Writes the first corpus of each target into `corpus/<target>/`: what is sound, for the fuzzer to spoil.

use std::io::{self, Write};
use std::path::Path;
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

fn main() -> io::Result<()> {
    let corpus = env::args().nth(1).unwrap_or_else(|| "corpus".to_owned());
    for (target, seeds) in [
        ("names", texts(&NAMES)),
        ("urls", texts(&URLS)),
        ("manifests", texts(&MANIFESTS)),
        ("codings", texts(&CODINGS)),
        ("forms", forms()),
        ("archives", archives()?),
    ] {
        let folder = Path::new(&corpus).join(target);
        fs::create_dir_all(&folder)?;
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:02}")), seed)?;
        }
    }
    Ok(())
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

const NAMES: [&str; 12] = [
    "@rack",
    "@a_b-c",
    "eslint-9",
    "1.0.0",
    "1.0.0-rc.1+build.42",
    "beta",
    "templates/.gitignore",
    "./a@2x.png",
    "@rack/quality/eslint",
    "@rack/quality/eslint/1.0.0",
    "quality/eslint@1.0.0:ts",
    "@a/x:js",
];

const URLS: [&str; 12] = [
    "/registries/@a/x",
    "/registries/%40a/x/y/versions",
    "/registries/@a/x/1.0.0",
    "/registries/@a/x/1.0.0%2Bb.1/files/src/.gitignore",
    "/registries/@a/x/tags/beta",
    "/registries/@a/x/1.0.0/yank",
    "/registries/@a/x/1.0.0/deprecation",
    "/namespaces",
    "/namespaces/@a/registries",
    "/presets/node",
    "/schemas/registry-item.json",
    "/registries/@a/..%2f/./x//",
];

const CODINGS: [&str; 6] = [
    "gzip, deflate, br, zstd",
    "br;q=1.0, gzip;q=0.5, *;q=0",
    "gzip ; q = 0",
    "identity",
    "br\ngzip;q=0.000\nzstd;Q=1",
    "GZIP,,;q=0, br;level=1;q=0",
];

const MANIFESTS: [&str; 4] = [
    r#"{"name":"n","namespace":"@a","type":"registry:feature","version":"1.0.0","priority":0}"#,
    r#"{"$schema":"https://example.com/s.json","name":"n","namespace":"@a","type":"registry:quality",
"path":"x/n","version":"1.0.0-rc.1","priority":5,"description":"d","tags":["t"],"author":"a","license":"MIT",
"homepage":"https://example.com","repository":"r","conflicts":["@a/x@1.0.0:js"],"registryDependencies":["x/y"],
"dependencies":{"a":"^1"},"devDependencies":{"b":"2"},"scripts":{"s":"run"},"defaultLanguage":"ts",
"files":[{"target":"a","type":"registry:asset","path":"./a","executable":true},
{"target":"b","type":"registry:lib","content":"b","mergeStrategy":{"type":"builtin","strategy":"json"}}],
"languages":{"ts":{"files":[{"target":"c","type":"registry:entry","path":"c",
"mergeStrategy":{"type":"custom","script":"merge.js"}}],"dependencies":{},"devDependencies":{}}}}"#,
    r#"{"name":"start","version":"1.0.0","registries":["@a/x","quality/eslint"],"tags":["\u00e9\ud83d\ude00"]}"#,
    "{\"name\": \"n\",\n  \"name\": 1e999,\n  \"priority\": -1, \"x\": [null, [[[{}]]]]}",
];

/// Each with its `Content-Type` as the first line; the checksums are those of `archive` and of nothing.
fn forms() -> Vec<Vec<u8>> {
    const FILE: &str = "Content-Disposition: form-data; name=\"package\"; filename=\"p.tgz\"\r\n\
                        Content-Type: application/gzip\r\n\r\narchive\r\n";
    const SUM: &str = "Content-Disposition: form-data; name=\"checksum\"\r\n\r\n\
                       5e3a6cfda45f9e2c5e7a2dfd31fd5a8d58f3e8e3b1a8b8b9d4c8a0f3f4f7b2cd\r\n";
    let sum = SUM.replace(
        "5e3a6cfda45f9e2c5e7a2dfd31fd5a8d58f3e8e3b1a8b8b9d4c8a0f3f4f7b2cd",
        &rackgen::model::Sha256::of(b"archive").to_string(),
    );
    let form = |parts: &[&str]| {
        let parts: String = parts.iter().map(|part| format!("--b\r\n{part}")).collect();
        format!("multipart/form-data; boundary=b\n{parts}--b--\r\n").into_bytes()
    };
    vec![
        form(&[FILE, &sum]),
        form(&[&sum, FILE]),
        form(&[FILE, SUM]),
        form(&[FILE]),
        form(&[&sum]),
        form(&[FILE, FILE, &sum]),
        form(&[]),
        form(&[&FILE.replace("application/gzip", "text/plain"), &sum]),
        form(&[&FILE.replace("archive\r\n", &"x".repeat(3000)), &sum]),
        b"multipart/form-data; boundary=\"b\"\npreamble\r\n--b\r\n\r\n\r\n--b--\r\nepilogue"
            .to_vec(),
        b"application/json\n{}".to_vec(),
    ]
}

/// Each with the byte in front that says what it is.
fn archives() -> io::Result<Vec<Vec<u8>>> {
    let mut tars = Vec::new();
    for header in [Header::new_ustar, Header::new_gnu] {
        let mut tar = Builder::new(Vec::new());
        for (path, bytes) in [("./registry.json", "{}"), ("src/a.ts", "let a")] {
            let mut header = header();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, path, bytes.as_bytes())?;
        }
        let mut folder = header();
        folder.set_entry_type(EntryType::Directory);
        folder.set_size(0);
        folder.set_mode(0o755);
        tar.append_data(&mut folder, "empty/", io::empty())?;
        tars.push(tar.into_inner()?);
    }
    let mut long = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_size(1);
    header.set_mode(0o644);
    let path = format!("{}/{}", "d".repeat(100), "f".repeat(100));
    long.append_data(&mut header, &path, &b"x"[..])?;
    tars.push(long.into_inner()?);
    let mut pax = Builder::new(Vec::new());
    pax.append_pax_extensions([("path", &b"a/b"[..]), ("mtime", b"1.5"), ("size", b"1")])?;
    let mut header = Header::new_ustar();
    header.set_size(1);
    header.set_mode(0o644);
    pax.append_data(&mut header, "x", &b"x"[..])?;
    tars.push(pax.into_inner()?);

    let mut seeds = Vec::new();
    for tar in tars {
        let mut gzip = GzEncoder::new(vec![0], Compression::default());
        gzip.write_all(&tar)?;
        seeds.push(gzip.finish()?);
        seeds.push([vec![0], zstd::bulk::compress(&tar, 3)?].concat());
        seeds.push([&[2], &tar[..]].concat());
        seeds.push([vec![1], tar].concat());
    }
    Ok(seeds)
}
