//! What there is to take: namespaces, items, versions, presets.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::origin::{Offer, Origin};
use super::{Progress, part};
use crate::error::{Error, Result};
use crate::model::{ItemId, Namespace, PresetName};
use crate::report::Problem;

/// Which parts of a registry are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// These namespaces; empty: all.
    pub namespaces: BTreeSet<Namespace>,
    /// These presets; empty: all, if all namespaces are wanted, else none.
    pub presets: BTreeSet<PresetName>,
}

/// What there is, of what is wanted.
#[derive(Debug, Default)]
pub struct Survey {
    /// Items with their versions.
    pub offers: Vec<Offer>,
    /// Presets.
    pub presets: BTreeSet<PresetName>,
    /// What could not be found out.
    pub problems: Vec<Problem>,
}

/// Looks what a registry has, and takes nothing.
///
/// # Errors
/// A registry that has nothing, or cannot be asked.
pub fn survey(origin: &dyn Origin, wanted: &Wanted, progress: Progress<'_>) -> Result<Survey> {
    let mut survey = Survey::default();
    let problems = &mut survey.problems;
    let namespaces = match wanted.namespaces.is_empty() {
        true => origin.namespaces(problems)?,
        false => wanted.namespaces.clone(),
    };
    let mut items: Vec<ItemId> = Vec::new();
    for namespace in &namespaces {
        let found = origin.items(namespace, problems);
        items.extend(part(found, problems)?.unwrap_or_default());
    }
    survey.presets = presets(origin, wanted, problems)?;
    if namespaces.is_empty() && survey.presets.is_empty() && problems.is_empty() {
        let why = "there is no namespace and no preset here; is it a registry?";
        return Err(Error::refused(origin.name(), why));
    }
    let (done, all) = (AtomicU64::new(0), items.len() as u64);
    let offers = items.into_par_iter().map(|item| {
        let mut problems = Vec::new();
        let offer = origin.offer(item, &mut problems);
        let offer = part(offer, &mut problems)?;
        progress(done.fetch_add(1, Ordering::Relaxed) + 1, all);
        Ok((offer, problems))
    });
    for (offer, problems) in offers.collect::<Result<Vec<_>>>()? {
        survey.offers.extend(offer);
        survey.problems.extend(problems);
    }
    Ok(survey)
}

fn presets(
    origin: &dyn Origin,
    wanted: &Wanted,
    problems: &mut Vec<Problem>,
) -> Result<BTreeSet<PresetName>> {
    if !wanted.presets.is_empty() || !wanted.namespaces.is_empty() {
        return Ok(wanted.presets.clone());
    }
    let found = origin.presets(problems);
    Ok(match part(found, problems)? {
        Some(Some(presets)) => presets,
        Some(None) => {
            let why =
                "a registry does not list its presets; name those that you want with `--preset`";
            problems.push(Problem::warning(origin.name(), why));
            BTreeSet::new()
        }
        None => BTreeSet::new(),
    })
}
