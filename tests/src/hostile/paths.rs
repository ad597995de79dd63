//! The four rows of paths.

use super::{
    Answer, Hostile, PATH_COLLISION, PATH_ESCAPE, PATH_ILLEGAL, PATH_TOO_LONG, package, packed,
};
use crate::raw_tar::{PREFIX, entry, file, folder, long_name, pax, set};

pub(super) fn cases() -> Vec<Hostile> {
    [named(), folders(), headers(), collisions()].concat()
}

/// Names of files, each as a pax header writes it: that takes any bytes.
fn named() -> Vec<Hostile> {
    let long = "a".repeat(129);
    let longer = vec!["a".repeat(100); 6].join("/");
    let deep = vec!["a"; 33].join("/");
    let names: [(&[u8], Answer); 55] = [
        (b"/x", PATH_ESCAPE),
        (b"//x", PATH_ESCAPE),
        (b"///", PATH_ESCAPE),
        (b"/", PATH_ESCAPE),
        (b"/etc/passwd", PATH_ESCAPE),
        (b"/proc/self/cwd/x", PATH_ESCAPE),
        (b"/dev/shm/x", PATH_ESCAPE),
        (b"../x", PATH_ESCAPE),
        (b"../../../../../../../../../../tmp/x", PATH_ESCAPE),
        (b"..", PATH_ESCAPE),
        (b"../", PATH_ESCAPE),
        (b"./../x", PATH_ESCAPE),
        (b"./..", PATH_ESCAPE),
        (b"a/../../x", PATH_ESCAPE),
        (b"a/../x", PATH_ESCAPE),
        (b"a/..", PATH_ESCAPE),
        (b"a/b/../../../x", PATH_ESCAPE),
        (b".", PATH_ESCAPE),
        (b"./", PATH_ESCAPE),
        (b"./.", PATH_ESCAPE),
        // What leaves the folder is said to do so, whatever else is wrong with it.
        (b"../a b", PATH_ESCAPE),
        (b"/\xff", PATH_ESCAPE),
        (b"a\0b", PATH_ILLEGAL),
        (b"a\0/../x", PATH_ESCAPE),
        (b"\0", PATH_ILLEGAL),
        (b"a\nb", PATH_ILLEGAL),
        (b"a\rb", PATH_ILLEGAL),
        (b"a\x1b[2Jb", PATH_ILLEGAL),
        (b"a\x7f", PATH_ILLEGAL),
        (b"a\t", PATH_ILLEGAL),
        (b"C:x", PATH_ILLEGAL),
        (b"C:\\x", PATH_ILLEGAL),
        (b"a:stream", PATH_ILLEGAL),
        (b"a\\b", PATH_ILLEGAL),
        (b"..\\x", PATH_ILLEGAL),
        (b"\\\\host\\share\\x", PATH_ILLEGAL),
        (b" a", PATH_ILLEGAL),
        (b"a ", PATH_ILLEGAL),
        (b"d /a", PATH_ILLEGAL),
        (b"a.", PATH_ILLEGAL),
        (b"d./a", PATH_ILLEGAL),
        (b"...", PATH_ILLEGAL),
        (b".../x", PATH_ILLEGAL),
        (b"a//b", PATH_ILLEGAL),
        (b"a/./b", PATH_ILLEGAL),
        (b".//a", PATH_ILLEGAL),
        (b"a/", PATH_ILLEGAL),
        (b"%2e%2e/x", PATH_ILLEGAL),
        (b"a?b", PATH_ILLEGAL),
        (b"a\xff", PATH_ILLEGAL),
        // An overlong `/`, and letters that normal forms and case folding make others of.
        (b"..\xc0\xafx", PATH_ILLEGAL),
        ("re\u{301}adme".as_bytes(), PATH_ILLEGAL),
        (long.as_bytes(), PATH_TOO_LONG),
        (longer.as_bytes(), PATH_TOO_LONG),
        (deep.as_bytes(), PATH_TOO_LONG),
    ];
    names
        .into_iter()
        .map(|(name, answer)| {
            let shape = format!("a file `{}`", name.escape_ascii());
            Hostile::package(shape, answer, &[pax("path", name), file("x", "x")])
        })
        .collect()
}

fn folders() -> Vec<Hostile> {
    let long = format!("{}/", "a".repeat(129));
    let deep = "a/".repeat(33);
    [
        ("/", PATH_ESCAPE),
        ("/x/", PATH_ESCAPE),
        ("../", PATH_ESCAPE),
        ("a/../../", PATH_ESCAPE),
        ("", PATH_ESCAPE),
        ("a//", PATH_ILLEGAL),
        ("a b/", PATH_ILLEGAL),
        ("...", PATH_ILLEGAL),
        (&long, PATH_TOO_LONG),
        (&deep, PATH_TOO_LONG),
    ]
    .into_iter()
    .map(|(name, answer)| {
        let entries = match name.len() {
            0..100 => vec![folder(name)],
            _ => vec![long_name(name), folder("x/")],
        };
        Hostile::package(format!("a folder `{name}`"), answer, &entries)
    })
    .collect()
}

/// The same names where else a header has room for one.
fn headers() -> Vec<Hostile> {
    let prefixed = |prefix: &[u8], name: &str| set(file(name, "x"), PREFIX, prefix);
    let cases = [
        ("no name at all", PATH_ESCAPE, vec![file("", "x")]),
        (
            "an absolute name in the header",
            PATH_ESCAPE,
            vec![file("/x", "x")],
        ),
        (
            "`..` in the header",
            PATH_ESCAPE,
            vec![file("a/../../x", "x")],
        ),
        (
            "an absolute prefix",
            PATH_ESCAPE,
            vec![prefixed(b"/tmp", "x")],
        ),
        (
            "`..` as the prefix",
            PATH_ESCAPE,
            vec![prefixed(b"..", "x")],
        ),
        (
            "a prefix and an absolute name",
            PATH_ILLEGAL,
            vec![prefixed(b"a", "/x")],
        ),
        (
            "a backslash in the prefix",
            PATH_ILLEGAL,
            vec![prefixed(b"a\\b", "x")],
        ),
        (
            "an absolute GNU long name",
            PATH_ESCAPE,
            vec![long_name("/tmp/x"), file("x", "x")],
        ),
        (
            "`..` in a GNU long name",
            PATH_ESCAPE,
            vec![long_name("a/../../x"), file("x", "x")],
        ),
        (
            "an empty GNU long name",
            PATH_ESCAPE,
            vec![long_name(""), file("x", "x")],
        ),
        (
            "a NUL in a GNU long name",
            PATH_ILLEGAL,
            vec![long_name("a\0b"), file("x", "x")],
        ),
        (
            "a GNU long name over 512 bytes",
            PATH_TOO_LONG,
            vec![long_name("a/".repeat(300) + "a"), file("x", "x")],
        ),
    ];
    cases
        .map(|(shape, answer, entries)| Hostile::package(shape, answer, &entries))
        .to_vec()
}

fn collisions() -> Vec<Hostile> {
    let mut cases: Vec<Hostile> = [
        ("the same file twice", [file("a", "1"), file("a", "2")]),
        (
            "the same file twice, once as `./a`",
            [file("a", "1"), file("./a", "2")],
        ),
        (
            "the same file twice, with the same bytes",
            [file("a", "1"), file("a", "1")],
        ),
        (
            "a second manifest",
            [file("registry.json", "{}"), file("a", "")],
        ),
        ("a file and then a child", [file("a", ""), file("a/b", "")]),
        (
            "a child and then the file",
            [file("a/b", ""), file("a", "")],
        ),
        ("a folder and a file", [folder("a/"), file("a", "")]),
        ("a file and a folder", [file("a", ""), folder("a/")]),
        ("the same folder twice", [folder("d/"), folder("d")]),
        (
            "files that differ in case",
            [file("README", ""), file("readme", "")],
        ),
        (
            "folders that differ in case",
            [file("D/a", ""), file("d/b", "")],
        ),
        (
            "a file and a folder that differ in case",
            [file("A", ""), file("a/b", "")],
        ),
        (
            "a manifest in another case",
            [file("REGISTRY.JSON", "{}"), file("a", "")],
        ),
        (
            "a file below the manifest",
            [file("registry.json/a", ""), file("a", "")],
        ),
    ]
    .into_iter()
    .map(|(shape, entries)| Hostile::package(shape, PATH_COLLISION, &entries))
    .collect();
    let twice = [
        pax("path", "a"),
        file("x", "1"),
        long_name("a"),
        entry("y", b'0', "2"),
    ];
    cases.push(Hostile::new(
        "the same name once by pax and once by GNU",
        PATH_COLLISION,
        packed(&package(&twice)),
    ));
    cases
}
