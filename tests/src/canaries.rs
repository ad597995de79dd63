//! A registry behind nginx with canaries wherever a path that went astray could lead.

use std::fs;

use serde_json::json;

use crate::coding::decode;
use crate::daemon::Rackd;
use crate::errors::faults;
use crate::http::{Response, open_raw};
use crate::nginx::{Nginx, with_daemon};
use crate::registry::Registry;
use crate::release::Release;

/// In every file that is nobody's.
pub const CANARY: &str = "canary-0d7c41aa";
/// Reads what is gated.
pub const TOKEN: &str = "team-token";

/// A version that anyone may read, with a file `src/index.ts`.
pub const OPEN: &str = "/registries/@open/features/item/1.0.0";
/// A version that needs a token, with a file `src/secret.ts`.
pub const GATED: &str = "/registries/@team/features/secret/1.0.0";

/// nginx, the daemon behind it, and their folders.
#[derive(Debug)]
pub struct Front {
    /// What clients talk to.
    pub nginx: Nginx,
    /// Whom nginx asks.
    pub daemon: Rackd,
    registry: Registry,
}

/// Builds and starts it all.
pub fn front() -> Front {
    let registry = Registry::new(&json!({ "@open": [], "@team": [{ "token": TOKEN }] }))
        .setting("RACK_ENCODINGS", "br,gzip,zstd");
    let text = "export const item = 'anyone may read this'\n".repeat(30);
    registry.put(&Release::new("@open", "item", "1.0.0").file("src/index.ts", text));
    let secret = format!("export const secret = '{CANARY}'\n").repeat(30);
    let release = Release::new("@team", "secret", "1.0.0").with("description", CANARY);
    registry.put(&release.file("src/secret.ts", secret));
    let (nginx, daemon) = with_daemon(&registry);
    for path in [
        "canary.txt",
        "public/canary.txt",
        "public/index.json",
        "public/.canary/index.json",
        "public/registries/index.json",
        "public/registries/@open/index.json",
        "public/registries/@open/features/index.html",
        "public/presets/canary.txt",
        "private/canary.txt",
        "state/canary.txt",
    ] {
        let path = registry.root().join(path);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
        fs::write(path, format!("{{\"canary\": \"{CANARY}\"}}\n")).expect("a file");
    }
    Front {
        nginx,
        daemon,
        registry,
    }
}

/// What is wrong with an answer, whatever was asked for.
pub fn wrong(front: &Front, answer: &Response, is_head: bool) -> Vec<String> {
    let mut problems = faults(answer, is_head);
    let coding = answer.header("Content-Encoding");
    match decode(coding, &answer.body) {
        Ok(body) => problems.extend(leaks(front, &body)),
        Err(_) if is_head || answer.body.is_empty() => {}
        Err(fault) => problems.push(format!("{coding:?}: {fault}")),
    }
    problems
}

/// Which of the things that are nobody's are in these bytes.
pub fn leaks(front: &Front, bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let id = fs::read_to_string(front.registry.public().join(".rack-id"));
    let id = id.expect("every tree has its marker");
    let private = [CANARY, TOKEN, id.trim(), "<html"];
    let seen = private.into_iter().filter(|word| text.contains(word));
    seen.map(|word| format!("{word:?} in {text}")).collect()
}

/// A GET that is the last on its connection, with headers besides.
pub fn get(target: &str, headers: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: x\r\n{headers}Connection: close\r\n\r\n").into_bytes()
}

/// Sends everything at once, and reads so many answers, or fewer where the server closes the connection. Behind them
/// there may be nothing.
pub fn answers(front: &Front, bytes: &[u8], heads: &[bool]) -> Vec<Response> {
    let mut exchange = open_raw(&front.nginx.url(), bytes).expect("a connection");
    let mut answers = Vec::new();
    for is_head in heads {
        match exchange.receive(*is_head) {
            Ok(answer) => {
                let closes = answer.list("Connection").contains("close");
                answers.push(answer);
                if closes {
                    break;
                }
            }
            Err(_) if !answers.is_empty() => break,
            Err(fault) => panic!("no answer to {:?}: {fault}", String::from_utf8_lossy(bytes)),
        }
    }
    if answers
        .last()
        .is_some_and(|last| last.list("Connection").contains("close"))
    {
        let rest = exchange.rest();
        let (rest, sent) = (
            String::from_utf8_lossy(&rest),
            String::from_utf8_lossy(bytes),
        );
        assert_eq!(
            rest, "",
            "behind the last answer to {sent:?}, which is {answers:#?}"
        );
    }
    answers
}
