//! `rackgen yank` and the other commands say and do the same with `--url` as on the source tree; what a server
//! refuses they tell in its words, and never with the token.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::registry::{Registry, Run};
use rack_tests::release::Release;
use rack_tests::standing::{Standing, events};
use serde_json::{Value, json};

const ITEM: &str = "@team/features/item";
const READER: &str = "secret-of-a-reader-20cc";
const PUBLISHER: &str = "secret-of-a-publisher-77e1";
const EXPIRED: &str = "secret-of-the-past-0b9d";
const STRANGER: &str = "secret-of-another-41fa";

fn registry() -> Registry {
    let registry = Registry::new(&json!({
        "@open": [],
        "@team": [
            { "token": READER },
            { "token": PUBLISHER, "publish": true },
            { "token": EXPIRED, "publish": true, "expiresAt": "2020-01-01T00:00:00Z" },
        ],
        "@other": [{ "token": STRANGER, "publish": true }],
    }));
    for version in ["1.0.0", "1.1.0+b.1", "2.0.0-rc.1"] {
        registry.put(&Release::new("@team", "item", version));
    }
    registry.put(&Release::new("@open", "item", "1.0.0"));
    registry.build();
    registry
}

/// Runs the command on a server, and looks for the token in all that it says.
fn on_server(registry: &Registry, url: &str, token: &str, args: &[&str]) -> Run {
    let file = registry.root().join("token");
    fs::write(&file, token).expect("a file");
    let file = file.to_str().expect("a path in UTF-8");
    let run = registry.rackgen(&[args, &["--url", url, "--token-file", file]].concat());
    assert!(!run.to_string().contains(token), "{run}");
    run
}

#[test]
fn commands_say_the_same_of_a_server() {
    let (here, there) = (registry(), registry());
    let daemon = there.rackd().unhurried().start();
    let release = |version: &str| format!("{ITEM}@{version}");
    let (one, build, rc) = (
        release("1.0.0"),
        release("1.1.0+b.1"),
        release("2.0.0-rc.1"),
    );
    let none = release("9.9.9");
    let odd = "two\nlines, \"quotes\" and 🦀";
    for (args, status) in [
        (vec!["yank", &one[..], "--reason", odd], 0),
        (vec!["yank", &one, "--reason", odd], 0),
        (vec!["yank", &one], 0),
        (vec!["deprecate", &build, "--reason", "use another"], 0),
        (vec!["deprecate", &one, "--message", odd], 0),
        (vec!["tag", &rc, "beta"], 0),
        (vec!["tag", &build, "lts-1"], 0),
        (vec!["tag", &one, "beta"], 2),
        (vec!["yank", &rc], 2),
        (vec!["yank", &none], 2),
        (vec!["tag", &none, "beta"], 2),
        (vec!["untag", "@team/features/none", "beta"], 2),
        (vec!["untag", ITEM, "beta"], 0),
        (vec!["untag", ITEM, "beta"], 0),
        (vec!["undeprecate", &build], 0),
        (vec!["unyank", &one], 0),
        (vec!["unyank", &one, "--format", "json"], 0),
        (vec!["tag", &one, "beta", "--format", "json"], 0),
        (vec!["untag", ITEM, "beta"], 0),
        (vec!["yank", &one, "--reason", "in the end"], 0),
    ] {
        let on_tree = here.rackgen(&args).exits(status);
        let on_server = on_server(&there, daemon.url(), PUBLISHER, &args).exits(status);
        assert_eq!(on_tree.stdout, on_server.stdout, "{on_tree}{on_server}");
        // `rackgen: <where>: [<status> <code>: ]<why>`
        let why = |run: &Run| run.stderr.rsplit(": ").next().map(str::to_owned);
        assert_eq!(why(&on_tree), why(&on_server), "{on_tree}{on_server}");
        let standing = [&here, &there].map(|registry| {
            let document = registry.private().join("registries").join(ITEM);
            let document = fs::read(document.join("versions/index.json")).expect("a list");
            let document: Value = serde_json::from_slice(&document).expect("JSON");
            let standing = Standing::of_document(&document);
            assert_eq!(
                standing,
                Standing::of_log(&events(registry, ITEM)),
                "{args:?}"
            );
            (
                standing,
                document["versions"].clone(),
                document["latest"].clone(),
            )
        });
        assert_eq!(standing[0], standing[1], "{args:?}");
    }
    let without_times = |registry: &Registry| {
        let mut events = events(registry, ITEM);
        for event in &mut events {
            let event = event.as_object_mut().expect("an event is an object");
            event.retain(|key, _| key != "time" && key != "by");
        }
        events
    };
    assert_eq!(without_times(&here), without_times(&there));
    assert!(
        events(&there, ITEM)
            .iter()
            .all(|event| event["by"] == "unnamed")
    );
}

#[test]
fn a_server_that_refuses_is_quoted() {
    let registry = registry();
    let daemon = registry.rackd().unhurried().start();
    let yank = ["yank", "@team/features/item@1.0.0", "--reason", "x"];
    let tag = ["tag", "@team/features/item@1.0.0", "beta"];
    let open = ["yank", "@open/features/item@1.0.0"];
    let undeclared = ["untag", "@nowhere/features/item", "beta"];
    for (token, args, words) in [
        (
            READER,
            &yank[..],
            "403 INSUFFICIENT_PERMISSIONS: this token lacks the scope yank on @team",
        ),
        (
            READER,
            &tag,
            "403 INSUFFICIENT_PERMISSIONS: this token lacks the scope tag on @team",
        ),
        (
            PUBLISHER,
            &open,
            "403 INSUFFICIENT_PERMISSIONS: this token lacks the scope yank on @open",
        ),
        (
            STRANGER,
            &yank,
            "401 INVALID_TOKEN: this token is not one of @team",
        ),
        (EXPIRED, &yank, "401 TOKEN_EXPIRED: "),
        (EXPIRED, &open, "401 TOKEN_EXPIRED: "),
        ("secret-of-nobody", &yank, "401 INVALID_TOKEN: "),
        (
            ADMIN_TOKEN,
            &undeclared,
            "403 FORBIDDEN_NAMESPACE: @nowhere ",
        ),
        ("secret\u{1}of-no-header", &yank, "this is no token"),
    ] {
        let run = on_server(&registry, daemon.url(), token, args).exits(2);
        assert!(run.names(&["rackgen: ", words]), "{words}\n{run}");
        assert_eq!(run.stdout, "", "{run}");
    }
    // For programs, what the server said.
    let json = [&yank[..], &["--format", "json"]].concat();
    let run = on_server(&registry, daemon.url(), STRANGER, &json).exits(2);
    let said: Value = serde_json::from_str(&run.stdout).unwrap_or_default();
    assert_eq!(said["code"], "INVALID_TOKEN", "{run}");
    let url = "http://127.0.0.1:1";
    let run = on_server(&registry, url, PUBLISHER, &yank).exits(2);
    assert!(run.names(&["cannot reach", url]), "{run}");
    let run = registry.rackgen(&[&yank[..], &["--url", daemon.url()]].concat());
    assert!(run.exits(2).names(&["RACK_TOKEN", "--token-file"]));
    let empty = registry.root().join("token");
    fs::write(&empty, "\n").expect("a file");
    let empty = empty.to_str().expect("a path in UTF-8");
    let from = ["import", "--from", daemon.url(), "--token-file", empty];
    let run = registry.rackgen(&from).exits(2);
    assert!(run.names(&[empty, "this is no token"]), "{run}");
    assert_eq!(events(&registry, ITEM), Vec::<Value>::new());

    let page = some_other_server();
    let run = on_server(&registry, &page, PUBLISHER, &yank).exits(2);
    assert!(run.names(&[&page, "no registry"]), "{run}");
}

/// Says 200 to the first who asks, and means something else.
fn some_other_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener
        .local_addr()
        .expect("a listener knows where it listens");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let _ = stream.read(&mut [0; 4096]);
        let page = "<html>Welcome</html>";
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            page.len()
        );
        stream
            .write_all((head + page).as_bytes())
            .expect("a client");
    });
    format!("http://{address}")
}
