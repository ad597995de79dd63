//! The URL grammar (protocol.md, "Reading" and "Errors"): from a raw request path to a key, decoded once.

use super::key::{PublicKey, SchemaName};
use crate::error_code::ErrorCode;
use crate::model::{FilePath, ItemId, ItemPath, Namespace, ReleaseId, Tag, Version};

/// A path that names no resource: the code of the answer, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct InvalidUrl {
    /// `NOT_FOUND` for a clean path that nothing can be at, else the code of a 400.
    pub code: ErrorCode,
    /// For the person who reads it.
    pub why: String,
}

impl InvalidUrl {
    fn new(code: ErrorCode, why: impl ToString) -> Self {
        Self {
            code,
            why: why.to_string(),
        }
    }

    fn path(why: impl ToString) -> Self {
        Self::new(ErrorCode::InvalidPath, why)
    }

    fn nothing_here(path: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("there is nothing at {path}"))
    }
}

impl PublicKey {
    /// Parses the path of a request line, without its query.
    ///
    /// `@` and `+` may stand as `%40` and `%2B`; no other escape, no `.` or `..`, no empty segment.
    pub fn parse(raw: &str) -> Result<Self, InvalidUrl> {
        if raw == "/" {
            return Err(InvalidUrl::nothing_here(raw));
        }
        let path = decode(raw)?;
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let invalid = |code| move |fault| InvalidUrl::new(code, fault);
        match segments[..] {
            ["registries", ref rest @ ..] if !rest.is_empty() => parse_registries(rest),
            ["namespaces"] => Ok(Self::Namespaces),
            ["namespaces", namespace, ref rest @ ..] => {
                let namespace = namespace
                    .parse::<Namespace>()
                    .map_err(invalid(ErrorCode::InvalidNamespace))?;
                match rest {
                    ["registries"] => Ok(Self::Listing(namespace)),
                    _ => Err(InvalidUrl::nothing_here(&path)),
                }
            }
            ["presets", name] => name
                .parse()
                .map(Self::Preset)
                .map_err(invalid(ErrorCode::InvalidPreset)),
            ["presets", _, ..] => Err(InvalidUrl::new(
                ErrorCode::InvalidPreset,
                "a preset's name is one path segment",
            )),
            ["schemas", name] => SchemaName::ALL
                .into_iter()
                .find(|schema| schema.file_name() == name)
                .map(Self::Schema)
                .ok_or_else(|| InvalidUrl::nothing_here(&path)),
            _ => Err(InvalidUrl::nothing_here(&path)),
        }
    }
}

/// What a PUT makes so, and a DELETE takes back (interface.md, "Endpoints beside those of protocol.md").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LifecycleUrl {
    /// `/registries/@ns/<path>/<version>/yank`
    Yank(ReleaseId),
    /// `/registries/@ns/<path>/<version>/deprecation`
    Deprecation(ReleaseId),
    /// `/registries/@ns/<path>/tags/<tag>`, which can be read as well
    Tag(ItemId, Tag),
}

impl LifecycleUrl {
    /// Parses the path of a request line, without its query; none where it has not the shape of such an address.
    ///
    /// `yank` and `deprecation` are no reserved words: behind a segment without a dot they are an item's name.
    pub fn parse(raw: &str) -> Option<Result<Self, InvalidUrl>> {
        let rest = raw.strip_prefix("/registries/")?;
        decode(raw).ok()?;
        if rest.contains("/files/") {
            return None;
        }
        let (above, last) = raw.rsplit_once('/')?;
        let is_dotted = above.rsplit('/').next()?.contains('.');
        let release = || match PublicKey::parse(above)? {
            PublicKey::Manifest(release) => Ok(release),
            _ => Err(InvalidUrl::path(format!("`{last}` stands after a version"))),
        };
        match last {
            "yank" if is_dotted => Some(release().map(Self::Yank)),
            "deprecation" if is_dotted => Some(release().map(Self::Deprecation)),
            _ if above.ends_with("/tags") && above.len() > "/registries/tags".len() => {
                Some(PublicKey::parse(raw).and_then(|key| match key {
                    PublicKey::Tag(item, tag) => Ok(Self::Tag(item, tag)),
                    _ => Err(InvalidUrl::path("`tags` stands after an item's path")),
                }))
            }
            _ => None,
        }
    }

    /// The methods that a path takes which has the shape of such an address; none where it has not.
    pub fn allowed(raw: &str) -> Option<&'static str> {
        Self::parse(raw).map(|_| match raw.rsplit('/').nth(1) {
            // Any tag, be it called `yank`.
            Some("tags") => "GET, HEAD, PUT, DELETE, OPTIONS",
            _ => "PUT, DELETE, OPTIONS",
        })
    }

    /// The item that it changes.
    pub fn item(&self) -> &ItemId {
        match self {
            Self::Yank(release) | Self::Deprecation(release) => &release.item,
            Self::Tag(item, _) => item,
        }
    }
}

/// What stands behind `/registries/`.
fn parse_registries(segments: &[&str]) -> Result<PublicKey, InvalidUrl> {
    let [namespace, rest @ ..] = segments else {
        return Err(InvalidUrl::path("a namespace is missing"));
    };
    let namespace: Namespace = namespace.parse().map_err(InvalidUrl::path)?;
    // An item's segments hold no dot and a version holds two, so the first dot ends the item.
    let split = rest
        .iter()
        .position(|segment| segment.contains('.') || matches!(*segment, "versions" | "tags"));
    let (item, rest) = rest.split_at(split.unwrap_or(rest.len()));
    if item.is_empty() {
        return Err(InvalidUrl::path(
            "after the namespace stands an item's path",
        ));
    }
    let path: ItemPath = item.join("/").parse().map_err(InvalidUrl::path)?;
    let item = ItemId { namespace, path };
    let version = |text: &str| text.parse::<Version>().map_err(InvalidUrl::path);
    match rest {
        [] => Ok(PublicKey::Latest(item)),
        ["versions"] => Ok(PublicKey::Versions(item)),
        ["versions", ..] => Err(InvalidUrl::path("nothing can follow `versions`")),
        ["tags", tag] => {
            let tag = tag.parse().map_err(InvalidUrl::path)?;
            Ok(PublicKey::Tag(item, tag))
        }
        ["tags", ..] => Err(InvalidUrl::path("after `tags` stands one tag")),
        [text] => Ok(PublicKey::Manifest(item.release(version(text)?))),
        [text, "files", file @ ..] if !file.is_empty() => {
            let file: FilePath = file.join("/").parse().map_err(InvalidUrl::path)?;
            Ok(PublicKey::File(item.release(version(text)?), file))
        }
        [_, "yank" | "deprecation"] => Err(InvalidUrl::path(
            "this is set and taken back, not read: `versions` says what is yanked and deprecated",
        )),
        _ => Err(InvalidUrl::path(
            "after a version stands nothing or `files/` and a file's path",
        )),
    }
}

/// Checks the raw path and decodes it, once.
fn decode(raw: &str) -> Result<String, InvalidUrl> {
    let code = match raw.split('/').nth(1) {
        Some("registries") => ErrorCode::InvalidPath,
        Some("namespaces") => ErrorCode::InvalidNamespace,
        Some("presets") => ErrorCode::InvalidPreset,
        _ => ErrorCode::BadRequest,
    };
    let invalid = |why: &str| Err(InvalidUrl::new(code, why));
    let Some(absolute) = raw.strip_prefix('/') else {
        return invalid("the path does not start with `/`");
    };
    if absolute.split('/').any(str::is_empty) {
        return invalid("the path has an empty segment (`//`, or a `/` at its end)");
    }
    let mut pieces = raw.split('%');
    let mut path = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        // By bytes: what follows a `%` may be any text.
        let (plain, rest) = match piece.as_bytes() {
            [b'4', b'0', ..] => ('@', &piece[2..]),
            [b'2', b'b' | b'B', ..] => ('+', &piece[2..]),
            _ => return invalid("the path has an escape other than `%40` and `%2B`"),
        };
        path.push(plain);
        path.push_str(rest);
    }
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return invalid("the path has a `.` or `..` segment");
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn namespaces() -> impl Strategy<Value = String> {
        "@[a-z0-9]([a-z0-9_-]{0,6}[a-z0-9])?"
    }

    fn segments() -> impl Strategy<Value = String> {
        "[a-z0-9]{1,5}(-[a-z0-9]{1,3}){0,2}"
    }

    fn versions() -> impl Strategy<Value = String> {
        r"[0-9]\.(0|[1-9][0-9]?)\.[0-9](-(alpha|rc)\.[1-9])?(\+b\.[0-9]{1,3})?"
    }

    fn files() -> impl Strategy<Value = String> {
        prop::collection::vec("[A-Za-z0-9._@+-]{0,8}[A-Za-z0-9_@+-]", 1..4)
            .prop_map(|segments| segments.join("/"))
    }

    fn keys() -> impl Strategy<Value = PublicKey> {
        let path = prop::collection::vec(segments(), 1..8).prop_map(|segments| segments.join("/"));
        (
            namespaces(),
            path,
            versions(),
            files(),
            segments(),
            0..9usize,
        )
            .prop_filter_map(
                "reserved words",
                |(namespace, path, version, file, preset, kind)| {
                    let item: ItemId = format!("{namespace}/{path}").parse().ok()?;
                    let release = item.release(version.parse().ok()?);
                    Some(match kind {
                        0 => PublicKey::Namespaces,
                        1 => PublicKey::Listing(item.namespace),
                        2 => PublicKey::Preset(preset.parse().ok()?),
                        3 => PublicKey::Schema(SchemaName::ALL[preset.len() % 3]),
                        4 => PublicKey::Latest(item),
                        5 => PublicKey::Versions(item),
                        6 => PublicKey::Manifest(release),
                        7 => PublicKey::Tag(item, preset.parse().ok()?),
                        _ => PublicKey::File(release, file.parse().ok()?),
                    })
                },
            )
    }

    proptest! {
        #[test]
        fn parse_and_print_are_inverse(key in keys()) {
            let url = key.to_string();
            prop_assert_eq!(PublicKey::parse(&url), Ok(key.clone()));
            let escaped = url.replace('@', "%40").replace('+', "%2b");
            prop_assert_eq!(PublicKey::parse(&escaped), Ok(key.clone()));
            let on_disk = PublicKey::from_disk_path(&key.disk_path());
            prop_assert_eq!(on_disk, Some(key));
        }

        #[test]
        fn whatever_is_asked_for_stays_below_the_root(raw in "/(registries|namespaces|presets|schemas|)(/|%2e|%2F|\\.|@a|%40a|x|1\\.0\\.0|files|versions|tags|[a-z%+\\\\]){0,9}") {
            if let Ok(key) = PublicKey::parse(&raw) {
                for part in key.disk_path().components() {
                    prop_assert!(matches!(part, std::path::Component::Normal(_)));
                }
                prop_assert_eq!(PublicKey::parse(&key.to_string()), Ok(key));
            }
        }
    }

    #[test]
    fn faults_carry_the_code_of_their_place() {
        for (raw, code) in [
            ("/registries/@a", ErrorCode::InvalidPath),
            ("/registries/a/x", ErrorCode::InvalidPath),
            ("/registries/@A/x", ErrorCode::InvalidPath),
            ("/registries/@a/x/", ErrorCode::InvalidPath),
            ("/registries/@a//x", ErrorCode::InvalidPath),
            ("/registries/@a/1.0.0", ErrorCode::InvalidPath),
            ("/registries/@a/x/1.0", ErrorCode::InvalidPath),
            ("/registries/@a/x/1.0.0/1.0.0", ErrorCode::InvalidPath),
            ("/registries/@a/x/1.0.0/files", ErrorCode::InvalidPath),
            ("/registries/@a/x/files/a", ErrorCode::InvalidPath),
            ("/registries/@a/x/versions/1.0.0", ErrorCode::InvalidPath),
            ("/registries/@a/x/tags", ErrorCode::InvalidPath),
            ("/registries/@a/x/tags/latest", ErrorCode::InvalidPath),
            ("/registries/@a/x/tags/1.0.0", ErrorCode::InvalidPath),
            ("/registries/@a/x/tags/beta/x", ErrorCode::InvalidPath),
            ("/registries/@a/x/1.0.0/yank", ErrorCode::InvalidPath),
            ("/registries/@a/tags/beta", ErrorCode::InvalidPath),
            ("/registries/@a/..%2f@b/x", ErrorCode::InvalidPath),
            ("/registries/@a/%2e%2e/x", ErrorCode::InvalidPath),
            (
                "/registries/@a/x/1.0.0/files/../registry.json",
                ErrorCode::InvalidPath,
            ),
            ("/registries/@a/x%zz", ErrorCode::InvalidPath),
            ("/registries/@a/x%", ErrorCode::InvalidPath),
            ("/registries/@a/x%2", ErrorCode::InvalidPath),
            ("/registries/@a/x%\u{e9}", ErrorCode::InvalidPath),
            ("/namespaces/", ErrorCode::InvalidNamespace),
            ("/namespaces/a/registries", ErrorCode::InvalidNamespace),
            ("/namespaces/@a", ErrorCode::NotFound),
            ("/presets/%2e%2e%2fsecret", ErrorCode::InvalidPreset),
            ("/presets/Node", ErrorCode::InvalidPreset),
            ("/presets/a/b", ErrorCode::InvalidPreset),
            ("/schemas/other.json", ErrorCode::NotFound),
            ("/schemas/../x", ErrorCode::BadRequest),
            ("//", ErrorCode::BadRequest),
            ("/", ErrorCode::NotFound),
            ("/elsewhere", ErrorCode::NotFound),
            ("elsewhere", ErrorCode::BadRequest),
        ] {
            assert_eq!(
                PublicKey::parse(raw).map_err(|fault| fault.code),
                Err(code),
                "{raw}"
            );
        }
    }

    #[test]
    fn what_lies_in_a_tree_beside_our_files_is_no_key() {
        for path in [
            "registries/@a/x/index.html",
            "registries/@a/x/1.0.0/files/index.json/index.json/..",
            ".rack-id",
            "registries/@a/x",
            "registries/@a/x/1.0.0",
        ] {
            assert_eq!(PublicKey::from_disk_path(path.as_ref()), None, "{path}");
        }
        // A file that is called like our own documents is still a file.
        let file = "registries/@a/x/1.0.0/files/index.json";
        let key = PublicKey::from_disk_path(file.as_ref());
        assert_eq!(key.map(|key| key.disk_path()), Some(file.into()));
    }
}
