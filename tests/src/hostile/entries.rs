//! The rows of links, devices, sparse files and everything else that is neither file nor folder.

use super::{ENTRY_TYPE, Hostile};
use crate::raw_tar::{entry, file, folder, gnu, link, long_name, pax, record, set};

pub(super) fn cases() -> Vec<Hostile> {
    [links(), kinds(), sparse()]
        .concat()
        .into_iter()
        .map(|(shape, entries)| Hostile::package(shape, ENTRY_TYPE, &entries))
        .collect()
}

type Shape = (String, Vec<Vec<u8>>);

fn links() -> Vec<Shape> {
    let mut shapes: Vec<Shape> = [
        "/etc/passwd",
        "../../x",
        "registry.json",
        "missing",
        "a",
        "",
    ]
    .into_iter()
    .flat_map(|to| {
        let symbolic = (
            format!("a symbolic link to `{to}`"),
            vec![link("a", b'2', to)],
        );
        let hard = (format!("a hard link to `{to}`"), vec![link("a", b'1', to)]);
        [symbolic, hard]
    })
    .collect();
    let chains = [
        (
            "a symbolic link and a write through it",
            vec![link("a", b'2', "/tmp"), file("a/x", "x")],
        ),
        (
            "a symbolic link and a file of its name",
            vec![link("a", b'2', "/tmp/x"), file("a", "x")],
        ),
        (
            "a symbolic link and a folder of its name",
            vec![link("a", b'2', "/tmp"), folder("a/"), file("a/x", "x")],
        ),
        (
            "a folder and a symbolic link of its name",
            vec![folder("d/"), link("d", b'2', "/tmp"), file("d/x", "x")],
        ),
        (
            "a chain of symbolic links",
            vec![
                link("b", b'2', ".."),
                link("c", b'2', "b/.."),
                file("c/x", "x"),
            ],
        ),
        (
            "a hard link through a symbolic one",
            vec![link("b", b'2', "/etc"), link("a", b'1', "b/passwd")],
        ),
        (
            "a symbolic link with a name that climbs in pax",
            vec![pax("path", "a/b"), link("a", b'2', "..")],
        ),
        (
            "a target in pax",
            vec![pax("linkpath", "/etc/passwd"), file("a", "x")],
        ),
        (
            "a link with a target in pax",
            vec![pax("linkpath", "/etc/passwd"), link("a", b'2', "b")],
        ),
        (
            "a long target in GNU's way",
            vec![
                gnu(entry("././@LongLink", b'K', "/etc/passwd\0")),
                gnu(link("a", b'2', "b")),
            ],
        ),
        (
            "a link with a GNU long name",
            vec![long_name("a/b"), gnu(link("x", b'2', ".."))],
        ),
        (
            "a hard link with a payload",
            vec![set(entry("a", b'1', "x"), 157, b"registry.json")],
        ),
    ];
    shapes.extend(chains.map(|(shape, entries)| (shape.to_owned(), entries)));
    shapes
}

fn kinds() -> Vec<Shape> {
    let mut shapes: Vec<Shape> = [
        (b'3', "a character device"),
        (b'4', "a block device"),
        (b'6', "a FIFO"),
        (b'7', "a contiguous file"),
        (b'8', "an unknown type `8`"),
        (b'N', "GNU's old long name"),
        (b'M', "GNU's next volume"),
        (b'V', "GNU's volume label"),
        (b'D', "GNU's list of a folder"),
        (b'X', "Solaris' extended header"),
        (b'A', "Solaris' access list"),
        (b'I', "star's inode"),
        (b'\x7f', "an unknown type 127"),
        (b'\xff', "an unknown type 255"),
        (b' ', "a blank for the type"),
    ]
    .into_iter()
    .map(|(kind, shape)| (shape.to_owned(), vec![entry("a", kind, "")]))
    .collect();
    let more = [
        (
            "a device with numbers",
            vec![set(entry("a", b'3', ""), 329, b"0000001\x000000003\0")],
        ),
        (
            "a folder with a payload",
            vec![entry("d/", b'5', "payload")],
        ),
        (
            "a file of the old type with the name of a folder",
            vec![entry("d/", 0, "")],
        ),
        (
            "a file of the old type that only a long name makes one",
            vec![long_name("a"), entry("d/", 0, "")],
        ),
    ];
    shapes.extend(more.map(|(shape, entries)| (shape.to_owned(), entries)));
    shapes
}

fn sparse() -> Vec<Shape> {
    let old = set(
        set(
            gnu(entry("a", b'S', "x")),
            386,
            b"00000000000\x0000000000001\0",
        ),
        483,
        b"00000001000\0",
    );
    let records = |records: &[(&str, &str)]| {
        let records: Vec<_> = records
            .iter()
            .map(|(key, value)| record(key, value))
            .collect();
        entry("PaxHeader", b'x', records.concat())
    };
    [
        ("an old GNU sparse file", vec![old]),
        (
            "a pax 0.0 sparse file",
            vec![
                records(&[("GNU.sparse.size", "9"), ("GNU.sparse.numblocks", "1")]),
                file("a", "x"),
            ],
        ),
        (
            "a pax 0.1 sparse file",
            vec![
                records(&[("GNU.sparse.size", "9"), ("GNU.sparse.map", "0,1")]),
                file("a", "x"),
            ],
        ),
        (
            "a pax 1.0 sparse file",
            vec![
                records(&[
                    ("GNU.sparse.major", "1"),
                    ("GNU.sparse.minor", "0"),
                    ("GNU.sparse.name", "a"),
                    ("GNU.sparse.realsize", "9"),
                ]),
                file("GNUSparseFile.0/a", "1\n0\n1\n"),
            ],
        ),
        (
            "a sparse file with another name",
            vec![pax("GNU.sparse.name", "../x"), file("a", "x")],
        ),
        (
            "a sparse file in star's way",
            vec![pax("SCHILY.realsize", "9"), file("a", "x")],
        ),
    ]
    .map(|(shape, entries)| (shape.to_owned(), entries))
    .to_vec()
}
