//! Archives that are accepted: every dialect and compression that there is, and whatever may stand in a header and means
//! nothing. Made from raw bytes, and by the programs that people have.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use flate2::{Compression, GzBuilder};

use crate::package;
use crate::random::Random;
use crate::raw_tar::{
    BLOCK, MODE, MTIME, PREFIX, SIZE, UID, entry, file, folder, gnu, long_name, pax, pax_global,
    record, set, tar,
};
use crate::release::Release;

/// How one entry of a dialect is written, by path and bytes.
type Dialect = fn(&str, &[u8]) -> Vec<u8>;
/// How a tar is compressed.
type Packing = fn(&[u8]) -> Vec<u8>;

/// A release of its own for each archive.
pub fn release(number: usize) -> Release {
    let release = Release::new("@open", "sound", &format!("1.0.{number}"));
    release
        .file("a", "alpha")
        .file("empty", "")
        .file("src/.hidden/b@2x+y_z.TS", "let b\n".repeat(300))
        .file("blocks", vec![b'x'; 2 * BLOCK])
        .file(&format!("{}/{}", "d".repeat(60), "f".repeat(70)), "long")
}

/// The release as a tar of every dialect, not compressed.
pub fn tars(release: &Release) -> Vec<(&'static str, Vec<u8>)> {
    let dialects = DIALECTS.into_iter();
    let tar = |dialect| tar(&entries(release, dialect));
    dialects
        .map(|(name, dialect)| (name, tar(dialect)))
        .collect()
}

/// What it is, the release in it, and its bytes.
pub type Sound = (String, Release, Vec<u8>);

/// All that are made from bytes.
pub fn archives() -> Vec<Sound> {
    let mut archives = Vec::new();
    let mut add = |name: &str, make: &dyn Fn(&Release) -> Vec<u8>| {
        let release = release(archives.len());
        let bytes = make(&release);
        archives.push((name.to_owned(), release, bytes));
    };
    for (name, dialect) in DIALECTS {
        add(name, &|release| gzip(&tar(&entries(release, dialect))));
    }
    for (name, packing) in PACKINGS {
        add(name, &|release| packing(&tar(&entries(release, ustar))));
    }
    for (name, around) in AROUND {
        add(name, &|release| gzip(&around(entries(release, ustar))));
    }
    add("one folder around everything", &|release| {
        let below = entries(release, |path, bytes| ustar(&format!("pkg/{path}"), bytes));
        gzip(&tar(&[vec![folder("pkg/")], below].concat()))
    });
    archives
}

fn entries(release: &Release, dialect: Dialect) -> Vec<Vec<u8>> {
    let entries = release.entries().into_iter();
    entries
        .map(|(path, bytes)| dialect(&path, &bytes))
        .collect()
}

const DIALECTS: [(&str, Dialect); 14] = [
    ("ustar", ustar),
    ("pax", |path, bytes| {
        [pax("path", path), file("x", bytes)].concat()
    }),
    ("GNU", |path, bytes| {
        [long_name(path), gnu(file("x", bytes))].concat()
    }),
    ("a GNU long name without its NUL", |path, bytes| {
        let name = gnu(entry("././@LongLink", b'L', path));
        [name, gnu(file("x", bytes))].concat()
    }),
    ("pax with its size once more", |path, bytes| {
        let size = record("size", bytes.len().to_string());
        let header = entry("PaxHeader", b'x', [record("path", path), size].concat());
        [header, file("x", bytes)].concat()
    }),
    ("pax with times and attributes", |path, bytes| {
        let records = [
            record("path", path),
            record("mtime", "1795378002.234527626"),
            record("atime", "-1.5"),
            record("uid", "4294967295"),
            record("uname", "j\u{f6}rg"),
            record("SCHILY.xattr.user.a", "\0b"),
            record("LIBARCHIVE.xattr.user.a", "YQ"),
            record("comment", "nothing"),
        ];
        [entry("PaxHeader", b'x', records.concat()), file("x", bytes)].concat()
    }),
    ("files of the old type", |path, bytes| {
        [pax("path", path), entry("x", 0, bytes)].concat()
    }),
    ("setuid", |path, bytes| {
        set(ustar(path, bytes), MODE, b"0006755\0")
    }),
    ("sticky", |path, bytes| {
        set(ustar(path, bytes), MODE, b"0001777\0")
    }),
    ("mode 000", |path, bytes| {
        set(ustar(path, bytes), MODE, b"0000000\0")
    }),
    ("odd owners", |path, bytes| {
        let owner = b"\x80\0\0\0\x7f\xff\xff\xff0777777\0";
        set(ustar(path, bytes), UID, owner)
    }),
    ("a time in 2242", |path, bytes| {
        set(ustar(path, bytes), MTIME, b"77777777777\0")
    }),
    ("a `./` in front", |path, bytes| {
        [pax("path", format!("./{path}")), file("x", bytes)].concat()
    }),
    ("sizes with blanks", |path, bytes| {
        let size = format!("{:>11o} ", bytes.len());
        set(ustar(path, bytes), SIZE, size.as_bytes())
    }),
];

/// With the part in front of the last `/` as the prefix where the name has no room.
fn ustar(path: &str, bytes: &[u8]) -> Vec<u8> {
    match path.rsplit_once('/') {
        Some((prefix, name)) if path.len() > 100 => {
            set(file(name, bytes), PREFIX, prefix.as_bytes())
        }
        _ => file(path, bytes),
    }
}

const PACKINGS: [(&str, Packing); 11] = [
    ("gzip that is only stored", |tar| {
        gzip_of(GzBuilder::new(), Compression::none(), tar)
    }),
    ("gzip at its best", |tar| {
        gzip_of(GzBuilder::new(), Compression::best(), tar)
    }),
    ("gzip with a name and a comment", |tar| {
        let header = GzBuilder::new().filename("p.tar").comment("made up");
        gzip_of(header, Compression::fast(), tar)
    }),
    ("gzip with more in its header", |tar| {
        gzip_of(GzBuilder::new().extra("extra"), Compression::fast(), tar)
    }),
    ("zstd", package::zstd),
    ("zstd as fast as it can", |tar| zstd_with(-5, |_| (), tar)),
    ("zstd -19", |tar| zstd_with(19, |_| (), tar)),
    ("zstd with a checksum", |tar| {
        zstd_with(
            3,
            |zstd| zstd.include_checksum(true).expect("a setting"),
            tar,
        )
    }),
    ("zstd that says its size", |tar| {
        let size = Some(tar.len() as u64);
        zstd_with(
            3,
            |zstd| zstd.set_pledged_src_size(size).expect("a setting"),
            tar,
        )
    }),
    ("zstd with a window of 8 MiB", |tar| {
        zstd_with(3, |zstd| zstd.window_log(23).expect("a setting"), tar)
    }),
    ("zstd with long matches", |tar| {
        let long = |zstd: &mut Zstd| {
            zstd.long_distance_matching(true).expect("a setting");
            zstd.window_log(23).expect("a setting");
        };
        zstd_with(3, long, tar)
    }),
];

fn gzip(tar: &[u8]) -> Vec<u8> {
    package::gzip(tar, &mut Random::seeded(1))
}

fn gzip_of(header: GzBuilder, level: Compression, tar: &[u8]) -> Vec<u8> {
    let mut encoder = header.write(Vec::new(), level);
    encoder.write_all(tar).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

type Zstd = zstd::Encoder<'static, Vec<u8>>;

fn zstd_with(level: i32, set: impl FnOnce(&mut Zstd), tar: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), level).expect("an encoder");
    set(&mut encoder);
    encoder.write_all(tar).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

/// What is around the files.
type Around = fn(Vec<Vec<u8>>) -> Vec<u8>;

const AROUND: [(&str, Around); 5] = [
    ("a comment for everything", |entries| {
        tar(&[vec![pax_global("comment", "a commit")], entries].concat())
    }),
    ("folders in front", |entries| {
        let odd = set(folder("src/"), MODE, b"0001777\0");
        tar(&[vec![folder("./"), odd, folder("src/.hidden")], entries].concat())
    }),
    ("folders behind", |entries| {
        tar(&[entries, vec![folder("src/"), folder("nothing/in/it/")]].concat())
    }),
    ("zeros up to a whole record", |entries| {
        let mut tar = tar(&entries);
        tar.resize(tar.len().next_multiple_of(20 * BLOCK), 0);
        tar
    }),
    ("more zeros behind its end", |entries| {
        [tar(&entries), vec![0; 100 * BLOCK]].concat()
    }),
];

/// Stands for the archive: beside the files, and a file, since bsdtar writes zeros behind what goes into a pipe.
const OUT: &str = "../archive";

/// The programs that people pack with: what is called, with `.` for everything in its working directory.
const PROGRAMS: [&[&str]; 10] = [
    &["tar", "--format=ustar", "-czf", OUT, "."],
    &["tar", "--format=pax", "-czf", OUT, "."],
    &["tar", "--format=gnu", "-czf", OUT, "."],
    &["tar", "--zstd", "-cf", OUT, "."],
    &["bsdtar", "--format=ustar", "-czf", OUT, "."],
    &["bsdtar", "--format=pax", "-czf", OUT, "."],
    &["bsdtar", "--format=gnutar", "-czf", OUT, "."],
    &["bsdtar", "--zstd", "-cf", OUT, "."],
    &["python3", "-c", PYTHON, "pax", OUT],
    &["python3", "-c", PYTHON, "gnu", OUT],
];

const PYTHON: &str = "import sys, tarfile
form = {'pax': tarfile.PAX_FORMAT, 'gnu': tarfile.GNU_FORMAT}[sys.argv[1]]
with tarfile.open(sys.argv[2], 'w:gz', format=form) as tar: tar.add('.')";

/// What each program that is there makes of releases with numbers from `first` on, which lie in `folder` for that.
pub fn made_by_programs(first: usize, folder: &Path) -> Vec<Sound> {
    let mut made = Vec::new();
    for (number, words) in PROGRAMS.iter().enumerate() {
        let shape = words.join(" ").replace(PYTHON, "tarfile");
        let archive = folder.join("archive");
        let release = release(first + number);
        let files = folder.join(format!("packed-{number}"));
        for (path, bytes) in release.entries() {
            let path = files.join(path);
            fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
            fs::write(path, bytes).expect("a file");
        }
        let run = Command::new(words[0])
            .args(&words[1..])
            .current_dir(&files)
            .output();
        match run {
            Ok(run) if run.status.success() => {
                made.push((shape, release, fs::read(&archive).expect("an archive")));
            }
            _ => println!("SKIPPED: `{shape}` is not installed or cannot do that"),
        }
    }
    made
}
