//! Figures that nobody counts: what there is at the moment when somebody asks.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use prometheus::{
    IntGauge, IntGaugeVec, Registry, opts, register_int_gauge_vec_with_registry,
    register_int_gauge_with_registry,
};
use rackgen::folders::Folders;

use crate::app::Check;

/// What there is to see.
pub(crate) struct Sight<'a> {
    pub(crate) faults: &'a BTreeMap<Check, String>,
    pub(crate) folders: &'a Folders,
    /// Uploads that are on their way.
    pub(crate) uploads: usize,
    /// Since when something is stored that nobody can read yet.
    pub(crate) behind: Option<Timestamp>,
    /// Tokens that end within [`rackgen::token::SOON`].
    pub(crate) expiring: usize,
}

pub(super) struct Looked {
    degraded: IntGaugeVec,
    free_bytes: IntGaugeVec,
    free_inodes: IntGaugeVec,
    uploads: IntGauge,
    behind: IntGauge,
    expiring: IntGauge,
    pending: IntGauge,
    oldest_pending: IntGauge,
    dead: IntGauge,
    /// When the delivery came that has waited longest.
    oldest: Mutex<Option<Timestamp>>,
}

impl Looked {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let gauge =
            |name: &str, help: &str| register_int_gauge_with_registry!(opts!(name, help), registry);
        let gauges = |name: &str, help: &str, label: &str| {
            register_int_gauge_vec_with_registry!(opts!(name, help), &[label], registry)
        };
        Ok(Self {
            degraded: gauges(
                "rack_degraded",
                "1 for what does not work as it should, as /health names it",
                "check",
            )?,
            free_bytes: gauges(
                "rack_disk_free_bytes",
                "Bytes that the daemon may still write to a folder's file system",
                "folder",
            )?,
            free_inodes: gauges(
                "rack_disk_free_inodes",
                "Files that can still be made in it; none of file systems that do not count them",
                "folder",
            )?,
            uploads: gauge(
                "rack_uploads_in_flight",
                "Uploads that are received, verified or published",
            )?,
            behind: gauge(
                "rack_unseen_change_age_seconds",
                "For how long a change has been stored that cannot be read yet; 0 if there is none",
            )?,
            expiring: gauge(
                "rack_tokens_expiring",
                "Tokens that are good now and end within 14 days",
            )?,
            pending: gauge(
                "rack_webhook_pending",
                "Webhook deliveries that wait or are on their way",
            )?,
            oldest_pending: gauge(
                "rack_webhook_oldest_pending_seconds",
                "For how long the oldest of those has waited; 0 if there is none",
            )?,
            dead: gauge(
                "rack_webhook_dead",
                "Webhook deliveries that were given up and not asked for again",
            )?,
            oldest: Mutex::default(),
        })
    }

    pub(super) fn pending(&self, count: usize, oldest: Option<Timestamp>) {
        self.pending.set(count as i64);
        *self.oldest.lock().unwrap_or_else(PoisonError::into_inner) = oldest;
    }

    pub(super) fn one_more_dead(&self) {
        self.dead.inc();
    }

    pub(super) fn dead(&self, count: usize) {
        self.dead.set(count as i64);
    }

    pub(super) fn look(&self, sight: &Sight<'_>) {
        // Also while all is well: an alert on what is not there never comes.
        for check in Check::ALL {
            let is_at_fault = i64::from(sight.faults.contains_key(&check));
            self.degraded
                .with_label_values(&[check.as_str()])
                .set(is_at_fault);
        }
        for (name, folder) in sight.folders.named() {
            // One that cannot be asked is at fault in `/health`.
            let Ok(there) = rustix::fs::statvfs(folder) else {
                continue;
            };
            let bytes = there.f_bavail.saturating_mul(there.f_frsize);
            self.free_bytes.with_label_values(&[name]).set(whole(bytes));
            if there.f_files > 0 {
                let free = self.free_inodes.with_label_values(&[name]);
                free.set(whole(there.f_favail));
            }
        }
        self.uploads.set(sight.uploads as i64);
        self.expiring.set(sight.expiring as i64);
        self.behind.set(age(sight.behind));
        let oldest = self.oldest.lock().unwrap_or_else(PoisonError::into_inner);
        self.oldest_pending.set(age(*oldest));
    }
}

/// Seconds since then.
fn age(since: Option<Timestamp>) -> i64 {
    let age = |since| Timestamp::now().duration_since(since).as_secs().max(0);
    since.map_or(0, age)
}

fn whole(count: u64) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}
