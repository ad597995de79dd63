//! The access file and the admin token: who may do what, told without a single secret.

use std::env;
use std::fs;
use std::path::Path;

use jiff::Timestamp;

use super::Finding;
use crate::access::{Access, Token};
use crate::admin_token;
use crate::config::AccessSource;
use crate::model::Namespace;
use crate::token::SOON;
use crate::users::mode;

const CHECK: &str = "access";

pub(super) fn check(source: &AccessSource, state: &Path, now: Timestamp) -> Vec<Finding> {
    let mut findings = match source.load() {
        Err(error) => vec![Finding::fault(CHECK, error.to_string())],
        Ok(access) => decisions(source, &access, now),
    };
    findings.push(admin(state));
    findings
}

fn decisions(source: &AccessSource, access: &Access, now: Timestamp) -> Vec<Finding> {
    let AccessSource::File(path) = source else {
        return vec![Finding::ok(
            CHECK,
            "there is no access file on purpose (`open`): everything is open to read",
        )];
    };
    let at = path.display();
    let mut findings: Vec<_> = access
        .faults()
        .iter()
        .map(|fault| {
            Finding::fault(
                CHECK,
                format!("{at}: {fault}; until that is right the namespace is forbidden"),
            )
        })
        .collect();
    let gated = access.gated().count();
    if gated > 0
        && let Ok(metadata) = fs::metadata(path)
        && mode(&metadata) & 0o004 != 0
    {
        let says = format!("{at}: everybody on this host may read the tokens in it; chmod o= {at}");
        findings.push(Finding::warning(CHECK, says));
    }
    let declared = match access {
        Access::Open => 0,
        Access::Declared { grants, .. } => grants.len(),
    };
    findings.push(Finding::ok(
        CHECK,
        format!(
            "{at}: namespaces: {} open, {gated} with tokens",
            declared - gated
        ),
    ));
    for (namespace, tokens) in access.gated() {
        findings.extend(
            tokens
                .iter()
                .filter_map(|token| ending(&at.to_string(), namespace, token, now)),
        );
    }
    findings
}

fn ending(at: &str, namespace: &Namespace, token: &Token, now: Timestamp) -> Option<Finding> {
    let end = token.expires?;
    let soon = now.saturating_add(SOON).ok()?;
    let name = &token.name;
    match end {
        end if end <= now => Some(Finding::warning(
            CHECK,
            format!(
                "{at}: the token `{name}` of {namespace} expired at {end:.0}; take it out or renew it"
            ),
        )),
        end if end <= soon => Some(Finding::warning(
            CHECK,
            format!("{at}: the token `{name}` of {namespace} expires at {end:.0}; renew it"),
        )),
        _ => None,
    }
}

/// Where rackd would take the admin token from, if it had this environment.
fn admin(state: &Path) -> Finding {
    for name in ["RACK_ADMIN_TOKEN", "ADMIN_TOKEN"] {
        match env::var(name) {
            Ok(token) if token.trim().is_empty() => {
                return Finding::fault(
                    CHECK,
                    format!(
                        "{name} is set and empty, and rackd refuses to start; unset it or give it a value"
                    ),
                );
            }
            Ok(_) => return Finding::ok(CHECK, format!("the admin token is that of {name}")),
            Err(_) => {}
        }
    }
    let at = admin_token::file(state);
    match admin_token::kept(state) {
        Err(error) => Finding::fault(CHECK, error.to_string()),
        Ok(None) => Finding::ok(
            CHECK,
            "no admin token here; as a service rackd has one from systemd, or nobody is admin",
        ),
        Ok(Some(_)) => match fs::metadata(&at) {
            Ok(metadata) if mode(&metadata) & 0o077 != 0 => Finding::warning(
                CHECK,
                format!(
                    "{}: others may read the hash of the admin token; chmod 600 {0}",
                    at.display()
                ),
            ),
            _ => Finding::ok(
                CHECK,
                format!(
                    "the admin token is the one whose hash is in {}",
                    at.display()
                ),
            ),
        },
    }
}
