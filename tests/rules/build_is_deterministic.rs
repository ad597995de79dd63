//! The same source gives the same bytes, wherever and however often it is built; and a build with nothing to do
//! touches nothing, not even a time.

use rack_tests::proved;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::tree::{assert_same, contents, tree};
use serde_json::json;

#[test]
fn build_is_deterministic() {
    let registry =
        Registry::new(&json!({ "@open": [], "@team": [{ "token": "secret-of-the-team-0b6e" }] }));
    Release::many("@open", 20).for_each(|release| registry.put(&release));
    Release::many("@team", 5).for_each(|release| registry.put(&release));
    registry.build();
    let (public, private) = (tree(&registry.public()), tree(&registry.private()));
    assert!(!public.is_empty() && !private.is_empty());

    for args in [
        &["build"][..],
        &["build", "--full"],
        &["build", "--full", "--jobs", "1"],
    ] {
        registry.rackgen(args).exits(0);
        assert_same(
            &format!("public after {args:?}"),
            &public,
            &tree(&registry.public()),
        );
        assert_same(
            &format!("private after {args:?}"),
            &private,
            &tree(&registry.private()),
        );
    }

    let elsewhere = registry.copy();
    elsewhere.rackgen(&["build", "--jobs", "1"]).exits(0);
    for (what, here, there) in [
        ("public elsewhere", registry.public(), elsewhere.public()),
        ("private elsewhere", registry.private(), elsewhere.private()),
    ] {
        assert_same(what, &contents(&here), &contents(&there));
    }
    proved(
        "two builds are the same bytes",
        format!(
            "{} public and {} private files",
            public.len(),
            private.len()
        ),
    );
}
