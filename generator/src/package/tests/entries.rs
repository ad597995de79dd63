//! What an entry is: the rows of links, devices, sparse files, and of modes that do not matter.

use super::*;

#[track_caller]
fn assert_entry_type(entries: &[Vec<u8>], path: &str) {
    let fault = assert_refused(entries, ErrorCode::UnsafeFile, "entry_type");
    assert_eq!(fault.path(), Some(path));
}

fn link(name: &str, kind: u8, to: &str) -> Vec<u8> {
    entry_with(name.as_bytes(), kind, b"", |header| {
        put(header, LINK, to.as_bytes())
    })
}

#[test]
fn a_symbolic_link_is_entry_type() {
    assert_entry_type(&[link("a", b'2', "b")], "a");
    assert_entry_type(&[link("a", b'2', "/etc"), file("a/passwd", "x")], "a");
    assert_entry_type(&[link("a", b'2', "b"), link("b", b'2', "..")], "a");
    assert_entry_type(&[link("a", b'2', "b"), folder("a/")], "a");
}

#[test]
fn a_hard_link_is_entry_type() {
    for to in ["/etc/passwd", "../x", "link/x", "sibling"] {
        assert_entry_type(&[file("sibling", ""), link("a", b'1', to)], "a");
    }
}

#[test]
fn a_link_with_a_long_target_is_entry_type() {
    assert_entry_type(&[pax(&[("linkpath", b"b")]), link("a", b'2', "b")], "a");
    assert_entry_type(&[pax(&[("linkpath", b"b")]), file("a", "")], "a");
    assert_entry_type(&[entry("././@LongLink", b'K', "target\0")], "././@LongLink");
}

#[test]
fn what_is_neither_file_nor_folder_is_entry_type() {
    for kind in *b"3467NMVDXA\x7f" {
        assert_entry_type(&[entry("a", kind, "")], "a");
    }
}

#[test]
fn an_entry_at_fault_is_named_by_its_long_name() {
    assert_entry_type(&[long_name("long/a"), entry("x", b'6', "")], "long/a");
    assert_entry_type(
        &[pax(&[("path", b"long/a")]), entry("x", b'6', "")],
        "long/a",
    );
}

#[test]
fn a_folder_with_a_payload_is_entry_type() {
    assert_entry_type(&[entry("a/", b'5', "payload")], "a/");
}

#[test]
fn an_old_gnu_sparse_file_is_entry_type() {
    let sparse = entry_with(b"a", b'S', b"x", |header| {
        put(header, MAGIC, b"ustar  \0");
        put(header, 386, b"00000000000\x0000000000001\0");
        put(header, 483, b"00000001000\0");
    });
    assert_entry_type(&[sparse], "a");
}

#[test]
fn a_pax_sparse_file_is_entry_type() {
    let pax_0 = pax(&[("GNU.sparse.map", b"0,1"), ("GNU.sparse.size", b"9")]);
    let pax_1 = pax(&[("GNU.sparse.major", b"1"), ("GNU.sparse.name", b"a")]);
    for header in [pax_0, pax_1, pax(&[("SCHILY.realsize", b"9")])] {
        assert_entry_type(
            &[header, file("GNUSparseFile.0/a", "x")],
            "GNUSparseFile.0/a",
        );
    }
}

#[test]
fn modes_owners_and_times_do_not_matter() {
    let odd = |mode: &'static [u8]| {
        entry_with(b"a", b'0', b"x", move |header| {
            put(header, MODE, mode);
            put(header, UID, b"\x80\0\0\0\xff\xff\xff\xff");
            put(header, MTIME, b"77777777777 ");
        })
    };
    for mode in [
        b"0000000\0",
        b"0004755\0",
        b"0001777\0",
        b"0006777\0",
        b"   644 \0",
    ] {
        assert_eq!(accepted(&[odd(mode)]), ["a"]);
    }
}

#[test]
fn a_file_of_the_old_type_with_the_name_of_a_folder_is_entry_type() {
    assert_entry_type(&[entry("a/", 0, "")], "a/");
    // Python takes this for a folder, others for a file.
    assert_entry_type(&[long_name("b"), entry("a/", 0, "")], "b");
    assert_eq!(accepted(&[long_name("b"), file("a/", "")]), ["b"]);
}

#[test]
fn a_regular_file_may_have_the_old_type() {
    assert_eq!(accepted(&[entry("a", 0, "x")]), ["a"]);
}
