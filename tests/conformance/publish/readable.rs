//! A 201 says that everything is readable: all six URLs, at once, however the archive was packed.

use rack_tests::http::Request;
use rack_tests::multipart::Upload;
use rack_tests::package::{Archive, gzip, tar, zstd};
use rack_tests::release::{Release, TYPES};
use serde_json::{Value, json};

use super::{ask_as, upload};
use crate::expect::Expect;
use crate::seed::{TEAM_PUBLISH, TEAM_READ};
use crate::suite::{Suite, unless};

/// Runs the cases.
pub(super) fn run(suite: &mut Suite) {
    let admin = suite.target().admin.clone();
    for (kind, first) in TYPES {
        let release = suite.fresh("@drop").with("type", kind);
        let upload = upload(suite, &release);
        created(
            suite,
            &format!("a {kind} into {first}"),
            &upload,
            &release,
            &admin,
        );
    }
    let release = suite.fresh("@drop");
    let deep = format!("tools/a/b/{}", release.name());
    let release = release.with("path", deep);
    let packed = upload(suite, &release);
    created(
        suite,
        "an item with a path of its own",
        &packed,
        &release,
        &admin,
    );

    let release = suite.fresh("@team");
    let packed = upload(suite, &release);
    created(suite, "a gated item", &packed, &release, TEAM_PUBLISH);
    let request = Request::get(&release.url());
    suite.ask(
        "readable: a gated item needs a token",
        &request,
        &Expect::error(401, "UNAUTHORIZED"),
    );

    packed_in_every_way(suite, &admin);
    latest_follows(suite, &admin);
}

/// Publishes, and reads all six URLs.
fn created(suite: &mut Suite, name: &str, upload: &Upload, release: &Release, token: &str) {
    let expect = Expect::status(201).json_has(json!({
        "message": "Registry uploaded successfully",
        "namespace": release.text("namespace"),
        "name": release.name(),
        "version": release.text("version"),
        "path": release.address(),
    }));
    if ask_as(suite, name, upload, token, &expect).is_some() {
        readable(suite, name, release);
    }
}

fn readable(suite: &mut Suite, name: &str, release: &Release) {
    let namespace = release.text("namespace").to_owned();
    let mut expected = vec![
        (release.item_url(), release.manifest()),
        (release.url(), release.manifest()),
    ];
    expected.extend(
        release
            .files()
            .iter()
            .map(|(path, bytes)| (format!("{}/files/{path}", release.url()), bytes.clone())),
    );
    for (url, bytes) in expected {
        suite.check(&format!("readable: {name}: {url}"), |target| {
            let answer = Request::get(&url).bearer(TEAM_READ).send(&target.url)?;
            let same = answer.status == 200 && answer.body == bytes;
            let problem = || format!("got {} {}, or other bytes", answer.status, answer.code());
            Ok(unless(same, problem))
        });
    }
    let (path, version) = (release.path(), release.text("version").to_owned());
    for (url, key, member) in [
        (
            format!("{}/versions", release.item_url()),
            "versions",
            version,
        ),
        (
            format!("/namespaces/{namespace}/registries"),
            "registries",
            path,
        ),
        ("/namespaces".to_owned(), "namespaces", namespace),
    ] {
        suite.check(&format!("readable: {name}: {url}"), |target| {
            let body = Request::get(&url)
                .bearer(TEAM_READ)
                .send(&target.url)?
                .json();
            let member = Value::from(member);
            let listed = body[key]
                .as_array()
                .is_some_and(|list| list.contains(&member));
            Ok(unless(listed, || format!("no {member} in {body}")))
        });
    }
}

/// However an archive is packed, the same files come out.
fn packed_in_every_way(suite: &mut Suite, admin: &str) {
    type Rename = fn(&str) -> String;
    let ways: [(&str, Rename); 3] = [
        ("paths as they are", |path| path.to_owned()),
        ("paths that begin with ./", |path| format!("./{path}")),
        ("one folder around it all", |path| {
            format!("package-1.0.0/{path}")
        }),
    ];
    for (name, rename) in ways {
        for coding in ["gzip", "zstd"] {
            let release = suite
                .fresh("@drop")
                .file("templates/.gitignore", "/target\n");
            let entries = release.entries().into_iter();
            let entries = entries
                .map(|(path, bytes)| (rename(&path), bytes))
                .collect();
            let tar = tar(entries, &mut suite.random);
            let bytes = match coding {
                "gzip" => gzip(&tar, &mut suite.random),
                _ => zstd(&tar),
            };
            let upload = Upload::new(Archive::of(bytes));
            created(
                suite,
                &format!("{name}, {coding}"),
                &upload,
                &release,
                admin,
            );
        }
    }
}

/// The pointers move as soon as the answer is there; what is not newer does not move them.
fn latest_follows(suite: &mut Suite, admin: &str) {
    let item = suite.fresh("@drop");
    for (version, latest) in [
        ("1.0.0-rc.1", "1.0.0-rc.1"),
        ("1.0.0", "1.0.0"),
        ("1.1.0-rc.1", "1.0.0"),
        ("0.9.0", "1.0.0"),
        ("1.10.0", "1.10.0"),
        ("1.9.0+build.7", "1.10.0"),
    ] {
        let release = item.clone().with("version", version);
        let upload = upload(suite, &release);
        ask_as(
            suite,
            &format!("{version} of one item"),
            &upload,
            admin,
            &Expect::status(201),
        );
        let expect = Expect::status(200).json_has(json!({ "version": latest }));
        let name = format!("readable: after {version} latest is {latest}");
        suite.ask(&name, &Request::get(&item.item_url()), &expect);
        let request = Request::get(&release.url());
        let expect = Expect::status(200).json_has(json!({ "version": version }));
        suite.ask(&format!("readable: {version} is there"), &request, &expect);
    }
    let expect = Expect::status(200).json_has(json!({
        "versions": ["1.10.0", "1.9.0+build.7", "1.1.0-rc.1", "1.0.0", "1.0.0-rc.1", "0.9.0"],
    }));
    let request = Request::get(&format!("{}/versions", item.item_url()));
    suite.ask("readable: the versions are in order", &request, &expect);
}
