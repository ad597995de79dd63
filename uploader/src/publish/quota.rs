//! How much a namespace may hold, asked of what it holds already and of what the group brings.

use std::collections::BTreeMap;

use bytesize::ByteSize;
use rackgen::commit::record::Usage;
use rackgen::error::Error;
use rackgen::error_code::ErrorCode;
use rackgen::model::Namespace;

use crate::answer::Refusal;
use crate::app::App;
use crate::intake::verify::Verified;

/// What the namespaces of a group hold, with what of the group is to come.
#[derive(Default)]
pub(super) struct Quotas(BTreeMap<Namespace, Usage>);

impl Quotas {
    /// What the namespace of a package holds with it; none, and nothing is looked up, where there are no quotas.
    ///
    /// # Errors
    /// More than it may: `STORAGE_FULL`. Not the package is too large, there is no room left, and what helps is what
    /// helps where a disk is full.
    pub(super) fn with(
        &self,
        app: &App,
        package: &Verified,
        is_new: impl FnOnce() -> Result<bool, Error>,
    ) -> Result<Option<Usage>, Refusal> {
        let limits = &app.limits.contents;
        if limits.max_items.is_none() && limits.max_bytes.is_none() {
            return Ok(None);
        }
        let is_new = is_new()?;
        let namespace = &package.id.item.namespace;
        let before = match self.0.get(namespace) {
            Some(usage) => *usage,
            None => app.registry.usage(namespace)?,
        };
        let after = Usage {
            items: before.items + u64::from(is_new),
            bytes: before.bytes + package.files.values().map(|file| file.len).sum::<u64>(),
        };
        let full = |reason, message| {
            Err(Refusal::new(ErrorCode::StorageFull, message).detail("reason", reason))
        };
        match (limits.max_items, limits.max_bytes) {
            (Some(most), _) if is_new && after.items > most => full(
                "max_items",
                format!(
                    "{namespace} has {} items, and may have {most}; ask the registry's admin",
                    before.items
                ),
            ),
            (_, Some(most)) if after.bytes > most.as_u64() => full(
                "max_bytes",
                format!(
                    "{namespace} would have {}, and may have {most}; ask the registry's admin",
                    ByteSize(after.bytes)
                ),
            ),
            _ => Ok(Some(after)),
        }
    }

    /// Counts what is to come.
    pub(super) fn set(&mut self, namespace: &Namespace, usage: Usage) {
        self.0.insert(namespace.clone(), usage);
    }
}
