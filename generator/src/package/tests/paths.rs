//! Names of entries: the four path rows.

use super::*;

#[track_caller]
fn assert_path_refused(name: impl AsRef<[u8]>, reason: &str) {
    // A pax header takes any bytes for a name, so NUL and length get through to the rule.
    let named = [pax(&[("path", name.as_ref())]), file("x", "")];
    let fault = assert_refused(&named, ErrorCode::UnsafeFile, reason);
    let path = String::from_utf8_lossy(name.as_ref());
    assert!(path.starts_with(fault.path().unwrap()), "{fault:?}");
}

#[test]
fn a_path_that_leaves_the_folder_is_path_escape() {
    for name in [
        "/x",
        "//x",
        "../x",
        "a/../../x",
        "a/../x",
        "..",
        "./../x",
        ".",
        "./",
    ] {
        assert_path_refused(name, "path_escape");
    }
}

#[test]
fn an_empty_path_is_path_escape() {
    assert_refused(&[file("", "")], ErrorCode::UnsafeFile, "path_escape");
    assert_refused(&[folder("")], ErrorCode::UnsafeFile, "path_escape");
    assert_refused(&[folder("./.")], ErrorCode::UnsafeFile, "path_escape");
}

#[test]
fn a_folder_may_not_leave_the_folder_either() {
    for name in ["/", "../", "a/../", "/a/"] {
        assert_refused(&[folder(name)], ErrorCode::UnsafeFile, "path_escape");
    }
}

#[test]
fn a_path_outside_the_grammar_is_path_illegal() {
    for name in [
        "a\0b", "a\nb", "a\x1bb", "c:x", "a\\b", "..\\x", " a", "a ", "a/ b", "a.", "a./b", "a//b",
        "a/./b", "././a", ".//a", "a/", "é", "e\u{301}", "a%2fb",
    ] {
        assert_path_refused(name, "path_illegal");
    }
    assert_path_refused(b"a\xff", "path_illegal");
}

#[test]
fn escape_is_said_before_illegal() {
    assert_path_refused("../a b", "path_escape");
    assert_path_refused(b"/\xff", "path_escape");
}

#[test]
fn a_long_path_is_path_too_long() {
    let segment = "a".repeat(128);
    assert_eq!(accepted(&[long_name(&segment), file("x", "")]), [&*segment]);
    assert_path_refused(format!("{segment}a"), "path_too_long");
    assert_path_refused(vec!["a".repeat(100); 6].join("/"), "path_too_long");
}

#[test]
fn a_deep_path_is_path_too_long() {
    let deepest = vec!["a"; 32].join("/");
    assert_eq!(accepted(&[file("b", ""), file(&deepest, "")]).len(), 2);
    assert_path_refused(format!("{deepest}/a"), "path_too_long");
}

#[track_caller]
fn assert_collision(entries: &[Vec<u8>], path: &str) {
    let fault = assert_refused(entries, ErrorCode::UnsafeFile, "path_collision");
    assert_eq!(fault.path(), Some(path));
}

#[test]
fn the_same_path_twice_is_path_collision() {
    assert_collision(&[file("a", "1"), file("a", "1")], "a");
    assert_collision(&[file("a", "1"), file("./a", "2")], "a");
    assert_collision(&[folder("a/"), folder("a")], "a");
}

#[test]
fn a_file_and_a_folder_of_one_name_are_path_collision() {
    assert_collision(&[file("a", ""), file("a/b", "")], "a");
    assert_collision(&[file("a/b", ""), file("a", "")], "a");
    assert_collision(&[folder("a/"), file("a", "")], "a");
    assert_collision(&[file("a", ""), folder("a/")], "a");
}

#[test]
fn names_that_differ_only_in_case_are_path_collision() {
    assert_collision(&[file("README", ""), file("readme", "")], "readme");
    assert_collision(&[file("A/x", ""), file("a/y", "")], "a");
    assert_collision(&[file("A", ""), file("a/y", "")], "a");
}

#[test]
fn a_folder_may_have_an_entry_before_or_after_its_files() {
    let entries = [
        folder("./"),
        folder("a/"),
        file("a/x", ""),
        file("b/x", ""),
        folder("b/"),
    ];
    assert_eq!(accepted(&entries), ["a/x", "b/x"]);
}

#[test]
fn a_leading_dot_slash_means_nothing() {
    assert_eq!(accepted(&[file("./a/b", ""), file("c", "")]), ["a/b", "c"]);
}
