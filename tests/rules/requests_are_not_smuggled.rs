//! However a request says where it ends, nginx and the daemon behind it take the same for its end: nothing that is
//! hidden in one is answered as another.

use rack_tests::canaries::{GATED, TOKEN, answers, front, wrong};
use rack_tests::daemon::ADMIN_TOKEN;

/// Two readings of where a request ends: one of them hides another request in it.
#[test]
fn nothing_is_smuggled() {
    let front = front();
    let hidden =
        format!("GET {GATED} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    let length = hidden.len();
    let last = "GET /namespaces HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let token = format!("Authorization: Bearer {ADMIN_TOKEN}\r\n");
    let chunk = format!("{length:x}\r\n{hidden}\r\n0\r\n\r\n");
    let mut tried = 0;
    for start in [
        "GET /namespaces",
        "POST /registries",
        "PUT /registries",
        "GET /nothing",
    ] {
        for credentials in ["", &token] {
            for (name, framing, body) in [
                (
                    "a length",
                    format!("Content-Length: {length}\r\n"),
                    hidden.clone(),
                ),
                (
                    "chunks",
                    "Transfer-Encoding: chunked\r\n".to_owned(),
                    chunk.clone(),
                ),
                (
                    "chunks with an extension",
                    "Transfer-Encoding: chunked\r\n".to_owned(),
                    format!("{length:x};a=\"\r\n\"\r\n{hidden}\r\n0\r\n\r\n"),
                ),
                (
                    "both",
                    format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
                    chunk.clone(),
                ),
                (
                    "both, turned",
                    format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"),
                    chunk.clone(),
                ),
                (
                    "both, no chunk",
                    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n".to_owned(),
                    format!("0\r\n\r\n{hidden}"),
                ),
                (
                    "two lengths",
                    format!("Content-Length: 0\r\nContent-Length: {length}\r\n"),
                    hidden.clone(),
                ),
                (
                    "two equal lengths",
                    format!("Content-Length: {length}\r\n").repeat(2),
                    hidden.clone(),
                ),
                (
                    "a list of lengths",
                    format!("Content-Length: {length}, {length}\r\n"),
                    hidden.clone(),
                ),
                (
                    "a length with a sign",
                    format!("Content-Length: +{length}\r\n"),
                    hidden.clone(),
                ),
                (
                    "a length in hex",
                    format!("Content-Length: 0x{length:x}\r\n"),
                    hidden.clone(),
                ),
                (
                    "a length below nothing",
                    "Content-Length: -1\r\n".to_owned(),
                    hidden.clone(),
                ),
                (
                    "a length beyond numbers",
                    "Content-Length: 99999999999999999999\r\n".to_owned(),
                    hidden.clone(),
                ),
                (
                    "chunked twice",
                    "Transfer-Encoding: chunked\r\n".repeat(2),
                    chunk.clone(),
                ),
                (
                    "chunked and identity",
                    "Transfer-Encoding: chunked, identity\r\n".to_owned(),
                    chunk.clone(),
                ),
                (
                    "a space before the colon",
                    format!("Content-Length: {length}\r\nTransfer-Encoding : chunked\r\n"),
                    chunk.clone(),
                ),
                (
                    "a tab before the word",
                    format!("Content-Length: {length}\r\nTransfer-Encoding:\tchunked\r\n"),
                    chunk.clone(),
                ),
                (
                    "a folded line",
                    format!("Content-Length: {length}\r\nX: y\r\n Transfer-Encoding: chunked\r\n"),
                    chunk.clone(),
                ),
                (
                    "a carriage return alone",
                    format!("Content-Length: {length}\r\nX: y\rTransfer-Encoding: chunked\r\n"),
                    chunk.clone(),
                ),
                (
                    "a chunk of no size",
                    "Transfer-Encoding: chunked\r\n".to_owned(),
                    format!("zz\r\n{hidden}\r\n0\r\n\r\n"),
                ),
                (
                    "a chunk beyond numbers",
                    "Transfer-Encoding: chunked\r\n".to_owned(),
                    format!("fffffffffffffffff\r\n{hidden}\r\n0\r\n\r\n"),
                ),
                (
                    "a chunk below nothing",
                    "Transfer-Encoding: chunked\r\n".to_owned(),
                    format!("-1\r\n{hidden}\r\n0\r\n\r\n"),
                ),
            ] {
                let bytes = format!(
                    "{start} HTTP/1.1\r\nHost: x\r\n{credentials}{framing}\r\n{body}{last}"
                );
                let what = format!("{name} in {start}");
                let answers = answers(&front, bytes.as_bytes(), &[false; 3]);
                for answer in &answers {
                    assert_eq!(wrong(&front, answer, false), Vec::<String>::new(), "{what}");
                }
                // The first request's, and that to the last one if the connection lives so long. Where there is no
                // length that counts, what is hidden is a request, but then it is the client's own.
                assert!(answers.len() <= 2, "{what}: {answers:#?}");
                tried += 1;
            }
        }
    }
    assert!(tried > 100);
}
