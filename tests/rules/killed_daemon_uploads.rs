//! Uploads through nginx survive a daemon that is killed at any moment: every client that tries again, with a freshly
//! packed archive, gets a 201 or learns that its version is there; what it was told can be read at once, and whoever
//! follows links meanwhile finds all that they name.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use rack_tests::crawler::{Crawler, Findings};
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
/// Between two tries of a client: a daemon that starts has better things to do than to hear of all of them.
const PAUSE: Duration = Duration::from_millis(50);
/// An address of this host that nothing else takes: its port stays free while the daemon is dead.
const LISTEN: &str = "127.0.71.1:0";

#[test]
fn killed_daemon_uploads() {
    let mut random = Random::announced("killed_daemon_uploads");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let mut daemon = start(&registry, LISTEN);
    let nginx = registry.nginx().daemon(&daemon).unhurried().start();
    let (url, findings) = (nginx.url(), Findings::default());
    let mut crawler = Crawler::new("nginx", &url, &url, &findings);
    let board = Board::new(&url);

    let uploaded = thread::scope(|scope| {
        let client = |random| {
            let board = &board;
            scope.spawn(move || upload_until_enough(board, random))
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| client(random.fork())).collect();
        let (daemon, board, registry) = (&mut daemon, &board, &registry);
        let killer = scope.spawn(move || {
            while !clients.iter().all(|client| client.is_finished()) {
                // The moment is part of the experiment, so there is nothing else to wait for.
                thread::sleep(random.moment(board.life()));
                if board.is_under_fire() {
                    daemon.kill();
                    *daemon = start(registry, daemon.address());
                    board.kills.fetch_add(1, SeqCst);
                }
            }
            let uploaded = clients
                .into_iter()
                .map(|client| client.join().expect("a client"));
            uploaded.flatten().collect::<Vec<_>>()
        });
        while !killer.is_finished() {
            crawler.walk();
        }
        killer.join().expect("all clients")
    });

    daemon.kill();
    daemon = start(&registry, daemon.address());
    for release in &uploaded {
        assert_readable(release, &url);
    }
    assert_latest(&uploaded, &url);
    assert!(crawler.walk(), "nothing to read");
    let (answers, missing) = (crawler.answers, crawler.gone);
    findings.settle();
    assert_eq!(missing, 0, "links that led nowhere");
    daemon.stop();
    registry.is_undisturbed("after the last kill");
    proved(
        "uploads survive a killed daemon",
        format!(
            "{} kills; {} uploads through nginx, {} before the last kill, all readable; {answers} pages crawled, \
             {missing} of them 404",
            board.kills.into_inner(),
            uploaded.len(),
            board.under_fire.into_inner(),
        ),
    );
}

fn start(registry: &Registry, address: &str) -> Rackd {
    let daemon = registry.rackd().behind_a_proxy().unhurried();
    daemon.listen(address).start()
}

/// What the clients and the killer know of each other.
struct Board<'a> {
    /// nginx's, the same all along.
    url: &'a str,
    next: AtomicUsize,
    kills: AtomicUsize,
    /// Uploads that were done while there were still kills to come.
    under_fire: AtomicUsize,
    kills_wanted: usize,
    under_fire_wanted: usize,
}

impl<'a> Board<'a> {
    fn new(url: &'a str) -> Self {
        Self {
            url,
            next: AtomicUsize::new(0),
            kills: AtomicUsize::new(0),
            under_fire: AtomicUsize::new(0),
            kills_wanted: rounds(8, 100),
            under_fire_wanted: rounds(8, 200),
        }
    }

    /// Whether there are still kills to come.
    fn is_under_fire(&self) -> bool {
        self.kills.load(SeqCst) < self.kills_wanted
            || self.under_fire.load(SeqCst) < self.under_fire_wanted
    }

    /// How long a daemon lives at most. On a busy machine few uploads get through: the more kills it takes, the longer.
    fn life(&self) -> Duration {
        LIFE * (1 + self.kills.load(SeqCst) / self.kills_wanted) as u32
    }

    /// The number of the next upload, unless there were enough uploads and kills. No more than a few for each
    /// kill, or the registry grows while nothing happens.
    fn next(&self) -> Option<usize> {
        let number = self.next.fetch_add(1, SeqCst);
        wait::until("the next kill", wait::LONG, || {
            let room = 2 * CLIENTS * (self.kills.load(SeqCst) + 1);
            match self.is_under_fire() {
                false => Some(None),
                true => (number < room).then_some(Some(number)),
            }
        })
    }
}

fn upload_until_enough(board: &Board<'_>, mut random: Random) -> Vec<Release> {
    let mut uploaded = Vec::new();
    while let Some(number) = board.next() {
        let release = release(number);
        let what = release.address();
        wait::until(&what, 2 * wait::LONG, || {
            try_once(&release, board.url, &mut random)
        });
        if board.is_under_fire() {
            board.under_fire.fetch_add(1, SeqCst);
        }
        // Also if there is no daemon any more.
        assert_readable(&release, board.url);
        uploaded.push(release);
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
    // What nginx cannot pass on whole it cuts off.
    let answer = upload.request().bearer(ADMIN_TOKEN).send(url).ok()?;
    let identical = answer.json()["identical"] == json!(true);
    match answer.status {
        201 => Some(()),
        409 if identical => Some(()),
        // The daemon is dead, died meanwhile, or is about to end.
        502..=504 => {
            thread::sleep(random.moment(PAUSE));
            None
        }
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
