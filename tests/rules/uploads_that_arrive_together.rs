//! Uploads that arrive together are published together, and each has its own answer: what one of them lacks is no
//! fault of its neighbours.

use std::sync::Mutex;
use std::thread;

use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::http::Request;
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::{proved, rounds};
use serde_json::{Value, json};

const CLIENTS: usize = 16;

#[test]
fn many_versions_of_one_item() {
    let mut random = Random::announced("many_versions_of_one_item");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let daemon = registry.rackd().unhurried().start();
    let versions = rounds(48, 200);
    let mut releases: Vec<Release> = (0..versions)
        .map(|number| Release::new("@open", "item", &format!("1.{number}.0")))
        .collect();
    random.shuffle(&mut releases);
    let jobs = releases.iter().map(|release| (release, 201)).collect();
    publish(&daemon, jobs, &mut random);

    let item = releases[0].item_url();
    let listed = get(&daemon, &format!("{item}/versions"));
    let newest_first: Vec<Value> = (0..versions)
        .rev()
        .map(|number| json!(format!("1.{number}.0")))
        .collect();
    assert_eq!(listed["versions"], Value::from(newest_first));
    assert_eq!(
        get(&daemon, &item)["version"],
        format!("1.{}.0", versions - 1)
    );
    registry.is_undisturbed("after many uploads");
    proved(
        "versions of one item, published at once",
        format!("{versions} by {CLIENTS} clients, all listed in order"),
    );
}

#[test]
fn what_fails_fails_alone() {
    let mut random = Random::announced("what_fails_fails_alone");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let daemon = registry.rackd().unhurried().start();
    let there = Release::new("@open", "there", "1.0.0");
    assert_eq!(daemon.publish(&there, ADMIN_TOKEN, &mut random).status, 201);

    let other = there.clone().with("description", "other content");
    let nowhere = Release::new("@undeclared", "item", "1.0.0");
    let wrong = Release::new("@open", "wrong", "1.0.0").with("type", "registry:nothing");
    let good: Vec<Release> = (0..rounds(40, 200))
        .map(|number| {
            Release::new(
                "@open",
                &format!("item-{}", number % 7),
                &format!("1.{number}.0"),
            )
        })
        .collect();
    let bad = [(&there, 409), (&other, 409), (&nowhere, 403), (&wrong, 400)];
    let mut jobs: Vec<(&Release, u16)> = good.iter().map(|release| (release, 201)).collect();
    jobs.extend(bad.iter().cycle().take(good.len()));
    random.shuffle(&mut jobs);
    publish(&daemon, jobs, &mut random);

    for release in &good {
        let served = Request::get(&release.url()).send(daemon.url());
        assert_eq!(served.expect("an answer").body, release.manifest());
    }
    registry.is_undisturbed("after many uploads");
}

/// Publishes them by several clients at once; each has the status that goes with it.
fn publish(daemon: &Rackd, jobs: Vec<(&Release, u16)>, random: &mut Random) {
    let requests = jobs.into_iter().map(|(release, status)| {
        let upload = Upload::new(Archive::pack(release, random));
        (
            release.address(),
            upload.request().bearer(ADMIN_TOKEN),
            status,
        )
    });
    let requests = Mutex::new(requests.collect::<Vec<_>>());
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                loop {
                    let next = requests.lock().expect("nobody panics").pop();
                    let Some((what, request, status)) = next else {
                        break;
                    };
                    let answer = request.send(daemon.url()).expect("an answer");
                    assert_eq!(answer.status, status, "{what}: {}", answer.json());
                }
            });
        }
    });
}

fn get(daemon: &Rackd, path: &str) -> Value {
    let answer = Request::get(path).send(daemon.url()).expect("an answer");
    assert_eq!(answer.status, 200, "{path}: {}", answer.json());
    answer.json()
}
