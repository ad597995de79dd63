//! Texts as compressors meet them: the real files of `examples/registry`, varied by a seeded generator.
//!
//! In each text some words become others, the same ones throughout as a rename would; numbers change, lines go
//! missing, seeds follow each other until the length is reached. No two are alike, and the same seed gives the same text.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use fastrand::Rng;
use serde_json::{Map, Value, json};
use walkdir::WalkDir;

use crate::Result;

/// What kind of text a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Script,
    Json,
    Markdown,
    Config,
}

impl Kind {
    fn of(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("js" | "jsx" | "mjs" | "ts" | "tsx") => Self::Script,
            Some("json") => Self::Json,
            Some("md") => Self::Markdown,
            _ => Self::Config,
        }
    }
}

/// The seeds.
#[derive(Debug)]
pub(crate) struct Corpus {
    seeds: HashMap<Kind, Vec<String>>,
    words: Vec<String>,
}

/// A file of a version: its path and its bytes.
pub(crate) type Texts = Vec<(&'static str, Vec<u8>)>;

/// The files of every version beside its manifest.
const FILES: [(&str, &str, &str, Kind); 6] = [
    (
        "scripts/setup.mjs",
        "registry:script",
        "scripts/setup.mjs",
        Kind::Script,
    ),
    (
        "templates/config/app.yml",
        "registry:config",
        "config/app.yml",
        Kind::Config,
    ),
    (
        "templates/docs/usage.md",
        "registry:docs",
        "docs/usage.md",
        Kind::Markdown,
    ),
    (
        "templates/options.json",
        "registry:config",
        "options.json",
        Kind::Json,
    ),
    (
        "templates/ts/index.test.ts",
        "registry:test",
        "test/index.test.ts",
        Kind::Script,
    ),
    (
        "templates/ts/index.ts",
        "registry:lib",
        "src/index.ts",
        Kind::Script,
    ),
];

impl Corpus {
    pub(crate) fn load() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/registry");
        let mut seeds: HashMap<Kind, Vec<String>> = HashMap::new();
        for entry in WalkDir::new(root).sort_by_file_name() {
            let entry = entry?;
            // What is no text is no seed.
            if entry.file_type().is_file()
                && let Ok(text) = fs::read_to_string(entry.path())
            {
                seeds.entry(Kind::of(entry.path())).or_default().push(text);
            }
        }
        let texts = seeds.values().flatten();
        let mut words: Vec<String> = texts
            .flat_map(|text| text.split(|c: char| !c.is_ascii_alphabetic()))
            .filter(|word| word.len() > 2)
            .map(str::to_owned)
            .collect();
        words.sort();
        words.dedup();
        Ok(Self { seeds, words })
    }

    fn word(&self, rng: &mut Rng) -> &str {
        rng.choice(&self.words).map_or("", String::as_str)
    }

    fn words(&self, count: usize, rng: &mut Rng) -> String {
        let words: Vec<&str> = (0..count).map(|_| self.word(rng)).collect();
        words.join(" ")
    }

    /// A text of about this length.
    pub(crate) fn text(&self, kind: Kind, len: usize, rng: &mut Rng) -> Vec<u8> {
        let seeds = self.seeds.get(&kind).map_or(&[][..], Vec::as_slice);
        let mut names = HashMap::new();
        let mut text = String::new();
        while text.len() < len {
            for line in rng
                .choice(seeds)
                .map_or("\n", String::as_str)
                .split_inclusive('\n')
            {
                if text.len() < len && rng.f32() > 0.1 {
                    self.vary(line, &mut text, &mut names, rng);
                }
            }
        }
        text.into_bytes()
    }

    fn vary<'a>(
        &self,
        line: &'a str,
        text: &mut String,
        names: &mut HashMap<&'a str, String>,
        rng: &mut Rng,
    ) {
        let class = |c: char| (c.is_ascii_alphabetic(), c.is_ascii_digit());
        for token in line.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
            let end = token
                .find(|c: char| !c.is_ascii_alphanumeric())
                .unwrap_or(token.len());
            let (token, rest) = token.split_at(end);
            match token.chars().next().map(class) {
                Some((_, true)) => text.extend(token.chars().map(|c| match c.is_ascii_digit() {
                    true => rng.digit(10),
                    false => c,
                })),
                Some((true, _)) if token.len() > 2 => {
                    let name = names.entry(token).or_insert_with(|| match rng.u8(..10) {
                        0..6 => token.to_owned(),
                        6..9 => self.word(rng).to_owned(),
                        _ => format!("{}{}", self.word(rng), self.word(rng)),
                    });
                    text.push_str(name);
                }
                _ => text.push_str(token),
            }
            text.push_str(rest);
        }
    }

    /// The seven files of a version of an item, in the order of their paths.
    pub(crate) fn version(&self, namespace: &str, path: &str, version: &str) -> Texts {
        let mut rng = Rng::with_seed(seed(&[namespace, path, version]));
        // Of any order of magnitude from 0.2 to 8 KB alike.
        let len = |rng: &mut Rng| (200.0 * 40f64.powf(rng.f64())) as usize;
        let texts = FILES.iter().map(|(file, _, _, kind)| {
            let len = len(&mut rng);
            (*file, self.text(*kind, len, &mut rng))
        });
        let mut texts: Texts = texts.collect();
        let manifest = self.manifest(namespace, path, version, &mut rng);
        texts.push(("registry.json", manifest));
        texts.sort();
        texts
    }

    fn manifest(&self, namespace: &str, path: &str, version: &str, rng: &mut Rng) -> Vec<u8> {
        let pairs = |most: usize, value: &dyn Fn(&mut Rng) -> String, rng: &mut Rng| -> Value {
            let pair = |rng: &mut Rng| {
                let name = format!("{}-{}", self.word(rng), self.word(rng)).to_lowercase();
                (name, Value::String(value(rng)))
            };
            let count = rng.usize(1..=most);
            Value::Object((0..count).map(|_| pair(rng)).collect::<Map<_, _>>())
        };
        let range = |rng: &mut Rng| format!("^{}.{}.{}", rng.u8(..20), rng.u8(..30), rng.u8(..10));
        let script = |rng: &mut Rng| self.words(4, rng);
        let files = FILES.map(|(file, kind, target, _)| {
            json!({"target": target, "type": kind, "path": format!("./{file}")})
        });
        let description = rng.usize(8..25);
        let manifest = json!({
            "name": path.rsplit('/').next(),
            "namespace": namespace,
            "version": version,
            "type": "registry:feature",
            "path": path,
            "priority": rng.u8(1..9),
            "description": self.words(description, rng),
            "tags": [self.word(rng), self.word(rng), self.word(rng)],
            "author": self.words(2, rng),
            "license": "MIT",
            "dependencies": pairs(8, &range, rng),
            "devDependencies": pairs(6, &range, rng),
            "scripts": pairs(4, &script, rng),
            "files": files,
        });
        let mut text = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
        text.push(b'\n');
        text
    }
}

/// FNV-1a: a number from names.
pub(crate) fn seed(names: &[&str]) -> u64 {
    let bytes = names.iter().flat_map(|name| name.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}
