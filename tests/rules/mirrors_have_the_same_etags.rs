//! A tag means the same everywhere and always: on a mirror that `scripts/mirror` made, and on the tree that a build
//! made again from nothing, as far as versions and files go.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::SystemTime;

use rack_tests::binaries;
use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::http::{Connection, Request};
use rack_tests::mirror::{self, RsyncDaemon};
use rack_tests::nginx::{Nginx, with_daemon};
use rack_tests::proved;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::tree::{Entry, assert_same, tree};
use rack_tests::wait;
use serde_json::json;

const ENCODINGS: &str = "br,gzip,zstd";
const CODINGS: [&str; 4] = ["identity", "br", "gzip", "zstd"];

#[test]
fn mirrors_have_the_same_etags() {
    let mut random = Random::announced("mirrors_have_the_same_etags");
    let registry = with_history(&mut random);
    let nginx = registry.nginx().unhurried().start();
    let tags = tags(&registry, &nginx);

    let mirror = Registry::new(&json!({})).setting("RACK_ENCODINGS", ENCODINGS);
    until_the_clock_went_on(&registry);
    mirror::push(&registry.public(), &mirror.public());
    let mirrored = mirror.nginx().unhurried().start();
    let on_mirror = self::tags(&registry, &mirrored);
    assert_same("on the mirror", &tags, &on_mirror);

    fs::remove_dir_all(registry.public()).expect("a tree of ours");
    fs::remove_file(registry.state().join("record.db")).expect("a record");
    registry.build();
    let again = self::tags(&registry, &nginx);
    let lasting = |tags: &Tags| -> Tags {
        let lasting = tags.iter().filter(|(url, _)| is_of_a_version(url));
        lasting
            .map(|(url, tag)| (url.clone(), tag.clone()))
            .collect()
    };
    assert_same(
        "after it was built again",
        &lasting(&tags),
        &lasting(&again),
    );
    assert_same("its addresses", &addresses(&tags), &addresses(&again));
    proved(
        "mirrors have the same tags",
        format!(
            "{} representations; {} of versions and files also when built again",
            tags.len(),
            lasting(&tags).len()
        ),
    );
}

/// rsync gives what it reads the time that it saw before it began to read.
#[test]
fn a_file_that_is_replaced_while_it_is_copied_has_no_old_tag() {
    let Replaced { old, new, copied } = Replaced::while_a_mirror_reads(":");
    let (new, copied) = (new.expect("a file"), copied.expect("a file"));
    assert_eq!(old.len, new.len);
    assert!(
        copied == old || copied == new,
        "{old:?}, {new:?}, {copied:?}"
    );
}

/// So it has to be read again, which nobody can once it was removed.
#[test]
fn a_file_that_is_removed_before_it_is_read_again_is_not_copied() {
    let Replaced { new, copied, .. } = Replaced::while_a_mirror_reads(
        "if [ -e $TMPDIR/*/side/$LATEST ]; then rm -rf $RACK_SOURCE/@open/features/item; $RACKGEN build; fi",
    );
    assert_eq!((new, copied), (None, None));
}

/// What became of a pointer whose bytes were read with the time of those before.
struct Replaced {
    /// At the origin, when the mirror began to read.
    old: Entry,
    /// At the origin, when it was done.
    new: Option<Entry>,
    /// On the mirror.
    copied: Option<Entry>,
}

impl Replaced {
    /// The command runs at the origin before each connection of the mirror.
    fn while_a_mirror_reads(before: &str) -> Self {
        let mut random = Random::announced("mirrors_have_the_same_etags");
        let registry = Registry::new(&json!({ "@open": [] }));
        // The manifests have one length, and the preset comes before them and keeps rsync busy.
        registry.put(&Release::new("@open", "item", "1.0.0"));
        let long = hex::encode(random.bytes(1 << 19));
        let preset = json!({ "name": "long", "version": "1.0.0", "registries": ["@open/features/item"],
            "description": long });
        registry.put_file("presets/long/preset.json", preset.to_string());
        registry.build();
        let latest = "registries/@open/features/item/index.json";
        let old = tree(&registry.public())[latest].clone();

        let mirror = Registry::new(&json!({}));
        let aside = mirror.root().join("aside");
        fs::create_dir(&aside).expect("a folder");
        let source = RsyncDaemon::serving(&registry.public(), registry.root().join("rsyncd.conf"));
        let mut pull = source.pull_with(&mirror.public(), before);
        registry.lend(&mut pull);
        let pull = pull
            .args(["--", "--bwlimit=1m"])
            .env("RACKGEN", binaries::rackgen())
            .env("TMPDIR", &aside)
            .env("LATEST", latest);
        let mut pull = pull.stdout(Stdio::null()).spawn().expect("the script runs");
        wait::until("the preset to be on its way", wait::LONG, || {
            let mut runs = fs::read_dir(&aside).expect("a folder of ours");
            let run = runs.next()?.expect("a folder of the run").path();
            run.join("side/presets/long").exists().then_some(())
        });
        registry.put(&Release::new("@open", "item", "1.1.0"));
        registry.build();
        assert!(pull.wait().expect("a child can be waited for").success());
        Self {
            old,
            new: tree(&registry.public()).remove(latest),
            copied: tree(&mirror.public()).remove(latest),
        }
    }
}

/// A build shows an original and then its variants: whoever copies in between has to do without them.
#[test]
fn a_mirror_has_no_variant_of_other_bytes() {
    let registry = Registry::new(&json!({ "@open": [] }));
    Release::many("@open", 20).for_each(|release| registry.put(&release));
    registry.build();
    let mirror = registry.root().join("mirror");
    mirror::push(&registry.public(), &mirror);
    let list = "namespaces/@open/registries/index.json";
    let variant = format!(".variants/br/{list}");
    assert!(mirror.join(&variant).exists());

    let kept = registry.root().join("kept");
    fs::rename(registry.public().join(&variant), &kept).expect("a variant");
    registry.put(&Release::new("@open", "another", "1.0.0"));
    registry.build();
    let (now, then) = (
        registry.public().join(&variant),
        registry.root().join("now"),
    );
    fs::rename(&now, &then).expect("a variant");
    fs::rename(&kept, &now).expect("a file");
    mirror::push(&registry.public(), &mirror);
    assert_eq!(tree(&mirror)[list], tree(&registry.public())[list]);
    assert!(!mirror.join(&variant).exists());

    fs::rename(&then, &now).expect("a file");
    mirror::push(&registry.public(), &mirror);
    let all = |folder: &Path| tree(&folder.join(".variants"));
    assert_same(
        "when the build is done",
        &all(&registry.public()),
        &all(&mirror),
    );
}

/// Address and coding → tag and coding of the answer.
type Tags = BTreeMap<String, String>;

/// Asks for everything in the public tree.
fn tags(registry: &Registry, nginx: &Nginx) -> Tags {
    let mut connection = Connection::new(&nginx.url());
    let mut tags = Tags::new();
    for path in tree(&registry.public())
        .into_keys()
        .filter(|path| !path.starts_with('.'))
    {
        let is_file = path.contains("/files/") || path.starts_with("schemas/");
        let url = match is_file {
            true => &path[..],
            false => path.strip_suffix("/index.json").expect("a document"),
        };
        for coding in CODINGS {
            let request = Request::get(&format!("/{url}")).header("Accept-Encoding", coding);
            let answer = connection.ask(&request).expect("an answer");
            assert_eq!(answer.status, 200, "{url}: {answer:?}");
            let tag = answer.header("ETag").expect("an ETag");
            let sent = answer.header("Content-Encoding").unwrap_or("identity");
            tags.insert(format!("/{url} in {coding}"), format!("{tag} in {sent}"));
        }
    }
    assert!(tags.values().any(|tag| tag.ends_with(" in br")), "{tags:?}");
    tags
}

fn addresses(tags: &Tags) -> BTreeMap<String, ()> {
    tags.keys().map(|address| (address.clone(), ())).collect()
}

/// Whether an address has a version among its segments, so that its bytes never change.
fn is_of_a_version(url: &str) -> bool {
    let is_version = |segment: &str| {
        segment.starts_with(|first: char| first.is_ascii_digit()) && segment.contains('.')
    };
    url.split(['/', ' ']).any(is_version)
}

/// Built more than once, so that the times of one address have a past; a part of it was uploaded.
fn with_history(random: &mut Random) -> Registry {
    let registry =
        Registry::new(&json!({ "@open": [], "@team": [{ "token": "secret-of-the-team-0b6e" }] }))
            .setting("RACK_ENCODINGS", ENCODINGS);
    Release::many("@open", 3).for_each(|release| registry.put(&release));
    Release::many("@team", 1).for_each(|release| registry.put(&release));
    let preset =
        json!({ "name": "starter", "version": "1.0.0", "registries": ["@open/features/item-0"] });
    registry.put_file("presets/starter/preset.json", preset.to_string());
    registry.build();
    let (_nginx, daemon) = with_daemon(&registry);
    for version in ["1.0.0", "1.1.0", "2.0.0+build.1"] {
        let release =
            Release::new("@open", "uploaded", version).file("logo.png", random.bytes(300));
        let release = release.file("src/index.ts", "export const uploaded = true\n".repeat(40));
        let answer = daemon.publish(&release, ADMIN_TOKEN, random);
        assert_eq!(answer.status, 201, "{}", answer.json());
    }
    daemon.stop();
    registry
}

/// A time that is made anew is seen only where it is not by chance the old one.
fn until_the_clock_went_on(registry: &Registry) {
    let newest = tree(&registry.public())
        .into_values()
        .map(|entry| entry.mtime)
        .max();
    let newest = newest.expect("a tree with files");
    wait::until("a second that no file is of", wait::LONG, || {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        (now.expect("a clock that is set").as_secs() > newest).then_some(())
    });
}
