//! Every kind of caller, every deed, every kind of place.

use actix_web::http::header::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use rackgen::access::SecretHash;
use rackgen::token::{Minted, Names, Tokens};

use super::super::Credential;
use super::super::credentials::Known;
use super::super::minted::MintedTokens;
use super::*;

const FILE: &str = r#"{
    "@open": [],
    "@team": [{"token": "read"}, {"token": "write", "publish": true},
              {"token": "old", "publish": true, "expiresAt": "2020-01-01"}, {"token": "both"}],
    "@other": [{"token": "elsewhere", "publish": true}, {"token": "both", "publish": true, "expiresAt": "2020-01-01"}]
}"#;

fn minted(scopes: &[&str]) -> Caller<'static> {
    Caller::Minted(Minted {
        id: "0123456789abcdef".parse().unwrap(),
        name: "ci".into(),
        scopes: scopes.iter().map(|scope| scope.parse().unwrap()).collect(),
        expires: Timestamp::MAX,
    })
}

fn no_tokens() -> MintedTokens {
    let names = Names {
        issuer: "i".into(),
        audience: "a".into(),
    };
    MintedTokens::start("/nowhere".into(), names, Tokens::default())
}

fn identify<'a>(
    access: &'a Access,
    minted: &'a MintedTokens,
    token: &str,
) -> Result<Option<Caller<'a>>, Refusal> {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_str(&format!("bEARER {token}")).unwrap();
    headers.insert("authorization".parse().unwrap(), value);
    let known = Known {
        access,
        admin: Some(SecretHash::of("admin")),
        minted,
        now: Timestamp::now(),
    };
    Credential::from_headers(&headers)?
        .map(|sent| sent.identify(known))
        .transpose()
}

/// What has no scopes of its own: by namespace alone.
#[test]
fn the_table_of_the_access_file() {
    let access = Access::parse(FILE.as_bytes()).unwrap();
    let no_tokens = no_tokens();
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
        ("read", "@other", Err(InvalidToken), Err(InvalidToken)),
        (
            "read",
            "@none",
            Err(ForbiddenNamespace),
            Err(NamespaceNotAllowed),
        ),
        ("write", "@open", Ok(()), Err(AnonymousUploadForbidden)),
        ("write", "@team", Ok(()), Ok(())),
        ("old", "@team", Err(TokenExpired), Err(TokenExpired)),
        ("old", "@other", Err(InvalidToken), Err(TokenExpired)),
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
        // Of the shape of a minted token, and none.
        ("a.b.c", "@open", Ok(()), Err(InvalidToken)),
        ("a.b.c", "@team", Err(InvalidToken), Err(InvalidToken)),
    ];
    for (token, namespace, may_read, may_publish) in table {
        let item: ItemId = format!("{namespace}/features/a").parse().unwrap();
        let namespace = &item.namespace;
        let caller = || identify(&access, &no_tokens, token);
        let found = read(&access, namespace, caller).map(|_| ());
        let found = found.map_err(|refusal| refusal.code);
        assert_eq!(found, may_read, "{token} reads {namespace}");
        for deed in [
            Deed::Publish(&item),
            Deed::PublishIn(namespace),
            Deed::Yank(&item),
            Deed::Tag(&item),
        ] {
            let found = caller()
                .and_then(|caller| decide(&access, caller.as_ref(), deed))
                .map(|_| ())
                .map_err(|refusal| refusal.code);
            let expected = may_publish.map_err(|code| match (deed.verb(), code) {
                (Verb::Publish, code) => code,
                // These two are words for uploads.
                (_, AnonymousUploadForbidden) => InsufficientPermissions,
                (_, NamespaceNotAllowed) => ForbiddenNamespace,
                (_, code) => code,
            });
            assert_eq!(found, expected, "{token}: {deed:?}");
        }
    }
}

/// Where the table of scopes looks.
const ITEMS: [&str; 6] = [
    "@open/features/auth",
    "@team/features/auth",
    "@team/features/auth/jwt",
    "@team/quality/lint",
    "@other/features/auth",
    "@none/features/auth",
];

/// What each scope allows there: to read, publish, yank, tag. Anyone reads what is open, nobody does anything to what
/// is not declared.
const SCOPES: [(&str, [&str; 6]); 19] = [
    ("read:*", ["r", "r", "r", "r", "r", ""]),
    ("read:@team", ["r", "r", "r", "r", "", ""]),
    ("read:@open", ["r", "", "", "", "", ""]),
    ("publish:*", ["rp", "rp", "rp", "rp", "rp", ""]),
    ("publish:@team", ["r", "rp", "rp", "rp", "", ""]),
    ("publish:@open", ["rp", "", "", "", "", ""]),
    ("publish:@team/features/*", ["r", "rp", "rp", "r", "", ""]),
    ("publish:@team/features/auth", ["r", "rp", "r", "r", "", ""]),
    ("publish:@none", ["r", "", "", "", "", ""]),
    ("yank:*", ["ry", "y", "y", "y", "y", ""]),
    ("yank:@team", ["r", "y", "y", "y", "", ""]),
    ("yank:@team/features/*", ["r", "y", "y", "", "", ""]),
    ("yank:@team/features/auth", ["r", "y", "", "", "", ""]),
    ("tag:*", ["rt", "t", "t", "t", "t", ""]),
    ("tag:@team", ["r", "t", "t", "t", "", ""]),
    ("tag:@team/features/*", ["r", "t", "t", "", "", ""]),
    ("tag:@team/features/auth", ["r", "t", "", "", "", ""]),
    ("admin:*", ["rpyt", "rpyt", "rpyt", "rpyt", "rpyt", ""]),
    ("admin:@team", ["r", "rpyt", "rpyt", "rpyt", "", ""]),
];

#[test]
fn the_table_of_scopes() {
    let access = Access::parse(FILE.as_bytes()).unwrap();
    for (first, allowed_by_first) in SCOPES {
        // Alone, and with each other: what two allow is what either does.
        for (second, allowed_by_second) in SCOPES {
            let caller = minted(&[first, second]);
            for (at, item) in ITEMS.iter().enumerate() {
                let item: ItemId = item.parse().unwrap();
                for (letter, deed) in [
                    ('r', Deed::Read(&item.namespace)),
                    ('p', Deed::Publish(&item)),
                    ('y', Deed::Yank(&item)),
                    ('t', Deed::Tag(&item)),
                ] {
                    let found = decide(&access, Some(&caller), deed).map(|_| ());
                    let allowed = allowed_by_first[at].contains(letter)
                        || allowed_by_second[at].contains(letter);
                    let is_declared = access.grant(&item.namespace).is_some();
                    let expected = match (allowed, is_declared, letter) {
                        (true, ..) => Ok(()),
                        (false, false, 'p') => Err(ErrorCode::NamespaceNotAllowed),
                        (false, false, _) => Err(ErrorCode::ForbiddenNamespace),
                        (false, true, _) => Err(ErrorCode::InsufficientPermissions),
                    };
                    let found = found.map_err(|refusal| refusal.code);
                    assert_eq!(found, expected, "{first} {second}: {deed:?}");
                }
            }
        }
    }
}

#[test]
fn what_says_not_yet_where_it_belongs_is_let_on_by_its_namespace() {
    let access = Access::parse(FILE.as_bytes()).unwrap();
    let team: Namespace = "@team".parse().unwrap();
    for (scope, allowed) in [
        ("publish:*", true),
        ("publish:@team", true),
        ("publish:@team/features/*", true),
        ("publish:@team/features/auth", true),
        ("admin:@team", true),
        ("publish:@other", false),
        ("yank:@team", false),
        ("read:@team", false),
    ] {
        let found = decide(&access, Some(&minted(&[scope])), Deed::PublishIn(&team));
        assert_eq!(found.is_ok(), allowed, "{scope}");
    }
}

#[test]
fn who_can_publish_nowhere_is_told_before_it_sends_anything() {
    let access = Access::parse(FILE.as_bytes()).unwrap();
    let no_tokens = no_tokens();
    let code = |caller: &Caller<'_>| publish_at_all(caller).map_err(|refusal| refusal.code);
    for (token, expected) in [
        ("admin", Ok(())),
        ("write", Ok(())),
        ("elsewhere", Ok(())),
        ("read", Err(ErrorCode::InsufficientPermissions)),
        // It may publish where it has expired.
        ("both", Err(ErrorCode::InsufficientPermissions)),
        ("old", Err(ErrorCode::TokenExpired)),
    ] {
        let caller = identify(&access, &no_tokens, token).unwrap().unwrap();
        assert_eq!(code(&caller), expected, "{token}");
    }
    for (scopes, may) in [
        (&["publish:@team/features/auth"][..], true),
        (&["read:*", "publish:@open"], true),
        (&["admin:@team"], true),
        (&["read:*", "yank:*", "tag:*"], false),
    ] {
        assert_eq!(code(&minted(scopes)).is_ok(), may, "{scopes:?}");
    }
}

#[test]
fn a_refusal_names_the_scope_and_the_namespace() {
    let access = Access::parse(FILE.as_bytes()).unwrap();
    let item: ItemId = "@team/quality/lint".parse().unwrap();
    let caller = minted(&["publish:@team/features/*"]);
    let refusal = decide(&access, Some(&caller), Deed::Publish(&item)).unwrap_err();
    let said = format!("{refusal:?}");
    assert!(
        said.contains("the scope publish on @team, for @team/quality/lint"),
        "{said}"
    );
}

/// Who is admin of what, by the scope of a token: of such a scope a caller with the first may mint, see and revoke.
#[test]
fn who_is_admin_somewhere_hands_out_what_reaches_no_further() {
    const ORDERED: [&str; 8] = [
        "admin:@team",
        "read:@team",
        "publish:@team/features/*",
        "tag:@team/features/auth",
        "admin:@other",
        "yank:@teams/features/auth",
        "read:*",
        "admin:*",
    ];
    let access = Access::parse(FILE.as_bytes()).unwrap();
    let no_tokens = no_tokens();
    let code = |refusal: Refusal| refusal.code;
    let of_file = |token| identify(&access, &no_tokens, token).unwrap().unwrap();
    let lacks = Err(ErrorCode::InsufficientPermissions);
    for (caller, at_all, allowed) in [
        (of_file("admin"), Ok(()), &ORDERED[..]),
        (of_file("write"), lacks, &[]),
        (of_file("old"), Err(ErrorCode::TokenExpired), &[]),
        (minted(&["admin:*"]), Ok(()), &ORDERED),
        (minted(&["admin:@team"]), Ok(()), &ORDERED[..4]),
        (minted(&["read:*", "admin:@team"]), Ok(()), &ORDERED[..4]),
        (minted(&["admin:@other"]), Ok(()), &ORDERED[4..5]),
        (
            minted(&["admin:@team", "admin:@other"]),
            Ok(()),
            &ORDERED[..5],
        ),
        (minted(&["publish:*", "read:*"]), lacks, &[]),
    ] {
        assert_eq!(administer_at_all(&caller).map_err(code), at_all);
        for first in ORDERED {
            for second in ORDERED {
                let scopes = [first, second].map(|scope| scope.parse().unwrap());
                let found = administer(&caller, &scopes).map_err(code);
                let both = allowed.contains(&first) && allowed.contains(&second);
                let expected = match both {
                    true => Ok(()),
                    false => Err(at_all.err().unwrap_or(ErrorCode::InsufficientPermissions)),
                };
                assert_eq!(found, expected, "{caller:?}: {first} {second}");
            }
        }
    }
}

#[test]
fn no_token_outlives_the_one_that_minted_it() {
    let watchers = Watchers::default();
    let end: Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
    let order = |expires| Order {
        name: "ci".parse().unwrap(),
        scopes: vec!["read:@team".parse().unwrap()],
        expires,
    };
    let parent = Caller::Minted(Minted {
        id: "0123456789abcdef".parse().unwrap(),
        name: "ci".into(),
        scopes: vec!["admin:@team".parse().unwrap()],
        expires: end,
    });
    assert!(mint(&parent, &order(end), &watchers).is_ok());
    let longer = end + jiff::SignedDuration::from_secs(1);
    let refusal = mint(&parent, &order(longer), &watchers).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::InsufficientPermissions);
    assert!(mint(&Caller::Admin, &order(longer), &watchers).is_ok());
}
