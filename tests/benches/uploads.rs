//! `scripts/bench uploads`: publishes a second by a real daemon over loopback, durable and readable each, beside the
//! file operations of a publish done bare in the same run. Client and daemon share the machine.

#![allow(
    clippy::expect_used,
    reason = "a benchmark that cannot set itself up stops loudly"
)]

use std::fs::{self, File};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::http::{Connection, Request};
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use serde_json::json;

/// Versions that are published, by so many clients at once.
const RUNS: [(usize, usize); 3] = [(1, 300), (16, 3000), (64, 3000)];

/// They are spread over so many items.
const ITEMS: usize = 100;

/// Below the roots of a tree: identity and two variants, each with the manifest twice.
const ROOTS: usize = 3;

fn main() {
    let mut random = Random::announced("uploads");
    println!(
        "{:<12} {:>10} {:>9} {:>9} {:>11} {:>12} {:>7}",
        "clients", "versions/s", "p50 ms", "p99 ms", "CPU ms each", "bare, same/s", "ratio"
    );
    for (clients, versions) in RUNS {
        let registry = Registry::new(&json!({ "@open": [] }));
        registry.build();
        let releases: Vec<Release> = (0..versions).map(|n| release(n, &mut random)).collect();
        let requests: Vec<Request> = releases
            .iter()
            .map(|release| Upload::new(Archive::pack(release, &mut random)).request())
            .map(|request| request.bearer(ADMIN_TOKEN))
            .collect();
        let daemon = registry
            .rackd()
            .unhurried()
            .flag("--log-level", "error")
            .start();
        let before = cpu(&daemon);
        let start = Instant::now();
        let mut took = publish(&daemon, &requests, clients);
        let wall = start.elapsed();
        let spent = cpu(&daemon).saturating_sub(before);
        took.sort();
        let rate = versions as f64 / wall.as_secs_f64();
        let bare = bare(&registry.root().join("bare"), &releases, clients);
        println!(
            "{clients:<12} {rate:>10.0} {:>9.1} {:>9.1} {:>11.2} {bare:>12.0} {:>7.2}",
            millis(percentile(&took, 50)),
            millis(percentile(&took, 99)),
            millis(spent) / versions as f64,
            rate / bare,
        );
    }
}

/// A version of five files: its manifest and four of 0.5 to 4 KB.
fn release(number: usize, random: &mut Random) -> Release {
    let (item, patch) = (number % ITEMS, number / ITEMS);
    let release = Release::new("@open", &format!("item-{item}"), &format!("1.0.{patch}"));
    (0..4).fold(release, |release, file| {
        let lines = 10 + random.below(80);
        let text: String = (0..lines)
            .map(|line| format!("export const value{line} = {};\n", random.below(1 << 40)))
            .collect();
        release.file(&format!("src/part-{file}.ts"), text)
    })
}

/// How long each took, from the first byte sent to the answer.
fn publish(daemon: &Rackd, requests: &[Request], clients: usize) -> Vec<Duration> {
    let next = AtomicUsize::new(0);
    let took = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                let mut connection = Connection::new(daemon.url());
                let mut mine = Vec::new();
                while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let start = Instant::now();
                    let answer = connection.ask(request).expect("an answer");
                    mine.push(start.elapsed());
                    assert_eq!(answer.status, 201, "{}", answer.json());
                }
                took.lock().expect("nobody panics").append(&mut mine);
            });
        }
    });
    took.into_inner().expect("nobody panics")
}

/// Versions a second of one thread that does with files what a publish does: each file written once for the source and
/// once a root, one barrier for as many as there are clients, one rename a folder. Nothing is compressed, checked or
/// received.
fn bare(folder: &Path, releases: &[Release], clients: usize) -> f64 {
    fs::create_dir_all(folder).expect("a folder");
    let root = File::open(folder).expect("a folder");
    let start = Instant::now();
    for group in releases.chunks(clients) {
        for release in group {
            for root in 0..=ROOTS {
                let staged = folder.join(format!("staged-{}-{root}", release.name()));
                for (path, bytes) in release.entries() {
                    write(&staged.join("files").join(path), &bytes);
                }
                if root > 0 {
                    write(&staged.join("index.json"), &release.manifest());
                }
            }
        }
        rustix::fs::syncfs(&root).expect("a barrier");
        for release in group {
            for root in 0..=ROOTS {
                let place = folder.join(format!("{root}{}", release.url()));
                fs::create_dir_all(place.parent().expect("a parent")).expect("a folder");
                let staged = folder.join(format!("staged-{}-{root}", release.name()));
                fs::rename(staged, place).expect("a rename");
            }
        }
    }
    releases.len() as f64 / start.elapsed().as_secs_f64()
}

fn write(path: &Path, bytes: &[u8]) {
    if fs::write(path, bytes).is_err() {
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
}

/// What a process has used of the cores.
fn cpu(daemon: &Rackd) -> Duration {
    let path = format!("/proc/{}/stat", daemon.id());
    let stat = fs::read_to_string(path).expect("/proc is there");
    let (_, fields) = stat.rsplit_once(") ").expect("a name in front");
    let ticks = fields.split(' ').skip(11).take(2);
    let ticks: u64 = ticks.map(|tick| tick.parse::<u64>().expect("ticks")).sum();
    let hertz = rustix::param::clock_ticks_per_second();
    Duration::from_secs_f64(ticks as f64 / hertz as f64)
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() - 1) * percent / 100]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
