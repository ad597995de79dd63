//! Of two uploads of one version that arrive together, one creates it and the other learns that it exists.

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

#[test]
fn racing_uploads() {
    let mut random = Random::announced("racing_uploads");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let daemon = registry.rackd().unhurried().start();
    for round in 0..rounds(10, 100) {
        let release = Release::new("@open", "contested", &format!("1.{round}.0"));
        let same_content = round % 2 == 0;
        let rivals = ["first", "second"].map(|rival| match same_content {
            true => release.clone(),
            false => release.clone().with("description", rival),
        });
        let answers = race(&rivals, daemon.url(), &mut random);

        let mut statuses = [&answers[0], &answers[1]].map(|answer| answer.status);
        let winner = usize::from(statuses[1] == 201);
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "round {round}");
        let loser = &answers[1 - winner];
        assert_eq!(loser.code(), "VERSION_EXISTS");
        assert_eq!(
            loser.json()["identical"] == json!(true),
            same_content,
            "round {round}"
        );
        let served = Request::get(&release.url())
            .send(daemon.url())
            .expect("an answer");
        assert_eq!(served.body, rivals[winner].manifest(), "round {round}");
    }
    proved(
        "of two uploads of a version one wins",
        format!("{} races, one 201 and one 409 each", rounds(10, 100)),
    );
}

/// Uploads both as near to each other as two threads can.
fn race(rivals: &[Release; 2], url: &str, random: &mut Random) -> Vec<Response> {
    let uploads = rivals
        .each_ref()
        .map(|rival| Upload::new(Archive::pack(rival, random)));
    let start = Barrier::new(uploads.len());
    let upload = |upload: &Upload| {
        let request = upload.request().bearer(ADMIN_TOKEN);
        start.wait();
        request.send(url).expect("an answer")
    };
    thread::scope(|scope| {
        let threads = uploads.each_ref().map(|one| scope.spawn(|| upload(one)));
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a client"))
            .collect()
    })
}
