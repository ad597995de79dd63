//! Of many uploads of one version that arrive together, one creates it and all others learn that it exists.

use std::sync::Barrier;
use std::thread;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::http::{Request, Response};
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::{proved, rounds};
use serde_json::json;

const CLIENTS: usize = 64;

#[test]
fn racing_uploads() {
    let mut random = Random::announced("racing_uploads");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let daemon = registry.rackd().unhurried().start();
    let races = rounds(6, 200);
    for round in 0..races {
        let release = Release::new("@open", "contested", &format!("1.{round}.0"));
        // Every other time all bring the same; else there are as many contents as clients.
        let rivals: Vec<Release> = (0..CLIENTS)
            .map(|rival| match round % 2 {
                0 => release.clone(),
                _ => release.clone().with("description", format!("by {rival}")),
            })
            .collect();
        let answers = race(&rivals, daemon.url(), &mut random);

        let created = |answer: &&Response| answer.status == 201;
        assert_eq!(answers.iter().filter(created).count(), 1, "round {round}");
        let winner = answers.iter().position(|answer| created(&answer));
        let winner = &rivals[winner.expect("one of them")];
        for answer in answers.iter().filter(|answer| !created(answer)) {
            assert_eq!((answer.status, &*answer.code()), (409, "VERSION_EXISTS"));
            let identical = answer.json()["identical"] == json!(true);
            assert_eq!(identical, round % 2 == 0, "round {round}");
        }
        let served = Request::get(&release.url()).send(daemon.url());
        let served = served.expect("an answer").body;
        assert_eq!(served, winner.manifest(), "round {round}");
    }
    proved(
        "of many uploads of a version one wins",
        format!("{races} races of {CLIENTS}, one 201 each, all others 409"),
    );
}

/// Uploads all of them, as near to each other as threads can.
fn race(rivals: &[Release], url: &str, random: &mut Random) -> Vec<Response> {
    let uploads = rivals.iter().map(|rival| Archive::pack(rival, random));
    let requests: Vec<Request> = uploads
        .map(|archive| Upload::new(archive).request().bearer(ADMIN_TOKEN))
        .collect();
    let start = Barrier::new(requests.len());
    let upload = |request: &Request| {
        start.wait();
        request.send(url).expect("an answer")
    };
    thread::scope(|scope| {
        let threads: Vec<_> = requests
            .iter()
            .map(|request| scope.spawn(|| upload(request)))
            .collect();
        let answers = threads.into_iter().map(|thread| thread.join());
        answers.map(|answer| answer.expect("a client")).collect()
    })
}
