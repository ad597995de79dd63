//! Writes the first corpus of each fuzz target into `<folder>/<target>/`: what is sound, for the fuzzer to spoil, and the
//! archives that the rules send.

use std::io::{self, Read};
use std::path::Path;
use std::{env, fs};

use flate2::read::GzDecoder;
use rack_tests::tree::sha256;
use rack_tests::{hostile, sound};

fn main() -> io::Result<()> {
    let corpus = env::args()
        .nth(1)
        .unwrap_or_else(|| "fuzz/corpus".to_owned());
    for (target, seeds) in [
        ("names", texts(&NAMES)),
        ("urls", texts(&URLS)),
        ("manifests", texts(&MANIFESTS)),
        ("codings", texts(&CODINGS)),
        ("forms", forms()),
        ("archives", archives()),
    ] {
        let folder = Path::new(&corpus).join(target);
        fs::create_dir_all(&folder)?;
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:03}")), seed)?;
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
    let sum =
        |sum: &str| format!("Content-Disposition: form-data; name=\"checksum\"\r\n\r\n{sum}\r\n");
    let (sum, wrong) = (sum(&sha256(b"archive")), sum(&sha256(b"")));
    let form = |parts: &[&str]| {
        let parts: String = parts.iter().map(|part| format!("--b\r\n{part}")).collect();
        format!("multipart/form-data; boundary=b\n{parts}--b--\r\n").into_bytes()
    };
    vec![
        form(&[FILE, &sum]),
        form(&[&sum, FILE]),
        form(&[FILE, &wrong]),
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

/// Each with the byte in front that says what it is: here the archive; and where it is gzip, the tar in it, whose
/// checksums are made right.
fn archives() -> Vec<Vec<u8>> {
    let sound = sound::archives().into_iter().map(|(_, _, bytes)| bytes);
    let hostile = hostile::archives().into_iter().map(|case| case.bytes);
    sound
        .chain(hostile)
        .filter(|archive| archive.len() < LARGEST)
        .flat_map(|archive| {
            let mut tar = vec![2];
            let is_tar = GzDecoder::new(&archive[..]).read_to_end(&mut tar).is_ok();
            let is_tar = is_tar && tar.len() < LARGEST;
            [Some([&[0], &archive[..]].concat()), is_tar.then_some(tar)]
        })
        .flatten()
        .collect()
}

/// Bytes of a seed: the larger they are, the fewer are tried.
const LARGEST: usize = 16 << 10;
