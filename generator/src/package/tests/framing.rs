//! Headers and blocks: the rows of `tar_framing`.

use super::*;

#[track_caller]
fn assert_framing(entries: &[Vec<u8>]) {
    assert_refused(entries, ErrorCode::InvalidArchive, "tar_framing");
}

#[track_caller]
fn assert_tar_framing(tar: &[u8]) {
    assert_bytes_refused(&gzip(tar), ErrorCode::InvalidArchive, "tar_framing");
}

/// A header with these bytes at this place, before its checksum is made.
fn changed(at: usize, bytes: &[u8]) -> Vec<u8> {
    entry_with(b"a", b'0', b"x", |header| put(header, at, bytes))
}

#[test]
fn pax_and_header_may_not_differ_on_the_size() {
    assert_framing(&[pax(&[("size", b"2")]), file("a", "x")]);
    assert_framing(&[pax(&[("size", b"0")]), file("a", "x")]);
    assert_framing(&[pax(&[("size", b"512")]), file("a", ""), file("b", "")]);
    assert_eq!(accepted(&[pax(&[("size", b"1")]), file("a", "x")]), ["a"]);
}

#[test]
fn an_entry_has_one_extension_header() {
    let (path, other) = (pax(&[("path", b"b")]), pax(&[("mtime", b"1")]));
    let global = entry("pax_global_header", b'g', record("comment", b"x"));
    for (first, second) in [
        (&path, &long_name("c")),
        (&long_name("c"), &path),
        (&path, &other),
        (&long_name("b"), &long_name("c")),
        (&path, &global),
    ] {
        assert_framing(&[first.clone(), second.clone(), file("a", "")]);
    }
}

#[test]
fn an_extension_header_belongs_to_an_entry() {
    assert_framing(&[file("a", ""), pax(&[("path", b"b")])]);
    assert_framing(&[file("a", ""), long_name("b")]);
}

#[test]
fn a_global_pax_header_holds_a_comment_only() {
    let global = |key| entry("pax_global_header", b'g', record(key, b"1"));
    assert_eq!(accepted(&[global("comment"), file("a", "")]), ["a"]);
    for key in ["path", "size", "mtime", "linkpath", "GNU.sparse.major"] {
        assert_framing(&[global(key), file("a", "")]);
    }
}

#[test]
fn a_pax_key_comes_once() {
    assert_framing(&[pax(&[("path", b"b"), ("path", b"b")]), file("a", "")]);
    assert_framing(&[pax(&[("comment", b"b"), ("comment", b"c")]), file("a", "")]);
}

#[test]
fn a_pax_key_that_nobody_knows_is_refused() {
    for key in [
        "hdrcharset",
        "VENDOR.path",
        "Path",
        "LIBARCHIVE.symlinktype",
    ] {
        assert_framing(&[pax(&[(key, b"b")]), file("a", "")]);
    }
}

#[test]
fn pax_keys_of_common_writers_are_accepted() {
    let header = pax(&[
        ("mtime", b"1795378002.234527626"),
        ("atime", b"-1.5"),
        ("uid", b"4294967295"),
        ("uname", "j\u{f6}rg".as_bytes()),
        ("LIBARCHIVE.xattr.user.a", b"YQ"),
        ("SCHILY.xattr.user.a", b"\0\xff"),
        ("path", b"b"),
    ]);
    assert_eq!(accepted(&[header, file("a", "")]), ["b"]);
}

#[test]
fn a_malformed_pax_record_is_refused() {
    let with = |payload: &str| [entry("PaxHeader", b'x', payload), file("a", "")];
    assert_eq!(accepted(&with("9 path=b\n")), ["b"]);
    for payload in [
        "8 path=b\n",
        "11 path=b\n",
        "0 path=b\n",
        "path=b\n",
        " path=b\n",
        "9path=b\n",
        "9 path=b",
        "9 pathbb\n",
        "5 =b\n",
        "9 a\n=bcd\n",
        "9 path=b\n\0",
        "+11 path=b\n",
        "-11 path=b\n",
        "0xb path=b\n",
        "99999999999999999999 path=b\n",
    ] {
        assert_framing(&with(payload));
    }
}

#[test]
fn a_malformed_pax_value_is_refused() {
    for (key, value) in [
        ("path", ""),
        ("size", ""),
        ("size", "+0"),
        ("size", "-0"),
        ("size", "0x0"),
        ("size", "99999999999999999999"),
        ("mtime", "now"),
        ("mtime", ""),
        ("mtime", "1.x"),
        ("uid", "root"),
        ("gid", "-1"),
        ("uid", "4294967296"),
        ("mtime", "99999999999999999"),
        ("atime", "-99999999999999999.5"),
        // Two records to a reader that goes by lines.
        ("comment", "x\n12 path=evil"),
    ] {
        assert_framing(&[pax(&[(key, value.as_bytes())]), file("a", "")]);
    }
}

#[test]
fn a_size_is_plain_octal() {
    for size in [
        b"-0000000001\0",
        b"+0000000001\0",
        b"0000000000x\0",
        b"00000000008\0",
        b"\0\0\0\0\0\0\0\0\0\0\0\0",
        b"            ",
        b"0000000 0001",
        b"0000000\x000001",
        b"0x000000001\0",
        b"\x80\0\0\0\0\0\0\0\0\0\0\x01",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    ] {
        assert_framing(&[changed(SIZE, size)]);
    }
    for size in [
        b"00000000001 ",
        b"          1 ",
        b"1\0\0\0\0\0\0\0\0\0\0\0",
        b"000000000001",
    ] {
        assert_eq!(accepted(&[changed(SIZE, size)]), ["a"]);
    }
}

#[test]
fn a_header_has_a_right_checksum() {
    let mut archive = tar(&[file("a", "x")]);
    archive[0] = b'b';
    assert_tar_framing(&archive);
}

#[test]
fn a_header_is_ustar_or_gnu() {
    assert_eq!(accepted(&[changed(MAGIC, b"ustar  \0")]), ["a"]);
    for magic in [
        b"\0\0\0\0\0\0\0\0",
        b"ustar\0\0\0",
        b"ustar   ",
        b"USTAR\x0000",
    ] {
        assert_framing(&[changed(MAGIC, magic)]);
    }
}

#[test]
fn bytes_that_readers_differ_on_are_zero() {
    assert_eq!(
        accepted(&[file("x", ""), changed(PREFIX, b"dir")]),
        ["dir/a", "x"]
    );
    // Python takes this for a prefix, GNU tar for a time.
    assert_framing(&[entry_with(b"a", b'0', b"", |header| {
        put(header, MAGIC, b"ustar  \0");
        put(header, PREFIX, b"00000000001\0");
    })]);
    // bsdtar takes a tar with this name for LZMA.
    assert_framing(&[changed(0, b"a\0 ")]);
    assert_framing(&[changed(PREFIX, b"dir\0 ")]);
    // With this mark the prefix is shorter, for star and Go.
    assert_framing(&[changed(508, b"tar\0")]);
}

#[test]
fn numbers_that_mean_nothing_are_still_numbers() {
    for at in [MODE, UID, MTIME, 329, 337] {
        assert_framing(&[changed(at, b"0000x00\0")]);
    }
}

#[test]
fn numbers_that_other_readers_cannot_hold_are_refused() {
    for (at, number) in [
        (UID, &b"\x80\0\0\x01\0\0\0\0"[..]),
        (UID, b"\xff\xff\xff\xff\xff\xff\xff\xff"),
        (UID, b"        "),
        (UID + 8, b"\x80\xff\xff\xff\xff\xff\xff\xff"),
        (MTIME, b"\x80\0\0\0\x40\0\0\0\0\0\0\0"),
        (MTIME, b"\xff\0\0\0\0\0\0\0\0\0\0\0"),
        (MTIME, b"            "),
    ] {
        assert_framing(&[changed(at, number)]);
    }
    for (at, number) in [
        (UID, &b"\x80\0\0\0\xff\xff\xff\xff"[..]),
        (UID, &[0; 8]),
        (MTIME, b"\x80\0\0\0\0\0\0\xff\0\0\0\0"),
        (MTIME, &[0xff; 12]),
    ] {
        assert_eq!(accepted(&[changed(at, number)]), ["a"]);
    }
}

#[test]
fn an_extension_header_is_small() {
    assert_framing(&[
        pax(&[("comment", b"x")]),
        entry("x", b'x', vec![b'x'; 8193]),
        file("a", ""),
    ]);
    assert_framing(&[long_name(vec![b'x'; 8192]), file("a", "")]);
    let huge = entry_with(b"x", b'x', b"", |header| {
        put(header, SIZE, b"77777777777\0")
    });
    assert_framing(&[huge]);
}

#[test]
fn nothing_follows_an_extension_header_in_its_last_block() {
    // GNU tar and Python read on past the size, bsdtar does not.
    let shorter = |name: &[u8], kind, payload: &[u8]| {
        entry_with(name, kind, payload, |header| {
            put(header, SIZE, b"00000000001\0")
        })
    };
    assert_framing(&[shorter(b"././@LongLink", b'L', b"longer\0"), file("a", "")]);
    assert_framing(&[shorter(b"PaxHeader", b'x', b"9 path=b\n"), file("a", "")]);
    let unterminated = entry("././@LongLink", b'L', "name");
    assert_eq!(accepted(&[unterminated, file("a", "")]), ["name"]);
}

#[test]
fn a_truncated_payload_is_refused() {
    let whole = tar(&[file("a", [b'x'; 2000])]);
    for length in [1, 511, 512, 1000, 2511, 2512, 2559] {
        assert_tar_framing(&whole[..length]);
    }
}

#[test]
fn two_zero_blocks_end_the_tar() {
    let entries = file("a", "x");
    assert_tar_framing(&[]);
    assert_tar_framing(&entries);
    assert_tar_framing(&[&entries[..], &END[..512]].concat());
    assert_tar_framing(&[&entries[..], &END[..1023]].concat());
    assert_tar_framing(&[&entries[..], &END[..512], &entries, &END].concat());
}

#[test]
fn only_zeros_follow_the_end() {
    let whole = tar(&[file("a", "x")]);
    assert_tar_framing(&[&whole[..], b"x"].concat());
    assert_tar_framing(&[&whole[..], &END, &END, &END, b"x"].concat());
    assert_tar_framing(&[&whole[..], &tar(&[file("b", "x")])].concat());
    let padded = [&file("a", "x")[..], &[0; 20 * BLOCK]].concat();
    assert!(
        unpack_into(
            &gzip(&padded),
            TempDir::new().unwrap().path(),
            &Limits::default()
        )
        .is_ok()
    );
}
