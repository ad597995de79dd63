//! The rows of `tar_framing`: headers and blocks that two readers read differently.

use super::{Hostile, TAR_FRAMING, manifest, package, packed, packed_as_zstd};
use crate::raw_tar::{
    BLOCK, CHECKSUM, MAGIC, MODE, MTIME, PREFIX, SIZE, UID, entry, file, gnu, long_name, pax,
    pax_global, record, set, tar,
};

pub(super) fn cases() -> Vec<Hostile> {
    let entries = [sizes(), extensions(), records(), headers()].concat();
    let entries = entries
        .into_iter()
        .map(|(shape, entries)| Hostile::package(shape, TAR_FRAMING, &entries));
    let ends = ends()
        .into_iter()
        .map(|(shape, tar)| Hostile::new(shape, TAR_FRAMING, packed(&tar)));
    let zstd = Hostile::new(
        "a tar in zstd without its end",
        TAR_FRAMING,
        packed_as_zstd(&manifest()),
    );
    entries.chain(ends).chain([zstd]).collect()
}

type Shape = (String, Vec<Vec<u8>>);

/// A file whose header was changed.
fn changed(at: usize, bytes: &[u8]) -> Vec<Vec<u8>> {
    vec![set(file("a", "x"), at, bytes)]
}

fn sizes() -> Vec<Shape> {
    // What a reader that goes by the wrong size takes for an entry of its own.
    let smuggled = file("smuggled", "x");
    let mut shapes = vec![
        (
            "a size in pax that is larger than the header's".to_owned(),
            vec![pax("size", "1024"), file("a", ""), smuggled.clone()],
        ),
        (
            "a size in pax that is smaller than the header's".to_owned(),
            vec![pax("size", "0"), file("a", &smuggled)],
        ),
        (
            "a size in pax beyond any number".to_owned(),
            vec![pax("size", "99999999999999999999"), file("a", "x")],
        ),
    ];
    let fields: [(&str, &[u8]); 12] = [
        ("negative", b"-0000000001\0"),
        ("with a plus", b"+0000000001\0"),
        ("with a letter", b"0000000000x\0"),
        ("with an 8", b"00000000008\0"),
        ("blank", b"            "),
        ("of NULs", &[0; 12]),
        ("in two pieces", b"0000000 0001"),
        ("with a NUL inside", b"0000000\x000001"),
        ("in hex", b"0x000000001\0"),
        ("in base-256", b"\x80\0\0\0\0\0\0\0\0\0\0\x01"),
        ("in negative base-256", &[0xff; 12]),
        (
            "in base-256 that overflows",
            b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ),
    ];
    shapes.extend(fields.map(|(what, size)| (format!("a size {what}"), changed(SIZE, size))));
    shapes
}

fn extensions() -> Vec<Shape> {
    let path = || pax("path", "a");
    let shorter = |header: Vec<u8>| set(header, SIZE, b"00000000001\0");
    [
        (
            "a pax header before a GNU long name",
            vec![path(), long_name("b"), file("x", "")],
        ),
        (
            "a GNU long name before a pax header",
            vec![long_name("b"), path(), file("x", "")],
        ),
        (
            "two pax headers",
            vec![path(), pax("mtime", "1"), file("x", "")],
        ),
        (
            "two GNU long names",
            vec![long_name("a"), long_name("b"), file("x", "")],
        ),
        (
            "a global pax header behind one of an entry",
            vec![path(), pax_global("comment", "x"), file("x", "")],
        ),
        (
            "a global path",
            vec![pax_global("path", "../x"), file("a", "")],
        ),
        (
            "a global size",
            vec![pax_global("size", "0"), file("a", "x")],
        ),
        (
            "a global time",
            vec![pax_global("mtime", "1"), file("a", "")],
        ),
        (
            "a global link",
            vec![pax_global("linkpath", "/etc/passwd"), file("a", "")],
        ),
        ("a pax header without an entry", vec![file("a", ""), path()]),
        (
            "a GNU long name without an entry",
            vec![file("a", ""), long_name("b")],
        ),
        (
            "an extension header of 8 GiB",
            vec![
                set(pax("comment", "x"), SIZE, b"77777777777\0"),
                file("a", ""),
            ],
        ),
        (
            "an extension header over 8 KiB",
            vec![pax("comment", vec![b'x'; 9000]), file("a", "")],
        ),
        (
            "a GNU long name over 8 KiB",
            vec![long_name(vec![b'x'; 9000]), file("a", "")],
        ),
        (
            "a GNU long name that is longer than it says",
            vec![shorter(long_name("longer")), file("a", "")],
        ),
        (
            "a pax header that is longer than it says",
            vec![shorter(path()), file("a", "")],
        ),
        (
            "a GNU long name of base-256 length",
            vec![
                set(long_name("b"), SIZE, b"\x80\0\0\0\0\0\0\0\0\0\0\x02"),
                file("a", ""),
            ],
        ),
    ]
    .map(|(shape, entries)| (shape.to_owned(), entries))
    .to_vec()
}

/// What stands in a pax header.
fn records() -> Vec<Shape> {
    let payloads = [
        "8 path=b\n",
        "11 path=b\n",
        "0 path=b\n",
        "path=b\n",
        " path=b\n",
        "9path=b\n",
        "9 path=b",
        "9 pathbb\n",
        "5 =b\n",
        "9 path=b\n\0",
        "+11 path=b\n",
        "-11 path=b\n",
        "0xb path=b\n",
        "99999999999999999999 path=b\n",
    ];
    let malformed = payloads.map(|payload| {
        let shape = format!("a pax record `{}`", payload.escape_debug());
        (
            shape,
            vec![entry("PaxHeader", b'x', payload), file("a", "")],
        )
    });
    let twice = [record("path", "b"), record("path", "c")].concat();
    let twice = entry("PaxHeader", b'x', twice);
    let values = [
        ("path", ""),
        ("size", "+1"),
        ("size", "0x1"),
        ("size", "-1"),
        ("mtime", "now"),
        ("uid", "root"),
        ("uid", "4294967296"),
        ("mtime", "99999999999999999"),
        ("hdrcharset", "BINARY"),
        ("VENDOR.path", "b"),
        ("LIBARCHIVE.symlinktype", "file"),
        // Two records to a reader that goes by lines.
        ("comment", "x\n12 path=evil"),
    ]
    .map(|(key, value)| {
        let shape = format!("`{key}={}` in pax", value.escape_debug());
        (shape, vec![pax(key, value), file("a", "x")])
    });
    let mut shapes = malformed.to_vec();
    shapes.push(("a pax key twice".to_owned(), vec![twice, file("a", "")]));
    shapes.extend(values);
    shapes
}

fn headers() -> Vec<Shape> {
    let mut shapes: Vec<Shape> = [
        ("a wrong checksum", CHECKSUM, &b"0000000\0"[..]),
        ("a checksum that is no number", CHECKSUM, b"xxxxxx\0 "),
        ("a checksum of blanks", CHECKSUM, b"        "),
        ("no magic", MAGIC, b"\0\0\0\0\0\0\0\0"),
        ("half a magic", MAGIC, b"ustar\0\0\0"),
        ("a magic of neither", MAGIC, b"ustar   "),
        ("a magic in upper case", MAGIC, b"USTAR\x0000"),
        ("a mode that is no number", MODE, b"0000x00\0"),
        ("an owner that is no number", UID, b"root\0\0\0\0"),
        ("an owner beyond 32 bits", UID, b"\x80\0\0\x01\0\0\0\0"),
        ("a negative owner", UID, &[0xff; 8]),
        ("an owner of blanks", UID, b"        "),
        // GNU tar stops at these, and bsdtar crashes.
        (
            "a time in a hundred billion years",
            MTIME,
            b"\x80\0\0\0\x40\0\0\0\0\0\0\0",
        ),
        (
            "a time before all time",
            MTIME,
            b"\xff\0\0\0\0\0\0\0\0\0\0\0",
        ),
        ("a time that is no number", MTIME, b"now\0\0\0\0\0\0\0\0\0"),
        ("a device that is no number", 329, b"x\0\0\0\0\0\0\0"),
        ("something behind the end of its name", 0, b"a\0 "),
        ("something behind the end of its prefix", PREFIX, b"d\0 "),
        ("star's mark", 508, b"tar\0"),
    ]
    .into_iter()
    .map(|(what, at, bytes)| (format!("a header with {what}"), changed(at, bytes)))
    .collect();
    shapes.push((
        "GNU's times where ustar has its prefix".to_owned(),
        vec![set(gnu(file("a", "x")), PREFIX, b"00000000001\0")],
    ));
    shapes
}

fn ends() -> Vec<(&'static str, Vec<u8>)> {
    let whole = package(&[file("a", [b'x'; 2000])]);
    let open = &whole[..whole.len() - 2 * BLOCK];
    let zeros = [0; 2 * BLOCK];
    vec![
        ("nothing", Vec::new()),
        ("one byte", vec![b'x']),
        ("half a header", whole[..300].to_vec()),
        ("a payload that is cut", open[..open.len() - 1000].to_vec()),
        (
            "a payload without its padding",
            open[..open.len() - 10].to_vec(),
        ),
        ("no end", open.to_vec()),
        ("one zero block", [open, &zeros[..BLOCK]].concat()),
        ("an end that is cut", whole[..whole.len() - 1].to_vec()),
        (
            "a lone zero block in the middle",
            [&manifest(), &zeros[..BLOCK], &tar(&[file("a", "")])].concat(),
        ),
        (
            "an entry behind the end",
            [&whole[..], &file("b", "")].concat(),
        ),
        ("two tars in a row", [&whole[..], &whole].concat()),
        ("a byte behind the end", [&whole[..], b"x"].concat()),
        (
            "a byte far behind the end",
            [&whole[..], &[0; 40 * BLOCK], b"x"].concat(),
        ),
        ("some text", b"this is no tar\n".repeat(200)),
    ]
}
