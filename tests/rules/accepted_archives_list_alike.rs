//! Every archive that is accepted lists the same (path, type, size, SHA-256) in GNU tar, bsdtar, Python's `tarfile` and
//! here, whichever dialect and compression it was made in; owners, modes and times in it are nobody's.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rack_tests::daemon::ADMIN_TOKEN;
use rack_tests::multipart::Upload;
use rack_tests::package::{Archive, gzip};
use rack_tests::random::Random;
use rack_tests::raw_tar::{BLOCK, MAGIC, seal};
use rack_tests::readers::{Listing, Reader};
use rack_tests::registry::Registry;
use rack_tests::sound;
use rack_tests::tree::sha256;
use rack_tests::{proved, rounds};
use serde_json::json;
use walkdir::WalkDir;

#[test]
fn accepted_archives_list_alike() {
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let daemon = registry.rackd().unhurried().start();
    let readers = Reader::installed();
    let mut archives = sound::archives();
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

#[test]
fn spoiled_headers_are_refused_or_list_alike() {
    let mut random = Random::announced("spoiled_headers_are_refused_or_list_alike");
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.build();
    let daemon = registry.rackd().unhurried().start();
    let readers = Reader::installed();
    let tars = sound::tars(&sound::release(0));
    let (mut accepted, rounds) = (0, rounds(20, 1000));
    for _ in 0..rounds {
        let (dialect, tar) = &tars[random.below(tars.len() as u64) as usize];
        let (tar, what) = spoiled(tar.clone(), &mut random);
        let bytes = gzip(&tar, &mut random);
        let upload = Upload::new(Archive::of(bytes.clone())).dry_run().request();
        let answer = upload.bearer(ADMIN_TOKEN).send(daemon.url());
        // Past these it is the manifest that is judged.
        if ["INVALID_ARCHIVE", "UNSAFE_FILE", "PAYLOAD_TOO_LARGE"]
            .contains(&&*answer.expect("an answer").code())
        {
            continue;
        }
        accepted += 1;
        let mut listings = readers
            .iter()
            .map(|reader| reader.list(&bytes, registry.root()));
        if let Some(first) = listings.next() {
            assert!(
                listings.all(|other| other == first),
                "{dialect} with {what}"
            );
        }
    }
    proved(
        "spoiled headers are refused or list alike",
        format!("{rounds} archives, {accepted} of them accepted"),
    );
}

/// With some bytes of one header changed, and its checksum made right again.
fn spoiled(mut tar: Vec<u8>, random: &mut Random) -> (Vec<u8>, String) {
    const TELLING: &[u8] = b"\0\0 0178/.x-+5Lgx\x80\xff\n";
    let is_header = |at: &usize| tar[at + MAGIC..].starts_with(b"ustar");
    let headers: Vec<_> = (0..tar.len() - BLOCK)
        .step_by(BLOCK)
        .filter(is_header)
        .collect();
    let at = headers[random.below(headers.len() as u64) as usize];
    let mut what = format!("header {at}");
    for _ in 0..=random.below(3) {
        let place = random.below(BLOCK as u64) as usize;
        let byte = TELLING[random.below(TELLING.len() as u64) as usize];
        tar[at + place] = byte;
        what += &format!(", {byte:#x} at {place}");
    }
    seal(&mut tar[at..at + BLOCK]);
    (tar, what)
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
