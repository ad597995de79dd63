//! A registry, and everything that may happen to it.

mod hand;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::http::Request;
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use serde_json::{Value, json};

const NAMESPACES: [&str; 2] = ["@a", "@b"];
const ITEMS: [&str; 3] = ["features/x", "features/x/y", "z"];
const VERSIONS: [&str; 5] = ["1.0.0", "1.1.0", "2.0.0-rc.1", "1.0.0+b1", "3.0.0"];
const ENCODINGS: [&str; 4] = ["br,gzip", "br,gzip,zstd", "gzip", ""];

/// What happened since the trees were last compared, as far as it excuses something.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Since {
    /// Something else than a hand in the source tree: what stood may have gone since, or be something else.
    pub not_calm: bool,
    /// Nobody knows what was built, or whether it was.
    pub uncertain: bool,
    pub lost_record: bool,
    pub lost_tree: bool,
    /// More than one build between two looks: what is as it was may have been something else in between.
    pub unseen: bool,
}

pub(super) struct World {
    pub registry: Registry,
    pub random: Random,
    pub since: Since,
    pub encodings: &'static str,
    /// What happened, for people.
    pub log: Vec<String>,
    number: usize,
    usual: Duration,
    /// Versions as they were made, by address.
    made: BTreeMap<String, Release>,
    /// What was taken out of the source tree, and from where.
    aside: Vec<(PathBuf, PathBuf)>,
}

impl World {
    pub(super) fn new(number: usize, mut random: Random) -> Self {
        let registry = Registry::new(&json!({ "@a": [], "@b": [{ "token": "b" }] }));
        let start = Instant::now();
        registry.build();
        let usual = 2 * start.elapsed();
        let mut world = Self {
            random: random.fork(),
            registry,
            since: Since::default(),
            encodings: ENCODINGS[0],
            log: Vec::new(),
            number,
            usual,
            made: BTreeMap::new(),
            aside: Vec::new(),
        };
        (0..3).for_each(|_| world.put());
        world
    }

    pub(super) fn chance(&mut self, of: u64) -> bool {
        self.random.below(of) == 0
    }

    fn any<'a, T: ?Sized>(&mut self, things: &[&'a T]) -> &'a T {
        things[self.random.below(things.len() as u64) as usize]
    }

    fn note(&mut self, what: impl Into<String>) {
        self.log.push(what.into());
    }

    /// Something happens. Says whether something may have been built.
    pub(super) fn step(&mut self) -> bool {
        match self.random.below(18) {
            0..3 => self.put(),
            3..8 => self.edit(),
            8 => self.take_out(),
            9 => self.put_back(),
            10..13 => return self.change(),
            13 => self.decide(),
            14 => self.preset(),
            15 => self.lose(),
            16 => return self.kill_a_build(),
            _ if self.chance(2) => self.encode(),
            _ => return self.serve_for_a_while(),
        }
        false
    }

    fn release(&mut self) -> Release {
        let (namespace, path) = (self.any(&NAMESPACES), self.any(&ITEMS));
        let name = path.rsplit('/').next().expect("a name");
        let release = Release::new(namespace, name, self.any(&VERSIONS)).with("path", path);
        let text = format!("export const it = {}\n", self.random.below(10)).repeat(20);
        let release = release
            .file("src/index.ts", text)
            .file("logo.png", self.random.bytes(9));
        self.made.insert(release.address(), release.clone());
        release
    }

    fn put(&mut self) {
        let release = self.release();
        self.note(format!("put {}", release.address()));
        fs::remove_dir_all(self.registry.source().join(release.address())).ok();
        self.registry.put(&release);
    }

    /// An admin changes something by `rackgen`, which may refuse to.
    fn change(&mut self) -> bool {
        let addresses: Vec<String> = self.made.keys().cloned().collect();
        let address = &addresses[self.random.below(addresses.len() as u64) as usize];
        let (item, version) = address.rsplit_once('/').expect("a version");
        let named = format!("{item}@{version}");
        if self.chance(6) {
            // A power cut during one.
            self.note(format!("tear the log of {item}"));
            let log = self.registry.source().join(item).join("releases.jsonl");
            if let Ok(mut bytes) = fs::read(&log) {
                bytes.extend_from_slice(b"{\"event\":\"yank\",\"vers");
                fs::write(log, bytes).expect("a file of ours");
            }
            return false;
        }
        let args: &[&str] = match self.random.below(9) {
            0 | 1 => &["yank", &named, "--reason", "it leaks"],
            2 => &["unyank", &named],
            3 => &["deprecate", &named, "--reason", "use another"],
            4 => &["undeprecate", &named],
            5 | 6 => &["tag", &named, "next"],
            7 => &["untag", item, "next"],
            _ => &["remove", &named, "--reason", "a secret in it"],
        };
        let run = self.registry.rackgen(args);
        self.note(format!("{args:?}: {:?} {}", run.status, run.stderr.trim()));
        self.excuse_builds();
        assert!(
            matches!(run.status, Some(0 | 2)) && !run.stderr.contains("panicked"),
            "{run}"
        );
        true
    }

    fn excuse_builds(&mut self) {
        self.since.not_calm = true;
        self.since.uncertain |= self.since.lost_tree || self.since.lost_record;
    }

    fn decide(&mut self) {
        let mut access = json!({});
        for namespace in NAMESPACES {
            let grants: [Option<Value>; 4] = [
                Some(json!([])),
                Some(json!([])),
                Some(json!([{ "token": "t" }])),
                None,
            ];
            if let Some(grant) = &grants[self.random.below(4) as usize] {
                access[namespace] = grant.clone();
            }
        }
        self.note(format!("access {access}"));
        self.registry.write_access(access.to_string());
        self.since.not_calm = true;
    }

    fn encode(&mut self) {
        self.encodings = self.any(&ENCODINGS);
        self.note(format!("encodings {:?}", self.encodings));
        self.registry.set("RACK_ENCODINGS", self.encodings);
    }

    fn lose(&mut self) {
        let tree = match self.random.below(2) {
            0 => self.registry.public(),
            _ => self.registry.private(),
        };
        match self.random.below(3) {
            0 => {
                self.note("lose the record");
                for file in ["record.db", "record.db-wal", "record.db-shm"] {
                    fs::remove_file(self.registry.state().join(file)).ok();
                }
                self.since.lost_record = true;
            }
            1 => {
                self.note(format!("lose {}", tree.display()));
                fs::remove_dir_all(tree).ok();
                self.since.lost_tree = true;
                self.since.not_calm = true;
            }
            _ => {
                self.note(format!("empty {}", tree.display()));
                for entry in fs::read_dir(tree).into_iter().flatten().flatten() {
                    if !entry.file_name().as_encoded_bytes().starts_with(b".rack") {
                        fs::remove_dir_all(entry.path()).ok();
                    }
                }
                self.since.lost_tree = true;
                self.since.not_calm = true;
            }
        }
    }

    fn kill_a_build(&mut self) -> bool {
        let moment = self.random.moment(self.usual);
        let was_at_it = self
            .registry
            .kill_rackgen(&["build", "--allow-removals"], moment);
        self.note(format!("kill a build after {moment:?}: {was_at_it}"));
        self.since.uncertain = true;
        self.since.not_calm = true;
        true
    }

    /// A daemon runs, takes uploads and calls while a hand changes things, and stops or is killed.
    fn serve_for_a_while(&mut self) -> bool {
        self.excuse_builds();
        self.note("start a daemon");
        // It builds at its start, and with each upload.
        self.since.unseen = true;
        let mut daemon = self.registry.rackd().unhurried().start();
        for _ in 0..=self.random.below(3) {
            if self.chance(4) {
                self.edit();
                continue;
            }
            if self.chance(4) {
                let release = self.release();
                let request = Request::new("PUT", &format!("{}/yank", release.url()));
                let request = request
                    .json(&json!({ "reason": "it leaks" }))
                    .bearer(ADMIN_TOKEN);
                let answer = request.send(daemon.url()).expect("an answer");
                self.note(format!("PUT {}/yank: {}", release.url(), answer.status));
                continue;
            }
            let release = self.release();
            let upload = Upload::new(Archive::pack(&release, &mut self.random)).request();
            let upload = upload.bearer(ADMIN_TOKEN);
            if self.chance(4) {
                let moment = self.random.moment(Duration::from_millis(60));
                self.note(format!(
                    "kill the daemon {moment:?} after an upload of {}",
                    release.url()
                ));
                self.since.uncertain = true;
                let url = daemon.url().to_owned();
                thread::scope(|scope| {
                    scope.spawn(|| upload.send(&url));
                    // The moment is part of the experiment, so there is nothing else to wait for.
                    thread::sleep(moment);
                    daemon.kill();
                });
                return true;
            }
            let answer = upload.send(daemon.url()).expect("an answer");
            self.note(format!("upload {}: {}", release.address(), answer.status));
            let is_fair = matches!(answer.status, 201 | 409 | 403);
            assert!(
                is_fair,
                "{}: {} {}",
                release.address(),
                answer.status,
                answer.json()
            );
        }
        daemon.stop();
        true
    }
}

/// What happened, for whoever has to find out why.
impl Drop for World {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("sequence {}:\n  {}", self.number, self.log.join("\n  "));
        }
    }
}
