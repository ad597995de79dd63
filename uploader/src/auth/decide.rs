//! May this caller do that there? One place for the whole table (protocol.md, "The access file"): [`decide`], which
//! looks at nothing but what it is given.

use rackgen::access::{Access, Grant};
use rackgen::error_code::ErrorCode;
use rackgen::model::{Audience, ItemId, Namespace, Shown};
use rackgen::token::office::Order;
use rackgen::token::{Pattern, Scope, Verb};
use rackgen::watchers::Watchers;

use super::Caller;
use super::credentials::{ADMIN_NAME, has_expired};
use crate::answer::Refusal;

/// What somebody wants to do, and to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed<'a> {
    /// Read a namespace.
    Read(&'a Namespace),
    /// Publish a version of an item.
    Publish(&'a ItemId),
    /// Publish in a namespace an item that does not yet say where: what is refused anywhere is refused.
    PublishIn(&'a Namespace),
    /// Yank or deprecate a version of an item, and take that back.
    Yank(&'a ItemId),
    /// Set an item's tags and take them away.
    Tag(&'a ItemId),
}

impl<'a> Deed<'a> {
    fn namespace(self) -> &'a Namespace {
        match self {
            Self::Read(namespace) | Self::PublishIn(namespace) => namespace,
            Self::Publish(item) | Self::Yank(item) | Self::Tag(item) => &item.namespace,
        }
    }

    fn verb(self) -> Verb {
        match self {
            Self::Read(_) => Verb::Read,
            Self::Publish(_) | Self::PublishIn(_) => Verb::Publish,
            Self::Yank(_) => Verb::Yank,
            Self::Tag(_) => Verb::Tag,
        }
    }
}

/// Whether this caller, or nobody in particular, may do that; and in which tree the namespace is.
pub(crate) fn decide(
    access: &Access,
    caller: Option<&Caller<'_>>,
    deed: Deed<'_>,
) -> Result<Audience, Refusal> {
    let namespace = deed.namespace();
    let audience = access.audience(namespace);
    if let Deed::Read(_) = deed {
        match audience {
            None => return Err(forbidden(namespace)),
            // On an open namespace credentials are not looked at.
            Some(Audience::Public) => return Ok(Audience::Public),
            Some(Audience::Private) => {}
        }
    }
    let caller = caller.ok_or_else(unauthorized)?;
    if deed.verb() != Verb::Read {
        caller.require_live()?;
    }
    let audience = audience.ok_or_else(|| match deed.verb() {
        Verb::Publish => not_allowed(namespace.as_str()),
        _ => forbidden(namespace),
    })?;
    match caller {
        Caller::Admin => {}
        Caller::Minted(token) if token.scopes.iter().any(|scope| allows(scope, deed)) => {}
        Caller::Minted(_) => return Err(lacks(deed)),
        Caller::Holder { .. } => holder(audience, caller, deed)?,
    }
    Ok(audience)
}

/// What a scope of a minted token allows. Who may publish somewhere in a namespace may read it, an admin do all of it.
fn allows(scope: &Scope, deed: Deed<'_>) -> bool {
    let pattern = scope.pattern();
    match (scope.verb(), deed) {
        (Verb::Read | Verb::Publish | Verb::Admin, Deed::Read(namespace))
        | (Verb::Publish | Verb::Admin, Deed::PublishIn(namespace)) => pattern.reaches(namespace),
        (Verb::Publish | Verb::Admin, Deed::Publish(item))
        | (Verb::Yank | Verb::Admin, Deed::Yank(item))
        | (Verb::Tag | Verb::Admin, Deed::Tag(item)) => pattern.covers(item),
        (Verb::Read, Deed::Publish(_) | Deed::PublishIn(_) | Deed::Yank(_) | Deed::Tag(_))
        | (Verb::Publish, Deed::Yank(_) | Deed::Tag(_))
        | (Verb::Yank, Deed::Read(_) | Deed::Publish(_) | Deed::PublishIn(_) | Deed::Tag(_))
        | (Verb::Tag, Deed::Read(_) | Deed::Publish(_) | Deed::PublishIn(_) | Deed::Yank(_)) => {
            false
        }
    }
}

/// What a token of the access file allows: all of its namespace may be read, and with `publish` all be done there.
fn holder(audience: Audience, caller: &Caller<'_>, deed: Deed<'_>) -> Result<(), Refusal> {
    match (audience, deed.verb()) {
        (Audience::Public, Verb::Publish) => Err(Refusal::new(
            ErrorCode::AnonymousUploadForbidden,
            format!(
                "{} has no tokens of its own; the admin publishes there, and minted tokens with that scope",
                deed.namespace()
            ),
        )),
        (Audience::Public, _) => Err(lacks(deed)),
        (Audience::Private, verb) => match caller.token(deed.namespace())? {
            Some(token) if verb == Verb::Read || token.publish => Ok(()),
            _ => Err(lacks(deed)),
        },
    }
}

/// Whether a namespace may be read, and in which tree it is. `identify` is asked only where the answer depends on it.
pub(crate) fn read<'a>(
    access: &Access,
    namespace: &Namespace,
    identify: impl FnOnce() -> Result<Option<Caller<'a>>, Refusal>,
) -> Result<Audience, Refusal> {
    let caller = match access.grant(namespace) {
        Some(Grant::Gated(_)) => identify()?,
        Some(Grant::Open) | None => None,
    };
    decide(access, caller.as_ref(), Deed::Read(namespace))
}

/// Whether a caller could publish anything anywhere: whose archive may be received.
///
/// # Errors
/// None: `INSUFFICIENT_PERMISSIONS`; not any more: `TOKEN_EXPIRED`.
pub(crate) fn publish_at_all(caller: &Caller<'_>) -> Result<(), Refusal> {
    caller.require_live()?;
    let (may, reach) = match caller {
        Caller::Admin => return Ok(()),
        Caller::Holder { tokens, now } => {
            let live = tokens.iter().filter(|(_, token)| !has_expired(token, *now));
            let names: Vec<_> = live.clone().map(|(name, _)| name.as_str()).collect();
            let may = live.into_iter().any(|(_, token)| token.publish);
            (may, names.join(", "))
        }
        Caller::Minted(token) => {
            let publishes = |scope: &Scope| matches!(scope.verb(), Verb::Publish | Verb::Admin);
            (token.scopes.iter().any(publishes), "any namespace".into())
        }
    };
    match may {
        true => Ok(()),
        false => Err(Refusal::new(
            ErrorCode::InsufficientPermissions,
            format!("this token lacks the scope publish on {reach}"),
        )),
    }
}

/// Whether a caller may mint this token: where it is admin, for no longer than its own token lasts, and under a name that
/// stands for nothing beyond: `admin` is how the admin token is recorded, and the `watchers` see the figures.
///
/// # Errors
/// As [`administer`]; a token that would outlive the one that mints it, or that has such a name, of a caller who is not
/// admin of everything: `INSUFFICIENT_PERMISSIONS`.
pub(crate) fn mint(caller: &Caller<'_>, order: &Order, watchers: &Watchers) -> Result<(), Refusal> {
    administer(caller, &order.scopes)?;
    let name = order.name.to_string();
    let is_kept = name.eq_ignore_ascii_case(ADMIN_NAME) || watchers.tokens.contains(&name);
    if is_kept && !is_admin_of(caller, &Pattern::Everywhere) {
        return Err(Refusal::new(
            ErrorCode::InsufficientPermissions,
            format!("this token lacks the scope admin on *, for the name `{name}`; choose another"),
        ));
    }
    match caller {
        Caller::Minted(token) if order.expires > token.expires => Err(Refusal::new(
            ErrorCode::InsufficientPermissions,
            format!(
                "this token ends at {:.0}, and mints none that lasts longer",
                token.expires
            ),
        )),
        _ => Ok(()),
    }
}

/// Whether a caller may be told of a token with these scopes, and revoke it: whoever is admin wherever it reaches.
///
/// # Errors
/// It reaches further: `INSUFFICIENT_PERMISSIONS`; the caller is nobody any more: `TOKEN_EXPIRED`.
pub(crate) fn administer(caller: &Caller<'_>, scopes: &[Scope]) -> Result<(), Refusal> {
    caller.require_live()?;
    let beyond = |scope: &&Scope| !is_admin_of(caller, scope.pattern());
    match scopes.iter().find(beyond) {
        None => Ok(()),
        Some(scope) => {
            let place = scope.pattern().namespace().map_or("*", Namespace::as_str);
            Err(Refusal::new(
                ErrorCode::InsufficientPermissions,
                format!("this token lacks the scope admin on {place}, for {scope}"),
            ))
        }
    }
}

/// Whether a caller is admin of anything: whose order may be received, and who is told that a token is not there.
///
/// # Errors
/// As [`administer`].
pub(crate) fn administer_at_all(caller: &Caller<'_>) -> Result<(), Refusal> {
    caller.require_live()?;
    let is_admin = match caller {
        Caller::Admin => true,
        Caller::Holder { .. } => false,
        Caller::Minted(token) => token.scopes.iter().any(|held| held.verb() == Verb::Admin),
    };
    match is_admin {
        true => Ok(()),
        false => Err(Refusal::new(
            ErrorCode::InsufficientPermissions,
            "this token lacks the scope admin on any namespace",
        )),
    }
}

/// Whether a caller is admin of every item that is meant.
fn is_admin_of(caller: &Caller<'_>, pattern: &Pattern) -> bool {
    let covers = |held: &Pattern| match pattern.namespace() {
        Some(namespace) => held.covers_all(namespace),
        None => *held == Pattern::Everywhere,
    };
    match caller {
        Caller::Admin => true,
        Caller::Holder { .. } => false,
        Caller::Minted(token) => {
            let mut scopes = token.scopes.iter();
            scopes.any(|held| held.verb() == Verb::Admin && covers(held.pattern()))
        }
    }
}

fn lacks(deed: Deed<'_>) -> Refusal {
    let verb = deed.verb().as_str();
    let message = match deed {
        Deed::Read(namespace) | Deed::PublishIn(namespace) => {
            format!("this token lacks the scope {verb} on {namespace}")
        }
        Deed::Publish(item) | Deed::Yank(item) | Deed::Tag(item) => format!(
            "this token lacks the scope {verb} on {}, for {item}",
            item.namespace
        ),
    };
    Refusal::new(ErrorCode::InsufficientPermissions, message)
}

fn forbidden(namespace: &Namespace) -> Refusal {
    Refusal::new(
        ErrorCode::ForbiddenNamespace,
        format!("{namespace} is not a namespace of this registry"),
    )
}

/// The namespace of a publish is none of ours, or not even a namespace.
pub(crate) fn not_allowed(namespace: &str) -> Refusal {
    let shown = Shown(namespace);
    Refusal::new(
        ErrorCode::NamespaceNotAllowed,
        format!("{shown} is not declared in this registry's access file"),
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
mod tests;
