//! May this caller do that there? One place for the whole table (protocol.md, "The access file").

use rackgen::access::{Access, Grant};
use rackgen::error_code::ErrorCode;
use rackgen::model::{Audience, Namespace};

use super::Caller;
use crate::answer::Refusal;

/// Whether a namespace may be read, and in which tree it is. `identify` is asked only where it matters: on an
/// open namespace credentials are not looked at.
pub(crate) fn read<'a>(
    access: &Access,
    namespace: &Namespace,
    identify: impl FnOnce() -> Result<Option<Caller<'a>>, Refusal>,
) -> Result<Audience, Refusal> {
    match access.grant(namespace) {
        None => Err(forbidden(namespace)),
        Some(Grant::Open) => Ok(Audience::Public),
        Some(Grant::Gated(_)) => {
            let caller = identify()?.ok_or_else(unauthorized)?;
            caller.token(namespace)?;
            Ok(Audience::Private)
        }
    }
}

/// What somebody wants to do to a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Publish versions.
    Publish,
    /// Yank, deprecate, and take that back.
    Yank,
    /// Set tags and take them away.
    Tag,
}

impl Scope {
    fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Yank => "yank",
            Self::Tag => "tag",
        }
    }
}

/// Whether the caller may do that in a namespace. A token of the access file that may publish may do all of it.
pub(crate) fn write(
    access: &Access,
    namespace: &Namespace,
    caller: &Caller<'_>,
    scope: Scope,
) -> Result<(), Refusal> {
    caller.require_live()?;
    let audience = access.audience(namespace).ok_or_else(|| match scope {
        Scope::Publish => not_allowed(namespace.as_str()),
        Scope::Yank | Scope::Tag => forbidden(namespace),
    })?;
    let lacks = || {
        Refusal::new(
            ErrorCode::InsufficientPermissions,
            format!(
                "this token lacks the scope {} on {namespace}",
                scope.as_str()
            ),
        )
    };
    match (audience, caller) {
        (_, Caller::Admin) => Ok(()),
        (Audience::Public, Caller::Holder { .. }) => Err(match scope {
            Scope::Publish => Refusal::new(
                ErrorCode::AnonymousUploadForbidden,
                format!("{namespace} has no tokens of its own; only the admin publishes there"),
            ),
            Scope::Yank | Scope::Tag => lacks(),
        }),
        (Audience::Private, Caller::Holder { .. }) => match caller.token(namespace)? {
            Some(token) if !token.publish => Err(lacks()),
            _ => Ok(()),
        },
    }
}

fn forbidden(namespace: &Namespace) -> Refusal {
    Refusal::new(
        ErrorCode::ForbiddenNamespace,
        format!("{namespace} is not a namespace of this registry"),
    )
}

/// The namespace of a publish is none of ours, or not even a namespace.
pub(crate) fn not_allowed(namespace: &str) -> Refusal {
    let shown: String = namespace.chars().take(80).collect();
    Refusal::new(
        ErrorCode::NamespaceNotAllowed,
        format!("`{shown}` is not declared in this registry's access file"),
    )
}

/// Nobody said who they are.
pub(crate) fn unauthorized() -> Refusal {
    Refusal::new(
        ErrorCode::Unauthorized,
        "a token is needed: send `Authorization: Bearer <token>`",
    )
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderMap, HeaderValue};
    use jiff::Timestamp;
    use rackgen::access::SecretHash;

    use super::super::Credential;
    use super::*;

    const FILE: &str = r#"{
        "@open": [],
        "@team": [{"token": "read"}, {"token": "write", "publish": true},
                  {"token": "old", "publish": true, "expiresAt": "2020-01-01"}, {"token": "both"}],
        "@other": [{"token": "elsewhere", "publish": true}, {"token": "both", "publish": true, "expiresAt": "2020-01-01"}]
    }"#;

    fn identify<'a>(access: &'a Access, token: &str) -> Result<Option<Caller<'a>>, Refusal> {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_str(&format!("bEARER {token}")).unwrap();
        headers.insert("authorization".parse().unwrap(), value);
        let admin = Some(SecretHash::of("admin"));
        Credential::from_headers(&headers)?
            .map(|sent| sent.identify(access, admin, Timestamp::now()))
            .transpose()
    }

    /// Every kind of caller on every kind of namespace.
    #[test]
    fn the_whole_table() {
        let access = Access::parse(FILE.as_bytes()).unwrap();
        use ErrorCode::*;
        let table = [
            // caller, namespace, read, publish
            ("", "@open", Ok(()), Err(Unauthorized)),
            ("", "@team", Err(Unauthorized), Err(Unauthorized)),
            ("", "@none", Err(ForbiddenNamespace), Err(Unauthorized)),
            ("nobody", "@open", Ok(()), Err(InvalidToken)),
            ("nobody", "@team", Err(InvalidToken), Err(InvalidToken)),
            (
                "nobody",
                "@none",
                Err(ForbiddenNamespace),
                Err(InvalidToken),
            ),
            ("read", "@open", Ok(()), Err(AnonymousUploadForbidden)),
            ("read", "@team", Ok(()), Err(InsufficientPermissions)),
            (
                "read",
                "@none",
                Err(ForbiddenNamespace),
                Err(NamespaceNotAllowed),
            ),
            ("write", "@open", Ok(()), Err(AnonymousUploadForbidden)),
            ("write", "@team", Ok(()), Ok(())),
            ("old", "@team", Err(TokenExpired), Err(TokenExpired)),
            ("old", "@open", Ok(()), Err(TokenExpired)),
            ("old", "@none", Err(ForbiddenNamespace), Err(TokenExpired)),
            ("elsewhere", "@team", Err(InvalidToken), Err(InvalidToken)),
            ("both", "@team", Ok(()), Err(InsufficientPermissions)),
            ("both", "@other", Err(TokenExpired), Err(TokenExpired)),
            ("admin", "@open", Ok(()), Ok(())),
            ("admin", "@team", Ok(()), Ok(())),
            (
                "admin",
                "@none",
                Err(ForbiddenNamespace),
                Err(NamespaceNotAllowed),
            ),
        ];
        for (token, namespace, may_read, may_publish) in table {
            let namespace: Namespace = namespace.parse().unwrap();
            let caller = || identify(&access, token);
            let found = read(&access, &namespace, caller);
            assert_eq!(
                found.map(|_| ()).map_err(|r| r.code),
                may_read,
                "{token} reads {namespace}"
            );
            for scope in [Scope::Publish, Scope::Yank, Scope::Tag] {
                let found = caller()
                    .and_then(|caller| caller.ok_or_else(unauthorized))
                    .and_then(|caller| write(&access, &namespace, &caller, scope));
                let expected = may_publish.map_err(|code| match (scope, code) {
                    (Scope::Publish, code) => code,
                    // These two are words for uploads.
                    (_, AnonymousUploadForbidden) => InsufficientPermissions,
                    (_, NamespaceNotAllowed) => ForbiddenNamespace,
                    (_, code) => code,
                });
                assert_eq!(
                    found.map_err(|r| r.code),
                    expected,
                    "{token} does {scope:?} in {namespace}"
                );
            }
        }
    }
}
