//! The daemon's figures, in the Prometheus text format: docs/metrics.md says what each is for.
//!
//! Here they are counted as things happen; what is only looked at when somebody asks is in `looked`.

pub(crate) mod looked;

use std::time::Duration;

use clap::ValueEnum;
use jiff::Timestamp;
use prometheus::process_collector::ProcessCollector;
use prometheus::{
    Encoder, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, Registry, TextEncoder,
    histogram_opts, opts, register_histogram_vec_with_registry, register_histogram_with_registry,
    register_int_counter_vec_with_registry, register_int_counter_with_registry,
    register_int_gauge_vec_with_registry, register_int_gauge_with_registry,
};
use rackgen::error::{Error, Result};
use rackgen::error_code::ErrorCode;
use rackgen::report::Changes;

use crate::answer::Refusal;
use crate::webhook::Outcome;
use looked::{Looked, Sight};

/// All figures.
pub(crate) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    received: IntCounterVec,
    sent: IntCounterVec,
    uploads: IntCounterVec,
    /// Uploads that wait for the writer, or that it is about.
    queue: IntGauge,
    token_failures: IntCounterVec,
    rate_limited: IntCounterVec,
    reloads: IntCounterVec,
    build_seconds: Histogram,
    outputs: IntCounterVec,
    last_build: IntGauge,
    audit_lost: IntCounter,
    deliveries: IntCounterVec,
    looked: Looked,
}

/// An upload that is in the writer's queue for as long as this lives.
pub(crate) struct Queued<'a>(&'a IntGauge);

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A file that is read again while the daemon runs, as the figures call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reloaded {
    Access,
    Webhooks,
}

impl Metrics {
    pub(crate) fn new() -> Result<Self> {
        Self::register().map_err(|fault| Error::refused("metrics", fault))
    }

    fn register() -> prometheus::Result<Self> {
        let registry = Registry::new();
        registry.register(Box::new(ProcessCollector::for_self()))?;
        let counters = |name: &str, help: &str, labels: &[&str]| {
            register_int_counter_vec_with_registry!(opts!(name, help), labels, registry)
        };
        register_int_gauge_vec_with_registry!(
            opts!("rack_build_info", "1, for the daemon's version"),
            &["version"],
            registry
        )?
        .with_label_values(&[env!("CARGO_PKG_VERSION")])
        .set(1);
        let metrics = Self {
            requests: counters(
                "rack_http_requests_total",
                "Requests by route, method and status",
                &["route", "method", "status"],
            )?,
            request_seconds: register_histogram_vec_with_registry!(
                histogram_opts!(
                    "rack_http_request_duration_seconds",
                    "Time until the head of an answer was ready, by route"
                ),
                &["route"],
                registry
            )?,
            received: counters(
                "rack_http_request_bytes_total",
                "Bytes of bodies that arrived, by route",
                &["route"],
            )?,
            sent: counters(
                "rack_http_response_bytes_total",
                "Bytes of bodies that were answered, by route",
                &["route"],
            )?,
            uploads: counters(
                "rack_uploads_total",
                "Uploads by outcome (created, checked, refused, failed) and, of the last two, the error code",
                &["outcome", "reason"],
            )?,
            queue: register_int_gauge_with_registry!(
                opts!(
                    "rack_publish_queue_length",
                    "Uploads that were verified and wait for the writer, or that it is about"
                ),
                registry
            )?,
            token_failures: counters(
                "rack_token_failures_total",
                "Tokens that were refused, by reason",
                &["reason"],
            )?,
            rate_limited: counters(
                "rack_rate_limited_total",
                "Requests that were over their address's rate, by route",
                &["route"],
            )?,
            reloads: counters(
                "rack_reloads_total",
                "Readings of the access and the webhooks file by outcome: ok or failed",
                &["file", "outcome"],
            )?,
            build_seconds: register_histogram_with_registry!(
                histogram_opts!(
                    "rack_build_duration_seconds",
                    "Time to bring the trees to a change of the source tree"
                ),
                registry
            )?,
            outputs: counters(
                "rack_build_outputs_total",
                "URLs that builds and publishes changed: written or removed",
                &["change"],
            )?,
            last_build: register_int_gauge_with_registry!(
                opts!(
                    "rack_build_last_success_timestamp_seconds",
                    "When the trees were last brought to what source tree and access file say"
                ),
                registry
            )?,
            audit_lost: register_int_counter_with_registry!(
                opts!(
                    "rack_audit_lost_total",
                    "Lines that the audit log did not take: it could not be written, or too many waited for it"
                ),
                registry
            )?,
            deliveries: counters(
                "rack_webhook_attempts_total",
                "Attempts to deliver a webhook by outcome: delivered, failed (it is tried again), dead or gone",
                &["outcome"],
            )?,
            looked: Looked::register(&registry)?,
            registry,
        };
        metrics.begin_at_zero();
        Ok(metrics)
    }

    /// What an alert looks at for an increase, which there is none of where a line first appears with a 1.
    fn begin_at_zero(&self) {
        for file in ["access", "webhooks"] {
            self.reloads.with_label_values(&[file, "failed"]);
        }
        for code in ErrorCode::value_variants() {
            if code.status() >= 500 {
                self.uploads.with_label_values(&["failed", code.as_str()]);
            }
        }
    }

    pub(crate) fn request(&self, route: &str, method: &str, status: u16, took: Duration) {
        let status = status.to_string();
        self.requests
            .with_label_values(&[route, method, &status])
            .inc();
        self.request_seconds
            .with_label_values(&[route])
            .observe(took.as_secs_f64());
    }

    /// Bytes of both bodies.
    pub(crate) fn bytes(&self, route: &str, received: u64, sent: u64) {
        self.received.with_label_values(&[route]).inc_by(received);
        self.sent.with_label_values(&[route]).inc_by(sent);
    }

    /// What a refusal says of tokens and rates.
    pub(crate) fn refused(&self, route: &str, refusal: &Refusal) {
        if let Some(reason) = refusal.token_fault {
            self.token_failures.with_label_values(&[reason]).inc();
        }
        if refusal.code == ErrorCode::RateLimitExceeded {
            self.rate_limited.with_label_values(&[route]).inc();
        }
    }

    /// An upload that did what it came for.
    pub(crate) fn upload(&self, outcome: &str) {
        self.uploads.with_label_values(&[outcome, ""]).inc();
    }

    /// One that did not.
    pub(crate) fn upload_refused(&self, code: ErrorCode) {
        let outcome = match code.status() {
            ..500 => "refused",
            500.. => "failed",
        };
        self.uploads
            .with_label_values(&[outcome, code.as_str()])
            .inc();
    }

    /// An upload waits for the writer.
    pub(crate) fn queued(&self) -> Queued<'_> {
        self.queue.inc();
        Queued(&self.queue)
    }

    /// A file was read again, or could not be.
    pub(crate) fn reload(&self, file: Reloaded, is_ok: bool) {
        let file = match file {
            Reloaded::Access => "access",
            Reloaded::Webhooks => "webhooks",
        };
        let outcome = if is_ok { "ok" } else { "failed" };
        self.reloads.with_label_values(&[file, outcome]).inc();
    }

    /// The trees show what changed.
    pub(crate) fn build(&self, took: Duration) {
        self.build_seconds.observe(took.as_secs_f64());
        self.last_build.set(Timestamp::now().as_second());
    }

    /// So much of them.
    pub(crate) fn outputs(&self, changes: &Changes) {
        for (change, count) in [("written", changes.written), ("removed", changes.removed)] {
            let counter = self.outputs.with_label_values(&[change]);
            counter.inc_by(count as u64);
        }
    }

    /// So many lines of refusals are in no audit log.
    pub(crate) fn audit_lost(&self, lines: usize) {
        self.audit_lost.inc_by(lines as u64);
    }

    /// What an attempt to deliver came to.
    pub(crate) fn delivery(&self, outcome: Outcome) {
        let outcomes = self.deliveries.with_label_values(&[outcome.as_str()]);
        outcomes.inc();
        if outcome.is_dead() {
            self.looked.one_more_dead();
        }
    }

    /// How many deliveries wait, and since when the first of them.
    pub(crate) fn pending(&self, count: usize, oldest: Option<Timestamp>) {
        self.looked.pending(count, oldest);
    }

    /// How many deliveries are dead, as somebody counted who looked.
    pub(crate) fn dead(&self, count: usize) {
        self.looked.dead(count);
    }

    /// All figures as text, with what there is to see at the moment.
    pub(crate) fn render(&self, sight: &Sight<'_>) -> Result<Vec<u8>, prometheus::Error> {
        self.looked.look(sight);
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}
