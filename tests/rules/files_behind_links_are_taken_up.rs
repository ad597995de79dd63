//! An access or webhooks file behind links is taken up when it changes, by `rackd` and by `rackgen watch`: when a link on
//! the way is turned, as Kubernetes does with each update of a volume, and when what it leads to is edited.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::http::Request;
use rack_tests::random::Random;
use rack_tests::receiver::Receiver;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::running::Running;
use rack_tests::{secrets, wait};
use serde_json::{Value, json};

const STAYS: &str = "token-that-stays-51c0";
const GOES: &str = "token-that-goes-7e24";

#[test]
fn the_daemon_takes_up_a_volume() {
    let registry = registry();
    let volume = Volume::of(&registry, "access.json", &access(&[STAYS, GOES]));
    let daemon = registry.rackd().start();
    for version in [2, 3] {
        assert_eq!(read(&daemon, GOES), 200);
        volume.update(version, &access(&[STAYS]));
        until_read(&daemon, GOES, 401);
        volume.update(10 * version, &access(&[STAYS, GOES]));
        until_read(&daemon, GOES, 200);
    }
}

#[test]
fn the_daemon_takes_up_what_a_link_leads_to() {
    let registry = registry();
    let file = registry.root().join("elsewhere/access.json");
    fs::create_dir(registry.root().join("elsewhere")).expect("a folder");
    fs::rename(registry.access(), &file).expect("a file of ours");
    symlink("elsewhere/access.json", registry.access()).expect("a link");
    let daemon = registry.rackd().start();
    assert_eq!(read(&daemon, GOES), 200);
    fs::write(&file, access(&[STAYS]).to_string()).expect("a file");
    until_read(&daemon, GOES, 401);
    assert_eq!(read(&daemon, STAYS), 200);
}

#[test]
fn the_daemon_takes_up_webhooks_of_a_volume() {
    let mut random = Random::announced("the_daemon_takes_up_webhooks_of_a_volume");
    let registry = registry();
    registry.write_webhooks(&[]);
    let volume = Volume::of(&registry, "webhooks.json", &json!({ "webhooks": [] }));
    let daemon = registry.rackd().start();
    let receiver = Receiver::willing();
    let entry = receiver.entry("secret-7531902", &["version.created"]);
    secrets::hand_out_webhook(&entry);
    volume.update(2, &json!({ "webhooks": [entry] }));
    wait::until("the spool", wait::LONG, || {
        let spool = registry.state().join("webhooks/requests");
        spool.exists().then_some(())
    });
    let release = Release::new("@team", "item", "1.1.0");
    assert_eq!(
        daemon.publish(&release, ADMIN_TOKEN, &mut random).status,
        201
    );
    receiver.until(1);
    volume.update(3, &json!({ "webhooks": [] }));
}

#[test]
fn a_watch_takes_up_a_volume() {
    let registry = registry();
    let open = json!({ "@team": [] });
    let volume = Volume::of(&registry, "access.json", &open);
    let mut watch = Running::start(&registry, &["watch"]);
    let item = "registries/@team/features/item/index.json";
    let served = registry.public().join(item);
    watch.until("the first build", |watch| {
        watch.printed().contains("everything")
    });
    for version in [2, 3] {
        assert!(served.exists());
        volume.update(version, &access(&[STAYS]));
        watch.until("a namespace that was closed", |_| !served.exists());
        volume.update(10 * version, &open);
        watch.until("a namespace that was opened", |_| served.exists());
    }
}

fn registry() -> Registry {
    let registry = Registry::new(&access(&[STAYS, GOES]));
    registry.put(&Release::new("@team", "item", "1.0.0"));
    registry
}

fn access(tokens: &[&str]) -> Value {
    let token = |token: &&str| json!({ "token": token });
    json!({ "@team": tokens.iter().map(token).collect::<Vec<_>>() })
}

fn until_read(daemon: &Rackd, token: &str, status: u16) {
    wait::until("the decision to be in force", wait::LONG, || {
        (read(daemon, token) == status).then_some(())
    });
}

/// The status of a read with this token.
fn read(daemon: &Rackd, token: &str) -> u16 {
    let url = Release::new("@team", "item", "1.0.0").url();
    let request = Request::get(&url).bearer(token);
    request.send(daemon.url()).expect("an answer").status
}

/// A file as Kubernetes mounts it: `access.json -> ..data/access.json`, `..data -> ..v1`.
struct Volume {
    folder: PathBuf,
    file: String,
}

impl Volume {
    /// In place of this file of the registry.
    fn of(registry: &Registry, file: &str, document: &Value) -> Self {
        let volume = Self {
            folder: registry.root().to_owned(),
            file: file.to_owned(),
        };
        fs::remove_file(volume.folder.join(file)).expect("a file of ours");
        volume.update(1, document);
        symlink(Path::new("..data").join(file), volume.folder.join(file)).expect("a link");
        volume
    }

    /// An update: the new version beside the old, one link is turned, and the old one goes.
    fn update(&self, version: u32, document: &Value) {
        let folder = |version: &str| self.folder.join(version);
        let name = format!("..v{version}");
        fs::create_dir(folder(&name)).expect("a folder");
        fs::write(folder(&name).join(&self.file), document.to_string()).expect("a file");
        let before = fs::read_link(folder("..data"));
        symlink(&name, folder("..data_tmp")).expect("a link");
        fs::rename(folder("..data_tmp"), folder("..data")).expect("a link of ours");
        if let Ok(before) = before {
            fs::remove_dir_all(self.folder.join(before)).expect("a folder of ours");
        }
    }
}
