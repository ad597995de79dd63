//! Every archive that is accepted lists the same (path, type, size, SHA-256) in GNU tar, bsdtar, Python's `tarfile` and
//! here, whichever dialect and compression it was made in; owners, modes and times in it are nobody's.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::proved;
use rack_tests::readers::{Listing, Reader};
use rack_tests::registry::Registry;
use rack_tests::sound;
use rack_tests::tree::sha256;
use serde_json::json;
use walkdir::WalkDir;

#[test]
fn accepted_archives_list_alike() {
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let daemon = registry.rackd().unhurried().start();
    let readers = Reader::installed();
    let mut archives = Vec::new();
    for (number, (shape, make)) in sound::archives().into_iter().enumerate() {
        let release = sound::release(number);
        let bytes = make(&release);
        archives.push((shape, release, bytes));
    }
    archives.extend(sound::made_by_programs(archives.len(), registry.root()));
    for (shape, release, bytes) in &archives {
        let upload = Upload::new(Archive::of(bytes.clone())).request();
        let answer = upload.bearer(ADMIN_TOKEN).send(daemon.url());
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 201, "{shape}: {}", answer.json());
        let ours = published(&registry.source().join(release.address()));
        let sent = release.entries().into_iter();
        let sent = sent.map(|(path, bytes)| (path, (bytes.len() as u64, sha256(&bytes))));
        assert_eq!(ours, sent.collect(), "{shape}");
        for reader in &readers {
            let theirs = lifted(reader.list(bytes, registry.root()));
            assert_eq!(theirs, ours, "{shape}, as {} reads it", reader.program());
        }
    }
    proved(
        "accepted archives list alike",
        format!(
            "{} archives in {} other readers",
            archives.len(),
            readers.len()
        ),
    );
}

/// What lies in a version's folder, which was made just now and may be read by everybody.
fn published(folder: &Path) -> Listing {
    let mut listing = Listing::new();
    for entry in WalkDir::new(folder) {
        let entry = entry.expect("our folder");
        let path = entry.path();
        let found = entry.metadata().expect("a file's metadata");
        let mode = found.permissions().mode() & 0o7777;
        if found.is_dir() {
            assert_eq!(mode, 0o755, "{}", path.display());
            continue;
        }
        assert!(found.is_file(), "{}", path.display());
        assert_eq!(mode, 0o644, "{}", path.display());
        let time = found.modified().expect("a time");
        let age = SystemTime::now().duration_since(time).unwrap_or_default();
        assert!(
            age < Duration::from_secs(3600),
            "{}: {time:?}",
            path.display()
        );
        let bytes = fs::read(path).expect("a file");
        let path = path.strip_prefix(folder).expect("a path below");
        let path = path.to_str().expect("UTF-8").to_owned();
        listing.insert(path, (found.len(), sha256(&bytes)));
    }
    listing
}

/// Without the one folder that holds everything (protocol.md, "Publishing").
fn lifted(listing: Listing) -> Listing {
    if listing.contains_key("registry.json") {
        return listing;
    }
    let below = |path: &str| path.strip_prefix("pkg/").expect("the folder").to_owned();
    let listing = listing.into_iter();
    listing.map(|(path, file)| (below(&path), file)).collect()
}
