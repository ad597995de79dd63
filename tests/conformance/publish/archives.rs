//! Archives that are none, or hold what none may hold. Every shape of hostile-archives.md has fixtures of its own
//! beside the daemon; here is a sample of each code and reason.

use rack_tests::multipart::Upload;
use rack_tests::package::{Archive, gzip, tar, tar_and, zstd};
use rack_tests::release::Release;
use serde_json::json;
use tar::EntryType;

use super::ask;
use crate::expect::Expect;
use crate::suite::{Suite, unless};

/// Runs the cases.
pub(super) fn run(suite: &mut Suite) {
    no_archives(suite);
    unsafe_entries(suite);
}

fn no_archives(suite: &mut Suite) {
    let release = suite.fresh("@drop");
    let random = &mut suite.random;
    let plain = tar(release.entries(), random);
    let gzipped = gzip(&plain, random);
    let zstandard = zstd(&plain);
    let (compression, framing) = (Some("compress_framing"), Some("tar_framing"));
    let cut = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    let mut wrong_crc = gzipped.clone();
    let crc = wrong_crc.len() - 8;
    wrong_crc[crc] ^= 1;
    let cases = [
        ("some text", b"this is no archive".to_vec(), None),
        ("no bytes", Vec::new(), None),
        ("a tar that is not compressed", plain.clone(), None),
        ("half a gzip", cut(&gzipped), None),
        ("half a zstd", cut(&zstandard), None),
        (
            "a gzip and more",
            [&gzipped[..], b"more"].concat(),
            compression,
        ),
        (
            "two gzip members",
            [&gzipped[..], &gzipped].concat(),
            compression,
        ),
        (
            "two zstd frames",
            [&zstandard[..], &zstandard].concat(),
            compression,
        ),
        ("a gzip with a wrong CRC", wrong_crc, compression),
        ("gzip around no tar", gzip(&[b'x'; 2048], random), framing),
        ("zstd around no tar", zstd(&[b'x'; 2048]), framing),
        ("half a tar", gzip(&cut(&plain), random), framing),
        (
            "a tar without its end",
            gzip(&plain[..plain.len() - 1024], random),
            framing,
        ),
        (
            "two tars in a row",
            gzip(&[&plain[..], &plain].concat(), random),
            framing,
        ),
    ];
    for (name, bytes, reason) in cases {
        let expect = Expect::error(400, "INVALID_ARCHIVE");
        let expect = match reason {
            Some(reason) => expect.json_has(json!({ "reason": reason })),
            None => expect,
        };
        let upload = Upload::new(Archive::of(bytes));
        ask(suite, name, &upload, &expect);
    }
}

fn unsafe_entries(suite: &mut Suite) {
    use EntryType::{Block, Char, Fifo, Link, Regular, Symlink};
    for (name, path, kind, reason) in [
        ("an absolute path", "/etc/passwd", Regular, "path_escape"),
        ("a path that climbs", "../outside", Regular, "path_escape"),
        (
            "a path that climbs later",
            "a/../../outside",
            Regular,
            "path_escape",
        ),
        ("a backslash", "a\\b", Regular, "path_illegal"),
        ("a colon", "C:x", Regular, "path_illegal"),
        ("a trailing dot", "templates/x.", Regular, "path_illegal"),
        (
            "the same path twice",
            "registry.json",
            Regular,
            "path_collision",
        ),
        (
            "the same path in another case",
            "Registry.json",
            Regular,
            "path_collision",
        ),
        (
            "a file below a file",
            "registry.json/x",
            Regular,
            "path_collision",
        ),
        ("a symbolic link", "link", Symlink, "entry_type"),
        ("a hard link", "link", Link, "entry_type"),
        ("a character device", "device", Char, "entry_type"),
        ("a block device", "device", Block, "entry_type"),
        ("a pipe", "pipe", Fifo, "entry_type"),
    ] {
        let release: Release = suite.fresh("@drop");
        let tar = tar_and(&release, path, kind, &mut suite.random);
        let upload = Upload::new(Archive::of(gzip(&tar, &mut suite.random)));
        let expect = Expect::error(400, "UNSAFE_FILE");
        let answer = ask(
            suite,
            name,
            &upload,
            &expect.json_has(json!({ "reason": reason })),
        );
        if let Some(answer) = answer {
            suite.check(&format!("publish: {name} is named"), |_| {
                let body = answer.json();
                let named = body["path"].is_string();
                Ok(unless(named, || format!("no path in {body}")))
            });
        }
    }
}
