//! What other programs see in an archive.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use flate2::read::MultiGzDecoder;
use walkdir::WalkDir;

use crate::tree::sha256;

/// The regular files of an archive: path → size and SHA-256. Whatever is neither that nor a folder stops the test.
pub type Listing = BTreeMap<String, (u64, String)>;

/// A program that reads archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// GNU tar.
    Gnu,
    /// libarchive.
    Bsd,
    /// Python's `tarfile`.
    Python,
}

impl Reader {
    /// Those that are there; says which are not.
    pub fn installed() -> Vec<Self> {
        let mut readers = vec![Self::Gnu, Self::Bsd, Self::Python];
        readers.retain(|reader| {
            let run = Command::new(reader.program()).arg("--version").output();
            let is_there = run.is_ok_and(|run| run.status.success());
            if !is_there {
                println!(
                    "SKIPPED: what `{}` reads: it is not installed",
                    reader.program()
                );
            }
            is_there
        });
        readers
    }

    /// `tar`, `bsdtar` or `python3`.
    pub fn program(self) -> &'static str {
        match self {
            Self::Gnu => "tar",
            Self::Bsd => "bsdtar",
            Self::Python => "python3",
        }
    }

    /// What it sees. `folder` is one to work in.
    pub fn list(self, archive: &[u8], folder: &Path) -> Listing {
        let folder = tempfile::tempdir_in(folder).expect("a folder");
        let path = folder.path().join("archive");
        match self {
            // zstd is new to Python (3.14), tar is not.
            Self::Python => {
                fs::write(&path, decompressed(archive)).expect("a file");
                self.listed_by_python(&path)
            }
            Self::Gnu | Self::Bsd => {
                fs::write(&path, archive).expect("a file");
                self.extracted(&path)
            }
        }
    }

    fn listed_by_python(self, archive: &Path) -> Listing {
        const SCRIPT: &str = "import hashlib, sys, tarfile
for entry in tarfile.open(sys.argv[1], 'r:'):
    if entry.isdir(): continue
    assert entry.isreg() and not entry.issparse(), entry
    data = tar.read() if (tar := tarfile.open(sys.argv[1], 'r:').extractfile(entry)) else b''
    print(entry.name, entry.size, hashlib.sha256(data).hexdigest(), sep='\\t')";
        let listed = self.run(&["-c", SCRIPT], archive, Path::new("/"));
        let mut listing = Listing::new();
        for line in listed.lines() {
            let mut parts = line.split('\t').map(str::to_owned);
            let mut next = || parts.next().expect("three parts");
            let (path, size, sha256) = (next(), next().parse().expect("a number"), next());
            let path = path.strip_prefix("./").unwrap_or(&path).to_owned();
            assert_eq!(listing.insert(path, (size, sha256)), None, "twice: {line}");
        }
        listing
    }

    /// What lies in a folder then; and it lists no more than that.
    fn extracted(self, archive: &Path) -> Listing {
        let into = archive.with_extension("extracted");
        fs::create_dir(&into).expect("a folder");
        self.run(&["--no-same-owner", "-xf"], archive, &into);
        let mut listing = Listing::new();
        let mut folders = 0;
        for entry in WalkDir::new(&into).min_depth(1) {
            let entry = entry.expect("our folder");
            let path = entry.path();
            if entry.file_type().is_dir() {
                folders += 1;
                continue;
            }
            assert!(entry.file_type().is_file(), "{}", path.display());
            fs::set_permissions(path, Permissions::from_mode(0o600)).expect("our file");
            let bytes = fs::read(path).expect("our file");
            let path = path.strip_prefix(&into).expect("a path below");
            let path = path.to_str().expect("UTF-8").to_owned();
            listing.insert(path, (bytes.len() as u64, sha256(&bytes)));
        }
        let listed = self.run(&["--numeric-owner", "-tvf"], archive, &into);
        let (of_folders, of_files): (Vec<_>, Vec<_>) =
            listed.lines().partition(|line| line.starts_with('d'));
        assert_eq!(of_files.len(), listing.len(), "{listed}");
        // The folder itself may be listed, as `./`.
        assert!(of_folders.len() <= folders + 1, "{listed}");
        listing
    }

    fn run(self, words: &[&str], archive: &Path, folder: &Path) -> String {
        let run = Command::new(self.program())
            .args(words)
            .arg(archive)
            .current_dir(folder)
            .output()
            .expect("the program runs");
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{} {words:?}: {said}", self.program());
        String::from_utf8(run.stdout).expect("UTF-8")
    }
}

/// The tar in it.
fn decompressed(archive: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    match archive.first() {
        Some(0x1f) => MultiGzDecoder::new(archive).read_to_end(&mut tar).map(drop),
        _ => zstd::stream::copy_decode(archive, &mut tar),
    }
    .expect("gzip or zstd");
    tar
}
