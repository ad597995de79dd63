//! Content types by extension (protocol.md, "Reading"): the one table, for our answers and for nginx's.

use super::FilePath;

/// A content type as it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaType(&'static str);

/// Extension (lower case) and type, in the order of protocol.md.
pub const TABLE: [(&str, MediaType); 28] = [
    ("js", MediaType("text/javascript; charset=utf-8")),
    ("cjs", MediaType("text/javascript; charset=utf-8")),
    ("mjs", MediaType("text/javascript; charset=utf-8")),
    ("jsx", MediaType("text/javascript; charset=utf-8")),
    ("ts", MediaType("text/typescript; charset=utf-8")),
    ("tsx", MediaType("text/typescript; charset=utf-8")),
    ("css", MediaType("text/css; charset=utf-8")),
    ("scss", MediaType("text/x-scss; charset=utf-8")),
    ("less", MediaType("text/x-less; charset=utf-8")),
    ("html", MediaType("text/html; charset=utf-8")),
    ("svg", MediaType("image/svg+xml")),
    ("json", MediaType::JSON),
    ("yaml", MediaType("text/yaml; charset=utf-8")),
    ("yml", MediaType("text/yaml; charset=utf-8")),
    ("toml", MediaType("text/toml; charset=utf-8")),
    ("xml", MediaType("application/xml")),
    ("md", MediaType("text/markdown; charset=utf-8")),
    ("txt", MediaType("text/plain; charset=utf-8")),
    ("woff", MediaType("font/woff")),
    ("woff2", MediaType("font/woff2")),
    ("ttf", MediaType("font/ttf")),
    ("otf", MediaType("font/otf")),
    ("png", MediaType("image/png")),
    ("gif", MediaType("image/gif")),
    ("jpg", MediaType("image/jpeg")),
    ("jpeg", MediaType("image/jpeg")),
    ("webp", MediaType("image/webp")),
    ("ico", MediaType("image/x-icon")),
];

impl MediaType {
    /// `application/json`.
    pub const JSON: Self = Self("application/json");
    /// `application/octet-stream`: anything that the table does not name.
    pub const BYTES: Self = Self("application/octet-stream");

    /// The type of a file, by its extension in any case.
    pub fn of(path: &FilePath) -> Self {
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        TABLE
            .iter()
            .find(|(known, _)| *known == extension)
            .map_or(Self::BYTES, |(_, media_type)| *media_type)
    }

    /// As sent in `Content-Type`.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// Whether it is a page for people.
    pub fn is_page(self) -> bool {
        self.0.starts_with("text/html")
    }

    /// Whether it is text or JSON, and so may have variants.
    pub fn is_text(self) -> bool {
        self.0.starts_with("text/")
            || matches!(
                self.0,
                "application/json" | "application/xml" | "image/svg+xml"
            )
    }
}
