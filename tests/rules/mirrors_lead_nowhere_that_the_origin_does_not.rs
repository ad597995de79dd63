//! Whoever follows the links of a mirror, at any moment while it is brought up to date, the registry changes and runs
//! are killed, finds what they name, unless it was taken away at the origin. A tag means the same bytes here and there,
//! and no variant is older than its identity.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use rack_tests::crawler::{Crawler, Findings};
use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::mirror::{self, RsyncDaemon, text};
use rack_tests::nginx::with_daemon;
use rack_tests::random::Random;
use rack_tests::registry::{Registry, Run};
use rack_tests::release::Release;
use rack_tests::tree::{assert_same, tree};
use rack_tests::{proved, rounds};
use serde_json::{Value, json};

const NAMESPACES: u64 = 12;
/// So many of them stay open.
const OPEN: usize = 4;
/// More items there are not, so that a round takes as long as another.
const MOST: usize = 50;

#[test]
fn mirrors_lead_nowhere_that_the_origin_does_not() {
    let mut random = Random::announced("mirrors_lead_nowhere_that_the_origin_does_not");
    let registry = Registry::new(&decisions(&namespaces()));
    let (nginx, daemon) = with_daemon(&registry);
    let mut writer = Writer::new(&registry, &daemon, random.fork());
    (0..20).for_each(|_| writer.publish_new());

    // One is brought up to date from the registry's side, one from its own.
    let mirrors = [Registry::new(&json!({})), Registry::new(&json!({}))];
    let [pushed, pulled] = mirrors.each_ref().map(Registry::public);
    let public = registry.public();
    let source = RsyncDaemon::serving(&public, registry.root().join("rsyncd.conf"));
    let push = || mirror::command(&["push", text(&pushed), "--tree", text(&public)]);
    let pull = || source.pull(&pulled);
    let sync = || [push(), pull()].map(|script| Run::of(script).exits(0));
    let fronts = mirrors.each_ref().map(|it| it.nginx().unhurried().start());
    let (findings, is_over) = (Findings::default(), AtomicBool::new(false));
    let [url, pushed_url, pulled_url] = [nginx.url(), fronts[0].url(), fronts[1].url()];
    let crawler = |name, base| Crawler::new(name, base, daemon.url(), &findings);
    let mut crawlers = [
        crawler("the origin", &url),
        crawler("the pushed mirror", &pushed_url).of_a_mirror(),
        crawler("the pulled mirror", &pulled_url).of_a_mirror(),
    ];
    let wanted = rounds(1, 50);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(SeqCst) {
                writer.change_something();
            }
        });
        // One after another: three at once would leave little of a small machine to those who change something.
        scope.spawn(|| {
            while !is_over.load(SeqCst) {
                for crawler in &mut crawlers {
                    crawler.walk();
                }
            }
        });
        let _end = OnDrop(&is_over);
        for _ in 0..wanted {
            for (script, tree) in [(push(), &public), (pull(), &pulled)] {
                mirror::kill(script, tree, random.moment(Duration::from_secs(2)));
            }
            sync();
        }
    });
    let answers: usize = crawlers.iter().map(|crawler| crawler.answers).sum();
    let gone: usize = crawlers.iter().map(|crawler| crawler.gone).sum();
    assert!(crawlers.iter_mut().all(Crawler::walk), "nothing to read");

    sync();
    for place in ["", ".variants"] {
        let expected = tree(&registry.public().join(place));
        for mirror in [&pushed, &pulled] {
            assert_same("when it is quiet", &expected, &tree(&mirror.join(place)));
        }
    }
    let tags = findings.settle();
    proved(
        "mirrors lead nowhere new",
        format!(
            "{0} syncs and {0} that were killed, {1} changes, {answers} answers meanwhile, \
             {gone} links to what was taken away; {tags} tags",
            2 * wanted,
            writer.changes,
        ),
    );
}

/// Ends the other threads also where a test fails.
struct OnDrop<'a>(&'a AtomicBool);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// Changes a registry on and on. What it took away it never brings back, so that a link that leads nowhere once does so
/// for ever.
struct Writer<'a> {
    registry: &'a Registry,
    daemon: &'a Rackd,
    random: Random,
    /// Namespaces that are open.
    open: Vec<String>,
    /// Namespace, name, and the minor versions that are there.
    items: Vec<(String, String, Vec<usize>)>,
    changes: usize,
}

impl<'a> Writer<'a> {
    fn new(registry: &'a Registry, daemon: &'a Rackd, random: Random) -> Self {
        Self {
            registry,
            daemon,
            random,
            open: namespaces(),
            items: Vec::new(),
            changes: 0,
        }
    }

    fn change_something(&mut self) {
        match self.random.below(20) {
            0..8 => self.publish_next(),
            8..12 if self.items.len() < MOST => self.publish_new(),
            12..15 if self.items.len() < MOST => self.put_some(),
            15..17 => self.remove_version(),
            17 if self.open.len() > OPEN => self.gate(),
            _ => self.remove_item(),
        }
        self.changes += 1;
    }

    /// A version more of an item.
    fn publish_next(&mut self) {
        let index = self.any_item();
        let (namespace, name, versions) = &mut self.items[index];
        let next = versions.last().expect("an item has versions") + 1;
        versions.push(next);
        let release = release(namespace, name, next);
        self.publish(&release);
    }

    fn publish_new(&mut self) {
        let release = self.new_item();
        self.publish(&release);
    }

    fn publish(&mut self, release: &Release) {
        let answer = self.daemon.publish(release, ADMIN_TOKEN, &mut self.random);
        assert_eq!(answer.status, 201, "{}", answer.json());
    }

    /// Several items at once, by hand.
    fn put_some(&mut self) {
        for _ in 0..3 {
            let release = self.new_item();
            self.registry.put(&release);
        }
        self.registry.build();
    }

    fn new_item(&mut self) -> Release {
        let namespace = self.open[self.random.below(self.open.len() as u64) as usize].clone();
        let name = format!("item-{}-{}", self.changes, self.random.below(1 << 32));
        self.items.push((namespace.clone(), name.clone(), vec![0]));
        release(&namespace, &name, 0)
    }

    /// Any version but the last, for the number after that is the next one.
    fn remove_version(&mut self) {
        let index = self.any_item();
        let (namespace, name, versions) = &mut self.items[index];
        if versions.len() > 1 {
            let version = versions.remove(self.random.below(versions.len() as u64 - 1) as usize);
            let release = release(namespace, name, version);
            self.remove(&release.address());
        }
    }

    fn remove_item(&mut self) {
        if self.items.len() > 5 {
            let index = self.any_item();
            let (namespace, name, _) = self.items.swap_remove(index);
            self.remove(&release(&namespace, &name, 0).item());
        }
    }

    fn remove(&self, folder: &str) {
        let folder = self.registry.source().join(folder);
        fs::remove_dir_all(folder).expect("a folder of ours");
        self.registry.build();
    }

    /// Closes a namespace for good.
    fn gate(&mut self) {
        let index = self.random.below(self.open.len() as u64) as usize;
        let namespace = self.open.swap_remove(index);
        self.items.retain(|(of, _, _)| *of != namespace);
        // As an editor does: nobody ever reads half of it.
        let new = self.registry.root().join("access.json.new");
        fs::write(&new, decisions(&self.open).to_string()).expect("a file");
        fs::rename(new, self.registry.access()).expect("a file of ours");
        self.registry.build();
        if self.items.is_empty() {
            self.publish_new();
        }
    }

    fn any_item(&mut self) -> usize {
        self.random.below(self.items.len() as u64) as usize
    }
}

fn namespaces() -> Vec<String> {
    (0..NAMESPACES)
        .map(|number| format!("@n{number}"))
        .collect()
}

/// The access file that opens these.
fn decisions(open: &[String]) -> Value {
    let all = namespaces().into_iter();
    let decisions = all.map(|namespace| match open.contains(&namespace) {
        true => (namespace, json!([])),
        false => (namespace, json!([{ "token": "gated" }])),
    });
    Value::Object(decisions.collect())
}

/// Every version of an item has a manifest of the same length, which is what a false tag needs.
fn release(namespace: &str, name: &str, minor: usize) -> Release {
    Release::new(namespace, name, &format!("1.{minor}.0"))
        .file(
            "src/index.ts",
            format!("export const minor = {minor:04}\n").repeat(30),
        )
        .file("logo.png", minor.to_le_bytes())
}
