//! What a client says of itself in the words that nginx and the daemon use among themselves counts for nothing, and
//! what was decided for one client is not what is decided for another.

use rack_tests::canaries::{GATED, OPEN, TOKEN, front};
use rack_tests::http::Request;

/// What a client says of itself, in the words that nginx and the daemon use among themselves.
#[test]
fn nobody_speaks_for_another() {
    let front = front();
    let url = front.nginx.url();
    let ask = |headers: &[(&str, &str)]| {
        let request = headers
            .iter()
            .fold(Request::get(GATED), |request, (name, value)| {
                request.header(name, value)
            });
        request.send(&url).expect("an answer")
    };
    let bearer = format!("Bearer {TOKEN}");
    let (half, rest) = TOKEN.split_at(4);
    let half = format!("Bearer {half}");
    // Its verdict is in the cache from now on.
    assert_eq!(ask(&[("Authorization", &bearer)]).status, 200);
    for headers in [
        &[("Authorization", &half[..]), ("X-Registry-Token", rest)][..],
        &[
            ("Authorization", "Bearer unknown"),
            ("X-Registry-Token", TOKEN),
        ],
        &[
            ("Authorization", "Bearer unknown"),
            ("Authorization", &bearer),
        ],
        &[
            ("Authorization", &bearer),
            ("Authorization", "Bearer unknown"),
        ],
        &[("X-Registry-Token", "unknown"), ("X-Registry-Token", TOKEN)],
        &[("X-Rack-Namespace", "@open")],
        &[
            ("X-Original-URI", OPEN),
            ("X-Original-URL", OPEN),
            ("X-Rewrite-URL", OPEN),
        ],
        &[("X-Accel-Redirect", GATED), ("X-Rack-Code", "OK")],
        &[("X-HTTP-Method-Override", "OPTIONS")],
        &[
            ("X-Forwarded-For", "127.0.0.1"),
            ("Forwarded", "for=127.0.0.1"),
        ],
        &[("Host", "rackd"), ("Connection", "Authorization")],
    ] {
        let answer = ask(headers);
        assert!(
            matches!(answer.status, 400 | 401),
            "{headers:?}: {answer:?}"
        );
        // What was decided for one is not what is decided for the other.
        for alone in headers.iter().filter(|(_, value)| !value.contains(TOKEN)) {
            let answer = ask(&[*alone]);
            assert!(
                matches!(answer.status, 400 | 401),
                "{alone:?} after {headers:?}: {answer:?}"
            );
        }
        assert_eq!(
            ask(&[("X-Registry-Token", TOKEN)]).status,
            200,
            "after {headers:?}"
        );
    }
}
