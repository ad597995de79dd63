//! What is gated is seen by nobody without a token: not in what lies in the public tree, not in anything that nginx
//! sends, whatever the way there looks like.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use rack_tests::http::{Connection, Request};
use rack_tests::nginx::with_daemon;
use rack_tests::proved;
use rack_tests::traces::traces;
use rack_tests::watched::{CANARY, CODINGS, NAME, decide, registry, shows, urls};

#[test]
fn nothing_gated_leaks_through_nginx() {
    let registry = registry();
    decide(&registry, true);
    let (nginx, _daemon) = with_daemon(&registry);
    let left = traces(&registry.public(), &[CANARY, NAME, "@moody"]);
    assert!(left.is_empty(), "{left:#?}");
    for tree in [registry.public(), registry.private()] {
        let staging = tree.join(".staging");
        fs::create_dir_all(&staging).expect("a folder");
        // Whoever runs nginx could read it.
        fs::set_permissions(&staging, Permissions::from_mode(0o755)).expect("a folder of ours");
        fs::write(staging.join("1.json"), CANARY).expect("a file");
    }

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
        let answer = Request::get(&url)
            .bearer("secret-of-the-moody-71c3")
            .send(&nginx.url());
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
    }
    crossings.push("/.staging/1.json".to_owned());
    crossings.push("/private/.staging/1.json".to_owned());
    crossings
}
