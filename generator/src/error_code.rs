//! The error codes of the protocol (protocol.md, "Errors" and "Publishing") and their statuses.
//!
//! One table for the daemon, for `rackgen check` and for the bodies that nginx sends. Words for people
//! are made where an error happens, not here.

/// A code of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
#[value(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "protocol.md says when each is sent")]
pub enum ErrorCode {
    InvalidPath,
    InvalidNamespace,
    InvalidPreset,
    BadRequest,
    MissingFile,
    MissingChecksum,
    InvalidFileType,
    ChecksumMismatch,
    InvalidArchive,
    UnsafeFile,
    UndeclaredFile,
    FileNotFound,
    UploadFailed,
    SchemaValidationFailed,
    Unauthorized,
    InvalidToken,
    TokenExpired,
    ForbiddenNamespace,
    InsufficientPermissions,
    AnonymousUploadForbidden,
    NamespaceNotAllowed,
    NotFound,
    NamespaceNotFound,
    MethodNotAllowed,
    RequestTimeout,
    VersionExists,
    PayloadTooLarge,
    UriTooLong,
    RateLimitExceeded,
    InternalError,
    NotImplemented,
    Unavailable,
    StorageFull,
}

impl ErrorCode {
    /// The status and the word in the body.
    pub fn parts(self) -> (u16, &'static str) {
        match self {
            Self::InvalidPath => (400, "INVALID_PATH"),
            Self::InvalidNamespace => (400, "INVALID_NAMESPACE"),
            Self::InvalidPreset => (400, "INVALID_PRESET"),
            Self::BadRequest => (400, "BAD_REQUEST"),
            Self::MissingFile => (400, "MISSING_FILE"),
            Self::MissingChecksum => (400, "MISSING_CHECKSUM"),
            Self::InvalidFileType => (400, "INVALID_FILE_TYPE"),
            Self::ChecksumMismatch => (400, "CHECKSUM_MISMATCH"),
            Self::InvalidArchive => (400, "INVALID_ARCHIVE"),
            Self::UnsafeFile => (400, "UNSAFE_FILE"),
            Self::UndeclaredFile => (400, "UNDECLARED_FILE"),
            Self::FileNotFound => (400, "FILE_NOT_FOUND"),
            Self::UploadFailed => (400, "UPLOAD_FAILED"),
            Self::SchemaValidationFailed => (400, "SCHEMA_VALIDATION_FAILED"),
            Self::Unauthorized => (401, "UNAUTHORIZED"),
            Self::InvalidToken => (401, "INVALID_TOKEN"),
            Self::TokenExpired => (401, "TOKEN_EXPIRED"),
            Self::ForbiddenNamespace => (403, "FORBIDDEN_NAMESPACE"),
            Self::InsufficientPermissions => (403, "INSUFFICIENT_PERMISSIONS"),
            Self::AnonymousUploadForbidden => (403, "ANONYMOUS_UPLOAD_FORBIDDEN"),
            Self::NamespaceNotAllowed => (403, "NAMESPACE_NOT_ALLOWED"),
            Self::NotFound => (404, "NOT_FOUND"),
            Self::NamespaceNotFound => (404, "NAMESPACE_NOT_FOUND"),
            Self::MethodNotAllowed => (405, "METHOD_NOT_ALLOWED"),
            Self::RequestTimeout => (408, "REQUEST_TIMEOUT"),
            Self::VersionExists => (409, "VERSION_EXISTS"),
            Self::PayloadTooLarge => (413, "PAYLOAD_TOO_LARGE"),
            Self::UriTooLong => (414, "URI_TOO_LONG"),
            Self::RateLimitExceeded => (429, "RATE_LIMIT_EXCEEDED"),
            Self::InternalError => (500, "INTERNAL_ERROR"),
            Self::NotImplemented => (501, "NOT_IMPLEMENTED"),
            Self::Unavailable => (503, "UNAVAILABLE"),
            Self::StorageFull => (507, "STORAGE_FULL"),
        }
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        self.parts().0
    }

    /// The word in the body.
    pub fn as_str(self) -> &'static str {
        self.parts().1
    }
}

/// The word.
impl serde::Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn a_code_is_typed_as_it_is_told() {
        for code in ErrorCode::value_variants() {
            assert_eq!(ErrorCode::from_str(code.as_str(), false), Ok(*code));
        }
    }
}
