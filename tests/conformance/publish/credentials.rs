//! Who may publish where; and refusals that come before the body does, which reach the client all the same.

use rack_tests::http::Request;
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;

use super::{ask_as, right, upload};
use crate::expect::Expect;
use crate::seed::{OTHER_PUBLISH, TEAM_EXPIRED, TEAM_PUBLISH, TEAM_READ};
use crate::suite::Suite;

/// More than any buffer on the way holds.
const LARGE: usize = 5 << 20;

/// Runs the cases.
pub(super) fn run(suite: &mut Suite) {
    let admin = suite.target().admin.clone();
    let created = Expect::status(201);
    let unauthorized = Expect::error(401, "UNAUTHORIZED");
    let invalid = Expect::error(401, "INVALID_TOKEN");
    let expired = Expect::error(401, "TOKEN_EXPIRED");
    let scope = Expect::error(403, "INSUFFICIENT_PERMISSIONS").message_has(&["publish", "@team"]);
    let anonymous = Expect::error(403, "ANONYMOUS_UPLOAD_FORBIDDEN");
    let undeclared = Expect::error(403, "NAMESPACE_NOT_ALLOWED");
    for (name, namespace, token, expect) in [
        (
            "the admin into a gated namespace",
            "@team",
            &admin[..],
            &created,
        ),
        (
            "the admin into an open namespace",
            "@drop",
            &admin,
            &created,
        ),
        (
            "the admin into an undeclared namespace",
            "@hidden",
            &admin,
            &undeclared,
        ),
        ("a token that publishes", "@team", TEAM_PUBLISH, &created),
        ("a token that only reads", "@team", TEAM_READ, &scope),
        (
            "a token of another namespace",
            "@team",
            OTHER_PUBLISH,
            &invalid,
        ),
        (
            "a token into another namespace",
            "@other",
            TEAM_PUBLISH,
            &invalid,
        ),
        ("an expired token", "@team", TEAM_EXPIRED, &expired),
        ("an unknown token", "@team", "unknown-token", &invalid),
        (
            "an unknown token into an open namespace",
            "@drop",
            "unknown-token",
            &invalid,
        ),
        (
            "a token into an open namespace",
            "@drop",
            TEAM_PUBLISH,
            &anonymous,
        ),
        (
            "a token that only reads into an open namespace",
            "@drop",
            TEAM_READ,
            &scope,
        ),
        (
            "a token into an undeclared namespace",
            "@nowhere",
            TEAM_PUBLISH,
            &undeclared,
        ),
    ] {
        let release = suite.fresh(namespace);
        let upload = upload(suite, &release);
        ask_as(suite, name, &upload, token, expect);
    }
    for (name, header, value, expect) in [
        (
            "bearer in lower case",
            "Authorization",
            format!("bearer {admin}"),
            &created,
        ),
        (
            "BEARER in upper case",
            "Authorization",
            format!("BEARER {admin}"),
            &created,
        ),
        (
            "X-Registry-Token",
            "X-Registry-Token",
            admin.clone(),
            &created,
        ),
        (
            "an unknown X-Registry-Token",
            "X-Registry-Token",
            "unknown".to_owned(),
            &invalid,
        ),
    ] {
        let request = right(suite).request().header(header, &value);
        suite.ask(&format!("publish: {name}"), &request, expect);
    }
    let both = right(suite)
        .request()
        .bearer("unknown")
        .header("X-Registry-Token", &admin);
    suite.ask("publish: Authorization comes first", &both, &invalid);
    let basic = right(suite)
        .request()
        .header("Authorization", "Basic dGVhbTp0b2tlbg==")
        .header("X-Registry-Token", &admin);
    suite.ask("publish: another scheme comes after", &basic, &created);
    let none = right(suite).request();
    suite.ask("publish: no credentials", &none, &unauthorized);
    let nothing = Request::new("POST", "/registries");
    suite.ask(
        "publish: no credentials and no body",
        &nothing,
        &unauthorized,
    );

    let archive = Archive::of(suite.random.bytes(LARGE));
    let large = Upload::new(archive);
    let (unknown, zip) = (
        large.request().bearer("unknown"),
        large.clone().part_type("application/zip"),
    );
    for (name, request, expect) in [
        ("no credentials", large.request(), unauthorized),
        ("an unknown token", unknown, invalid),
        (
            "an expired token",
            large.request().bearer(TEAM_EXPIRED),
            expired,
        ),
        (
            "a wrong type",
            zip.request().bearer(&admin),
            Expect::error(400, "INVALID_FILE_TYPE"),
        ),
        (
            "no archive",
            large.request().bearer(&admin),
            Expect::error(400, "INVALID_ARCHIVE"),
        ),
    ] {
        suite.ask(&format!("publish: 5 MiB and {name}"), &request, &expect);
    }
}
