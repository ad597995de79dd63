//! What is gated is seen by nobody without a token: not in what lies in the public tree, not in anything that nginx
//! sends, and from the moment that a namespace became gated not to those who read it all along.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Instant;

use rack_tests::coding::decode;
use rack_tests::http::{Connection, Request, Response};
use rack_tests::nginx::with_daemon;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::traces::traces;
use rack_tests::{proved, rounds, wait};
use serde_json::json;

/// In every file of the namespace that is watched.
const CANARY: &str = "canary-93be27d1";
/// In the name of each of its items.
const NAME: &str = "hush-3e02";
const CODINGS: [&str; 4] = ["identity", "br", "gzip", "zstd"];
const ITEMS: usize = 3;

#[test]
fn what_is_gated_is_nowhere() {
    let registry = registry();
    decide(&registry, true);
    let (nginx, _daemon) = with_daemon(&registry);
    let left = traces(&registry.public(), &[CANARY, NAME, "@moody"]);
    assert!(left.is_empty(), "{left:#?}");

    let mut connection = Connection::new(&nginx.url());
    let mut asked = 0;
    for url in urls("@moody")
        .into_iter()
        .chain(urls("@open"))
        .chain(crossings())
    {
        for coding in CODINGS {
            for token in [None, Some("unknown"), Some("other"), Some("")] {
                let request = Request::get(&url).header("Accept-Encoding", coding);
                let request = match token {
                    Some(token) => request.bearer(token),
                    None => request,
                };
                let answer = connection.ask(&request).expect("an answer");
                assert!(
                    !shows(&answer, &url),
                    "{url}, {coding}, {token:?}: {answer:?}"
                );
                asked += 1;
            }
        }
    }
    for url in urls("@moody") {
        let answer = Request::get(&url).send(&nginx.url()).expect("an answer");
        assert_eq!(
            (answer.status, &answer.code()[..]),
            (401, "UNAUTHORIZED"),
            "{url}"
        );
        let answer = Request::get(&url).bearer("moody").send(&nginx.url());
        assert_eq!(answer.expect("an answer").status, 200, "{url}");
    }
    proved(
        "nothing gated leaks",
        format!("{asked} requests without the token, none shows a byte"),
    );
}

/// Ways that look like open ones.
fn crossings() -> Vec<String> {
    let mut crossings = Vec::new();
    for url in urls("@moody") {
        let (root, rest) = url[1..].split_once('/').expect("two segments");
        for step in [
            "..%2f",
            "../",
            "%2e%2e/",
            "..%2F",
            "%2e%2e%2f",
            ".%2e/",
            "..//",
            "/",
            "./",
            "%2f",
            "x/../../",
            "..;/",
            "..%5c",
        ] {
            crossings.push(format!("/{root}/@open/{step}{rest}"));
            crossings.push(format!("/{root}/{step}{rest}"));
            crossings.push(format!("/{root}/@open%2f{step}{rest}"));
            crossings.push(format!("/presets/{step}{root}/{rest}"));
        }
        crossings.push(url.replace("@moody", "%40moody"));
        crossings.push(url.replace("@moody", "%40%6doody"));
        crossings.push(url.replace("@moody", "@MOODY"));
        crossings.push(url.replace("@moody", "@moody%00"));
        crossings.push(url.replace("@moody", "@moody?/@open"));
        crossings.push(url.replace("@moody", "@moody#/@open"));
        for coding in CODINGS {
            crossings.push(format!("/.variants/{coding}{url}"));
            crossings.push(format!("/.variants/{coding}{url}/index.json"));
        }
        crossings.push(format!("{url}/index.json"));
        crossings.push(format!("{url}/"));
        crossings.push(format!("/private{url}"));
        crossings.push(format!("/.staging{url}"));
    }
    crossings
}

#[test]
fn a_build_closes_the_gate() {
    let registry = registry();
    // Nobody but the build moves anything, and only the tree says what is public.
    let nginx = registry.nginx().unhurried().start();
    let (seen, after) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let changes = rounds(3, 20);
    for round in 0..changes {
        let readers = Readers::new(&nginx.url());
        thread::scope(|scope| {
            let threads = readers.start(scope);
            readers.until_seen(100);
            decide(&registry, true);
            registry.build();
            readers.is_closed.store(true, SeqCst);
            readers.until_refused(400);
            readers.is_over.store(true, SeqCst);
            let leaks: Vec<String> = threads
                .into_iter()
                .flat_map(|thread| thread.join().expect("a reader"))
                .collect();
            assert!(leaks.is_empty(), "round {round}: {leaks:#?}");
        });
        seen.fetch_add(readers.seen.into_inner(), SeqCst);
        after.fetch_add(readers.refused.into_inner(), SeqCst);
        decide(&registry, false);
        registry.build();
    }
    proved(
        "a build closes the gate",
        format!(
            "{changes} changes; {} reads before, {} after, none of these shows a byte",
            seen.into_inner(),
            after.into_inner()
        ),
    );
}

#[test]
fn a_reload_closes_the_gate() {
    let registry = registry();
    let (nginx, daemon) = with_daemon(&registry);
    let changes = rounds(2, 20);
    for round in 0..changes {
        let readers = Readers::new(&nginx.url());
        thread::scope(|scope| {
            let threads = readers.start(scope);
            readers.until_seen(100);
            decide(&registry, true);
            wait::until("the public tree to lose it", wait::LONG, || {
                traces(&registry.public(), &["@moody"])
                    .is_empty()
                    .then_some(())
            });
            readers.is_closed.store(true, SeqCst);
            readers.until_refused(400);
            readers.is_over.store(true, SeqCst);
            let leaks: Vec<String> = threads
                .into_iter()
                .flat_map(|thread| thread.join().expect("a reader"))
                .collect();
            assert!(
                leaks.is_empty(),
                "round {round}: {leaks:#?}\n{}",
                daemon.logged()
            );
        });
        let url = &urls("@moody")[0];
        wait::until("those with a token to read it", wait::LONG, || {
            let answer = Request::get(url).bearer("moody").send(&nginx.url());
            (answer.expect("an answer").status == 200).then_some(())
        });
        decide(&registry, false);
        wait::until("everybody to read it again", wait::LONG, || {
            let answer = Request::get(url).send(&nginx.url());
            (answer.expect("an answer").status == 200).then_some(())
        });
    }
    proved(
        "a reload closes the gate",
        format!("{changes} changes, hammered by {READERS} readers"),
    );
}

#[test]
fn killed_withdrawals_are_completed() {
    let mut random = Random::announced("killed_withdrawals_are_completed");
    let registry = registry();
    let nginx = registry.nginx().unhurried().start();
    let mut connection = Connection::new(&nginx.url());
    let mut shown = |url: &str, coding| {
        let request = Request::get(url).header("Accept-Encoding", coding);
        shows(&connection.ask(&request).expect("an answer"), url)
    };
    let start = Instant::now();
    decide(&registry, true);
    registry.build();
    let usual = start.elapsed();

    let (mut kills, wanted) = (0, rounds(5, 50));
    for round in 0..wanted {
        decide(&registry, false);
        registry.build();
        assert!(
            shown(&urls("@moody")[0], "br"),
            "round {round}: the canaries are not there to be found"
        );
        decide(&registry, true);
        for _ in 0..1 + random.below(3) {
            kills += usize::from(registry.kill_rackgen(&["build"], random.moment(usual)));
        }
        // Either of them completes it.
        match random.below(2) {
            0 => registry.build(),
            _ => drop(registry.rackd().start()),
        }
        for url in urls("@moody") {
            for coding in CODINGS {
                assert!(!shown(&url, coding), "round {round}: {url}, {coding}");
            }
        }
    }
    proved(
        "killed withdrawals are completed",
        format!(
            "{kills} kills in {wanted} withdrawals, no byte through nginx after the next start"
        ),
    );
}

const READERS: usize = 3;

/// Clients that never stop to read the namespace that is watched.
struct Readers {
    url: String,
    /// From here on nobody may see it.
    is_closed: AtomicBool,
    is_over: AtomicBool,
    seen: AtomicUsize,
    /// Answers to requests that were sent when it was closed.
    refused: AtomicUsize,
}

impl Readers {
    fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            is_closed: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            seen: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
        }
    }

    fn start<'scope, 'env>(
        &'env self,
        scope: &'scope thread::Scope<'scope, 'env>,
    ) -> Vec<thread::ScopedJoinHandle<'scope, Vec<String>>> {
        (0..READERS)
            .map(|reader| scope.spawn(move || self.read(reader)))
            .collect()
    }

    /// Reads on and on; gives back what was seen when nobody should see it.
    fn read(&self, reader: usize) -> Vec<String> {
        let mut connection = Connection::new(&self.url);
        let mut leaks = Vec::new();
        let urls = urls("@moody");
        for turn in reader.. {
            if self.is_over.load(SeqCst) {
                break;
            }
            let (url, coding) = (
                &urls[turn % urls.len()],
                CODINGS[turn / urls.len() % CODINGS.len()],
            );
            let request = Request::get(url).header("Accept-Encoding", coding);
            let was_closed = self.is_closed.load(SeqCst);
            let Ok(answer) = connection.ask(&request) else {
                leaks.push(format!("{url}: no answer"));
                continue;
            };
            let is_shown = shows(&answer, url);
            if is_shown && was_closed {
                leaks.push(format!(
                    "{url}, {coding}: {} {:?}",
                    answer.status, answer.headers
                ));
            }
            self.seen.fetch_add(usize::from(is_shown), SeqCst);
            self.refused.fetch_add(usize::from(was_closed), SeqCst);
        }
        leaks
    }

    fn until_seen(&self, times: usize) {
        let enough = || (self.seen.load(SeqCst) >= times).then_some(());
        wait::until("readers to see it", wait::LONG, enough);
    }

    fn until_refused(&self, times: usize) {
        let enough = || (self.refused.load(SeqCst) >= times).then_some(());
        wait::until("readers to go on", wait::LONG, enough);
    }
}

/// Whether an answer tells anything of what is watched, but for what the client said itself.
fn shows(answer: &Response, url: &str) -> bool {
    let body = decode(answer.header("Content-Encoding"), &answer.body);
    let body = body.unwrap_or_else(|_| answer.body.clone());
    let text = format!("{} {:?}", String::from_utf8_lossy(&body), answer.headers);
    text.contains(CANARY) || (text.contains(NAME) && !url.contains(NAME))
}

/// Every address of a namespace.
fn urls(namespace: &str) -> Vec<String> {
    let mut urls = vec![format!("/namespaces/{namespace}/registries")];
    for item in 0..ITEMS {
        let item = format!("/registries/{namespace}/features/{NAME}-{item}");
        urls.push(item.clone());
        urls.push(format!("{item}/versions"));
        urls.push(format!("{item}/1.0.0"));
        urls.push(format!("{item}/1.0.0/files/src/index.ts"));
        urls.push(format!("{item}/1.0.0/files/{NAME}.png"));
    }
    urls
}

fn registry() -> Registry {
    let registry = Registry::new(&json!(null)).setting("RACK_ENCODINGS", "br,gzip,zstd");
    for item in 0..ITEMS {
        let name = format!("{NAME}-{item}");
        let text = format!("// {CANARY}\n").repeat(40);
        let release = Release::new("@moody", &name, "1.0.0").with("tags", json!([CANARY]));
        registry.put(
            &release
                .file("src/index.ts", text)
                .file(&format!("{NAME}.png"), CANARY),
        );
        registry.put(&Release::new("@open", &format!("item-{item}"), "1.0.0"));
    }
    decide(&registry, false);
    registry.build();
    registry
}

fn decide(registry: &Registry, is_gated: bool) {
    let moody = match is_gated {
        true => json!([{ "token": "moody" }]),
        false => json!([]),
    };
    let access = json!({ "@open": [], "@other": [{ "token": "other" }], "@moody": moody });
    // As an editor does: nobody ever reads half of it.
    let new = registry.root().join("access.json.new");
    fs::write(&new, access.to_string()).expect("a file");
    fs::rename(new, registry.access()).expect("a file of ours");
}
