//! A 201 is true for everyone: who reads through nginx sees the version, the list, latest, the listing and the files
//! at once, also where nginx has just said that they are not there.

use std::collections::BTreeMap;

use rack_tests::coding::decode;
use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::http::{Connection, Request, Response};
use rack_tests::multipart::Upload;
use rack_tests::nginx::with_daemon;
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::{proved, rounds};
use serde_json::{Value, json};

const CODINGS: [&str; 3] = ["identity", "br", "gzip"];

#[test]
fn a_publish_is_visible_through_nginx() {
    let mut random = Random::announced("a_publish_is_visible_through_nginx");
    let registry =
        Registry::new(&json!({ "@open": [], "@team": [{ "token": "secret-of-the-team-0b6e" }] }));
    let (nginx, _daemon) = with_daemon(&registry);
    let mut reader = Reader {
        // Kept, so that it talks to one worker all along.
        connection: Connection::new(&nginx.url()),
        coding: "",
    };
    let mut newest = BTreeMap::new();
    let publishes = rounds(20, 500);
    for number in 0..publishes {
        let release = release(number, &newest, &mut random);
        reader.coding = CODINGS[random.below(3) as usize];
        // Whoever remembers what was not there is wrong in a moment.
        for url in reader.urls(&release) {
            reader.ask(&url);
        }
        let upload = Upload::new(Archive::pack(&release, &mut random));
        let answer = upload.request().bearer(ADMIN_TOKEN).send(&nginx.url());
        let answer = answer.expect("an answer");
        assert_eq!(
            answer.status,
            201,
            "{}: {}",
            release.address(),
            answer.json()
        );
        let latest = newest
            .entry(release.item())
            .or_insert_with(|| release.clone());
        if minor(&release) >= minor(latest) {
            *latest = release.clone();
        }
        reader.sees(&release, latest);
    }
    let items = newest.len();
    assert!(
        items > 3 && items < publishes,
        "{items} items in {publishes} publishes"
    );
    proved(
        "a publish is visible through nginx",
        format!("{publishes} publishes into {items} items, each readable at once"),
    );
}

/// A new item, or a version of one that is there: mostly the next, now and then one that fell behind.
fn release(number: usize, newest: &BTreeMap<String, Release>, random: &mut Random) -> Release {
    let known: Vec<&Release> = newest.values().collect();
    let (namespace, name, version) = match known.len() < 4 || random.below(4) == 0 {
        true => {
            let namespace = ["@open", "@team"][random.below(2) as usize];
            (
                namespace.to_owned(),
                format!("item-{number}"),
                "1.1000.0".to_owned(),
            )
        }
        false => {
            let known = known[random.below(known.len() as u64) as usize];
            let minor = match random.below(4) {
                0 => number,
                _ => 1001 + number,
            };
            (
                known.text("namespace").to_owned(),
                known.name().to_owned(),
                format!("1.{minor}.0"),
            )
        }
    };
    Release::new(&namespace, &name, &version)
        .file(
            "src/index.ts",
            format!("export const number = {number}\n").repeat(40),
        )
        .file("logo.png", number.to_le_bytes())
}

/// What versions differ in.
fn minor(release: &Release) -> u64 {
    let minor = release.text("version").split('.').nth(1);
    minor
        .and_then(|minor| minor.parse().ok())
        .expect("a number")
}

struct Reader {
    connection: Connection,
    coding: &'static str,
}

impl Reader {
    fn urls(&self, release: &Release) -> Vec<String> {
        let item = release.item_url();
        let listing = format!("/namespaces/{}/registries", release.text("namespace"));
        let mut urls = vec![
            release.url(),
            item.clone(),
            format!("{item}/versions"),
            listing,
        ];
        urls.extend(
            release
                .files()
                .iter()
                .map(|(path, _)| format!("{}/files/{path}", release.url())),
        );
        urls
    }

    fn ask(&mut self, url: &str) -> Response {
        let request = Request::get(url).header("Accept-Encoding", self.coding);
        self.connection
            .ask(&request.bearer("secret-of-the-team-0b6e"))
            .expect("an answer")
    }

    /// The body of what has to be there.
    fn read(&mut self, url: &str) -> Vec<u8> {
        let answer = self.ask(url);
        assert_eq!(answer.status, 200, "{url}: {}", answer.json());
        decode(answer.header("Content-Encoding"), &answer.body).expect("that coding")
    }

    fn list(&mut self, url: &str, key: &str) -> Vec<Value> {
        let body: Value = serde_json::from_slice(&self.read(url)).expect("JSON");
        body[key].as_array().expect("a list").clone()
    }

    fn sees(&mut self, release: &Release, latest: &Release) {
        let address = release.address();
        assert!(
            self.read(&release.url()) == release.manifest(),
            "the manifest of {address}"
        );
        for (path, bytes) in release.files() {
            let url = format!("{}/files/{path}", release.url());
            assert!(self.read(&url) == *bytes, "{url}");
        }
        assert!(
            self.read(&release.item_url()) == latest.manifest(),
            "latest after {address}"
        );
        let namespace = release.text("namespace");
        for (url, key, member) in [
            (
                format!("{}/versions", release.item_url()),
                "versions",
                release.text("version").to_owned(),
            ),
            (
                format!("/namespaces/{namespace}/registries"),
                "registries",
                release.path(),
            ),
            ("/namespaces".to_owned(), "namespaces", namespace.to_owned()),
        ] {
            let list = self.list(&url, key);
            assert!(
                list.contains(&json!(member)),
                "{url} after {address}: {list:?}"
            );
        }
    }
}
