//! The URL grammar as regular expressions, for a web server that has nothing else. `PublicKey::parse` is the rule;
//! the tests hold these to it.

use crate::model::file_path::{FILE_DEPTH_MAX, FILE_PATH_MAX, FILE_SEGMENT_MAX};
use crate::model::item::{RESERVED, SEGMENTS_MAX};
use crate::model::name::{NAMESPACE_MAX, SEGMENT_MAX};
use crate::model::tag::LATEST;
use crate::model::version::VERSION_MAX;
use crate::plan::key::SchemaName;

/// `@ns`; the lengths are looked at first, as far as the segment goes.
pub(super) fn namespace() -> String {
    let most = NAMESPACE_MAX - 1;
    format!("@(?=[^/]{{1,{most}}}(?:/|$))[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?")
}

/// A name: an item's segment, a preset.
pub(super) fn name() -> String {
    format!("(?=[^/]{{1,{SEGMENT_MAX}}}(?:/|$))[a-z0-9]+(?:-[a-z0-9]+)*")
}

/// A tag.
pub(super) fn tag() -> String {
    format!("(?!{LATEST}$){}", name())
}

/// An item's path below its namespace.
pub(super) fn item() -> String {
    let segment = format!("(?!(?:{})(?:/|$)){}", RESERVED.join("|"), name());
    format!("{segment}(?:/{segment}){{0,{}}}", SEGMENTS_MAX - 1)
}

/// A version. Numbers end at 2⁶⁴ for us, and at twenty digits that begin with a 1 here.
pub(super) fn version() -> String {
    let number = "(?:0|[1-9][0-9]{0,18}|1[0-9]{19})";
    let pre = "(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)";
    let build = "[0-9A-Za-z-]+";
    format!(
        r"(?=[^/]{{5,{VERSION_MAX}}}(?:/|$)){number}\.{number}\.{number}(?:-{pre}(?:\.{pre})*)?(?:\+{build}(?:\.{build})*)?"
    )
}

/// The path of a file inside a version.
pub(super) fn file() -> String {
    let segment =
        format!("(?=[^/]{{1,{FILE_SEGMENT_MAX}}}(?:/|$))[A-Za-z0-9._@+-]*[A-Za-z0-9_@+-]");
    format!(
        "(?=.{{1,{FILE_PATH_MAX}}}$){segment}(?:/{segment}){{0,{}}}",
        FILE_DEPTH_MAX - 1
    )
}

/// A schema's file.
pub(super) fn schema() -> String {
    let names = SchemaName::ALL.map(|schema| schema.file_name().replace('.', r"\."));
    format!("(?:{})", names.join("|"))
}
