//! The first step of a build: a look at the source tree, and what of it looks other than it did.

use std::collections::HashMap;

use rayon::prelude::*;

use super::item::Seen;
use super::lists::Lists;
use super::{Context, Registry, Scope};
use crate::commit::Session;
use crate::error::{Error, Result};
use crate::model::{Audience, ItemId};
use crate::source::walk::{Below, Survey};

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
    pub(super) fn survey(&self, lists: &Lists, scope: &Scope) -> Survey {
        let places: Vec<Below> = match scope {
            Scope::Everything => lists.declared().cloned().map(Below::Namespace).collect(),
            Scope::Parts(parts) => {
                let is_declared =
                    |place: &&Below| lists.declared().any(|it| it == place.namespace());
                parts.iter().filter(is_declared).cloned().collect()
            }
        };
        let surveys = places
            .into_par_iter()
            .map(|place| self.source.survey(&place));
        surveys.reduce(Survey::default, Survey::and)
    }

    /// Tells what looks other than it did, and what is not there any longer.
    pub(super) fn compare(
        &self,
        context: &Context<'_>,
        session: &Session<'_>,
        scope: &Scope,
        survey: Survey,
    ) -> Result<Look> {
        let record = session.record();
        let mut known = match scope {
            Scope::Everything => record.items()?,
            Scope::Parts(parts) => {
                let mut known = HashMap::new();
                for part in parts {
                    known.extend(record.items_below(part)?);
                }
                known
            }
        };
        let mut look = Look {
            changed: Vec::new(),
            unchanged: 0,
        };
        for seen in survey.items {
            let Some(audience) = context.rules.access.audience(&seen.id.namespace) else {
                continue;
            };
            let before = known.remove(&seen.id.to_string());
            let now = context.circumstances(seen.sight.signature, audience);
            match before {
                Some(before) if before.sight == Some(now) && !context.full => {
                    look.unchanged += before.releases;
                }
                _ => {
                    let walked = Seen::Walked(seen.releases, seen.sight);
                    look.changed.push((seen.id, audience, Case::Seen(walked)));
                }
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
