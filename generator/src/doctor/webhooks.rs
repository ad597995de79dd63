//! Webhooks: their file, endpoints that want to hear no more, and deliveries that were given up.

use std::path::Path;

use super::Finding;
use crate::error::Result;
use crate::webhook::shelves::Shelf;
use crate::webhook::{Shelves, Spool, WebhookSource};

const CHECK: &str = "webhooks";

pub(super) fn check(source: &WebhookSource, state: &Path) -> Vec<Finding> {
    examine(source, state).unwrap_or_else(|error| vec![Finding::fault(CHECK, error.to_string())])
}

fn examine(source: &WebhookSource, state: &Path) -> Result<Vec<Finding>> {
    let webhooks = source.load()?.unwrap_or_default();
    let shelves = Shelves::of(state);
    let doubt = Spool::of(state).map_or(Ok(None), |spool| spool.doubt())?;
    let mut findings: Vec<_> = [source.missed(state)?, doubt]
        .into_iter()
        .flatten()
        .map(|says| Finding::warning(CHECK, says))
        .collect();
    let standings = shelves.standings()?;
    findings.extend(
        standings
            .complaints()
            .map(|says| Finding::warning(CHECK, says)),
    );
    let dead = shelves.list(Shelf::Dead)?.len();
    if dead > 0 {
        let says = format!(
            "{dead} deliveries were given up; `rackgen webhooks deliveries` says why, `redeliver --dead` makes them again"
        );
        findings.push(Finding::warning(CHECK, says));
    }
    let (enabled, pending) = (
        webhooks.enabled().count(),
        shelves.list(Shelf::Pending)?.len(),
    );
    let says = format!("endpoints that are told: {enabled}, deliveries that wait: {pending}");
    findings.push(Finding::ok(CHECK, says));
    Ok(findings)
}
