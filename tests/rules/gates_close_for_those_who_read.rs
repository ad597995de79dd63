//! From the moment that a namespace became gated nobody sees it who has no token, also not those who read it through
//! nginx all along: when `rackgen build` is done, and when a running daemon has moved it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;

use rack_tests::http::{Connection, Request, Response};
use rack_tests::nginx::with_daemon;
use rack_tests::watched::{CODINGS, decide, registry, shows, urls};
use rack_tests::{proved, rounds, wait};

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
            let _end = EndsReading(&readers);
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
    let url = &urls("@moody")[0];
    let ask = |token: Option<&str>| {
        let request = token.into_iter().fold(Request::get(url), Request::bearer);
        request.send(&nginx.url()).expect("an answer")
    };
    let reports = || daemon.logged().matches(" resources written ").count();
    let is_private = |answer: &Response| {
        let cache = answer.header("Cache-Control").unwrap_or_default();
        answer.status == 200 && cache.starts_with("private")
    };
    let changes = rounds(2, 20);
    for round in 0..changes {
        let readers = Readers::new(&nginx.url());
        thread::scope(|scope| {
            let _end = EndsReading(&readers);
            let threads = readers.start(scope);
            readers.until_seen(100);
            let before = reports();
            decide(&registry, true);
            // Its trees have followed when it says so.
            wait::until("the daemon to have moved it", wait::LONG, || {
                (reports() > before && is_private(&ask(Some("secret-of-the-moody-71c3"))))
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
        let before = reports();
        decide(&registry, false);
        wait::until("everybody to read it again", wait::LONG, || {
            (reports() > before && ask(None).status == 200).then_some(())
        });
    }
    proved(
        "a reload closes the gate",
        format!("{changes} changes, hammered by {READERS} readers"),
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

/// Whatever becomes of the test, its readers come to an end.
struct EndsReading<'a>(&'a Readers);

impl Drop for EndsReading<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, SeqCst);
    }
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
