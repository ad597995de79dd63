//! The first step of a build: a look at the source tree, and what of it looks other than it did.

use std::collections::HashMap;

use rayon::prelude::*;

use super::lists::Lists;
use super::{Context, Registry, Scope};
use crate::commit::Session;
use crate::commit::record::KnownItem;
use crate::error::{Error, Result};
use crate::model::{Audience, ItemId};
use crate::source::below::Below;
use crate::source::walk::{Seen, Survey};

/// What the record knows of items, by their addresses.
type Known = HashMap<String, KnownItem>;

/// Items that were looked at, told apart by whether they look as they did.
pub(super) struct Look {
    /// To be looked into.
    pub(super) changed: Vec<(ItemId, Audience, Case)>,
    /// Versions of the others.
    pub(super) unchanged: usize,
}

/// Why an item is looked into.
pub(super) enum Case {
    /// It looks other than it did.
    Seen(Seen),
    /// It cannot be looked at, and not all of it is where it is to be.
    Blind,
    /// It is not there any longer, or not declared.
    Gone,
}

impl Registry {
    /// What the record knows of all that is to be looked at, by address.
    pub(super) fn known(session: &Session<'_>, scope: &Scope) -> Result<Known> {
        let record = session.record();
        match scope {
            Scope::Everything => record.items(),
            Scope::Parts(parts) => {
                let mut known = HashMap::new();
                for part in parts {
                    known.extend(record.items_below(part)?);
                }
                Ok(known)
            }
        }
    }

    /// `known` is what there is to compare with.
    pub(super) fn survey(&self, lists: &Lists, scope: &Scope, known: &Known) -> Survey {
        let places: Vec<Below> = match scope {
            Scope::Everything => lists.declared().cloned().map(Below::Namespace).collect(),
            Scope::Parts(parts) => {
                let is_declared =
                    |place: &&Below| lists.declared().any(|it| it == place.namespace());
                Below::outermost(parts.iter().filter(is_declared).cloned())
            }
        };
        let is_known = |item: &ItemId| known.contains_key(&item.to_string());
        let surveys = places
            .into_par_iter()
            .map(|place| self.source.survey(&place, &is_known));
        surveys.reduce(Survey::default, Survey::and)
    }

    /// Tells what looks other than it did, and what is not there any longer.
    pub(super) fn compare(
        &self,
        context: &Context<'_>,
        session: &Session<'_>,
        mut known: Known,
        survey: Survey,
    ) -> Result<Look> {
        let record = session.record();
        let mut look = Look {
            changed: Vec::new(),
            unchanged: 0,
        };
        for (id, seen) in survey.items {
            let Some(audience) = context.rules.access.audience(&id.namespace) else {
                continue;
            };
            let before = known.remove(&id.to_string());
            match (before, &seen) {
                (Some(before), Seen::Walked(_, sight))
                    if before.sight == Some(context.circumstances(sight.signature, audience))
                        && !context.full =>
                {
                    look.unchanged += before.releases;
                }
                _ => look.changed.push((id, audience, Case::Seen(seen))),
            }
        }
        for (address, before) in known {
            let id: ItemId = address
                .parse()
                .map_err(|fault| Error::refused(&self.folders.state, fault))?;
            let audience = context.rules.access.audience(&id.namespace);
            match audience {
                Some(audience) if survey.blind.iter().any(|place| place.covers(&id)) => {
                    if record.is_held_elsewhere(&id, audience)? || before.sight.is_none() {
                        look.changed.push((id, audience, Case::Blind));
                    } else {
                        look.unchanged += before.releases;
                    }
                }
                _ => {
                    let audience = audience.unwrap_or(Audience::Private);
                    look.changed.push((id, audience, Case::Gone));
                }
            }
        }
        look.changed.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        Ok(look)
    }
}
