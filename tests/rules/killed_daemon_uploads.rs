//! Uploads survive a daemon that is killed at any moment: every client that tries again, with a freshly packed
//! archive, gets a 201 or learns that its version is there; and what it was told is there.

use std::sync::RwLock;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::http::{Request, Response};
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::wait;
use rack_tests::{proved, rounds};
use serde_json::{Value, json};

const CLIENTS: usize = 4;
/// So few that the clients get into each other's way.
const ITEMS: usize = 3;
/// Longer than an upload takes, so that some get through.
const LIFE: Duration = Duration::from_millis(400);

#[test]
fn killed_daemon_uploads() {
    let mut random = Random::announced("killed_daemon_uploads");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let mut daemon = start(&registry);
    let board = Board::new(&daemon);

    let uploaded = thread::scope(|scope| {
        let client = |random| {
            let board = &board;
            scope.spawn(move || upload_until_enough(board, random))
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| client(random.fork())).collect();
        while !clients.iter().all(|client| client.is_finished()) {
            // The moment is part of the experiment, so there is nothing else to wait for.
            thread::sleep(random.moment(LIFE));
            if board.kills.load(SeqCst) < board.wanted {
                daemon.kill();
                daemon = start(&registry);
                *board.url.write().expect("no writer panics") = daemon.url().to_owned();
                board.kills.fetch_add(1, SeqCst);
            }
        }
        let uploaded = clients
            .into_iter()
            .map(|client| client.join().expect("a client"));
        uploaded.flatten().collect::<Vec<_>>()
    });
    let (all, under_fire) = (uploaded.len(), board.under_fire.into_inner());

    daemon.kill();
    daemon = start(&registry);
    for release in &uploaded {
        assert_readable(release, daemon.url());
    }
    assert_latest(&uploaded, daemon.url());
    daemon.stop();
    registry.is_undisturbed("after the last kill");
    proved(
        "uploads survive a killed daemon",
        format!(
            "{} kills; {all} uploads, {under_fire} before the last kill, all readable",
            board.wanted
        ),
    );
}

fn start(registry: &Registry) -> Rackd {
    registry.rackd().unhurried().start()
}

/// What the clients and the killer know of each other.
struct Board {
    url: RwLock<String>,
    next: AtomicUsize,
    kills: AtomicUsize,
    /// Uploads that were done while there were still kills to come.
    under_fire: AtomicUsize,
    wanted: usize,
}

impl Board {
    fn new(daemon: &Rackd) -> Self {
        Self {
            url: RwLock::new(daemon.url().to_owned()),
            next: AtomicUsize::new(0),
            kills: AtomicUsize::new(0),
            under_fire: AtomicUsize::new(0),
            wanted: rounds(12, 100),
        }
    }

    fn url(&self) -> String {
        self.url.read().expect("no writer panics").clone()
    }

    /// The number of the next upload, unless there were enough uploads and kills. No more than a few for each
    /// kill, or the registry grows while nothing happens.
    fn next(&self) -> Option<usize> {
        let number = self.next.fetch_add(1, SeqCst);
        wait::until("the next kill", wait::LONG, || {
            let kills = self.kills.load(SeqCst);
            let enough = kills >= self.wanted && number >= self.wanted;
            match enough {
                true => Some(None),
                false => (number < 2 * CLIENTS * (kills + 1)).then_some(Some(number)),
            }
        })
    }
}

fn upload_until_enough(board: &Board, mut random: Random) -> Vec<Release> {
    let mut uploaded = Vec::new();
    while let Some(number) = board.next() {
        let release = release(number);
        let what = release.address();
        wait::until(&what, 2 * wait::LONG, || {
            try_once(&release, &board.url(), &mut random)
        });
        uploaded.push(release);
        if board.kills.load(SeqCst) < board.wanted {
            board.under_fire.fetch_add(1, SeqCst);
        }
    }
    uploaded
}

fn release(number: usize) -> Release {
    let name = format!("item-{}", number % ITEMS);
    Release::new("@open", &name, &format!("1.{number}.0"))
        .file(
            "src/index.ts",
            format!("export const number = {number}\n").repeat(100),
        )
        .file("templates/.gitignore", format!("/{number}\n"))
}

/// One try; something, if the version is there now.
fn try_once(release: &Release, url: &str, random: &mut Random) -> Option<()> {
    let upload = Upload::new(Archive::pack(release, random));
    // A daemon that is dead, or dies meanwhile, gives no answer at all.
    let answer = upload.request().bearer(ADMIN_TOKEN).send(url).ok()?;
    let identical = answer.json()["identical"] == json!(true);
    match answer.status {
        201 => Some(()),
        409 if identical => Some(()),
        503 => None,
        status => panic!("{}: {status} {}", release.address(), answer.json()),
    }
}

fn get(url: &str, path: &str) -> Response {
    let answer = Request::get(path).send(url).expect("an answer");
    assert_eq!(answer.status, 200, "{path}: {}", answer.json());
    answer
}

fn assert_readable(release: &Release, url: &str) {
    assert_eq!(
        get(url, &release.url()).body,
        release.manifest(),
        "{}",
        release.url()
    );
    for (path, bytes) in release.files() {
        let path = format!("{}/files/{path}", release.url());
        assert_eq!(get(url, &path).body, *bytes, "{path}");
    }
    for (path, key, member) in [
        (
            format!("{}/versions", release.item_url()),
            "versions",
            release.text("version"),
        ),
        (
            "/namespaces/@open/registries".to_owned(),
            "registries",
            &release.path(),
        ),
        ("/namespaces".to_owned(), "namespaces", "@open"),
    ] {
        let list = get(url, &path).json()[key].clone();
        let listed = list
            .as_array()
            .is_some_and(|list| list.contains(&Value::from(member)));
        assert!(listed, "{member} is not in {path}: {list}");
    }
}

/// The highest number of each item is its latest version.
fn assert_latest(uploaded: &[Release], url: &str) {
    let number = |release: &Release| {
        let version = release.text("version");
        version
            .split('.')
            .nth(1)
            .and_then(|number| number.parse::<usize>().ok())
    };
    for item in 0..ITEMS {
        let of_item = uploaded
            .iter()
            .filter(|release| number(release).is_some_and(|n| n % ITEMS == item));
        let latest = of_item
            .max_by_key(|release| number(release))
            .expect("every item has uploads");
        assert_eq!(
            get(url, &latest.item_url()).body,
            latest.manifest(),
            "{}",
            latest.item_url()
        );
    }
}
