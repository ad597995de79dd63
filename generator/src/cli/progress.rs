//! A progress bar for work that takes over a second; on a terminal only.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Counts what is done; shows itself only when the wait is worth a bar.
pub(super) struct Progress {
    start: Instant,
    counter: ProgressBar,
    shown: OnceLock<()>,
    template: &'static str,
}

impl Progress {
    /// A bar over versions.
    pub(super) fn of_versions() -> Self {
        Self::new("{bar:40.cyan} {pos}/{len} versions, {eta} left")
    }

    /// A bar over items.
    pub(super) fn of_items() -> Self {
        Self::new("{bar:40.cyan} {pos}/{len} items looked at, {eta} left")
    }

    /// A bar over parts of the trees.
    pub(super) fn of_parts() -> Self {
        Self::new("{bar:40.cyan} {pos}/{len} parts, {eta} left")
    }

    /// A bar over bytes.
    pub(super) fn of_bytes() -> Self {
        Self::new("{bar:40.cyan} {binary_bytes}/{binary_total_bytes}, {binary_bytes_per_sec}")
    }

    fn new(template: &'static str) -> Self {
        Self {
            start: Instant::now(),
            counter: ProgressBar::hidden(),
            shown: OnceLock::new(),
            template,
        }
    }

    /// So much more is done, of so much in all.
    pub(super) fn advance(&self, more: u64, all: u64) {
        self.counter.inc(more);
        if self.start.elapsed() > Duration::from_secs(1) {
            self.shown.get_or_init(|| {
                if let Ok(style) = ProgressStyle::with_template(self.template) {
                    self.counter.set_style(style);
                }
                self.counter.set_length(all);
                // Draws nothing where standard error is no terminal.
                self.counter
                    .set_draw_target(indicatif::ProgressDrawTarget::stderr());
            });
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.counter.finish_and_clear();
    }
}
