//! The daemon's figures, in the Prometheus text format.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use prometheus::process_collector::ProcessCollector;
use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};
use rackgen::error::{Error, Result};

use crate::app::Check;
use crate::webhook::Outcome;

/// All figures.
pub(crate) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    uploads: IntCounterVec,
    build_seconds: Histogram,
    degraded: IntGaugeVec,
    deliveries: IntCounterVec,
    pending: IntGauge,
    oldest_pending: IntGauge,
    dead: IntGauge,
    /// When the delivery came that has waited longest.
    oldest: Mutex<Option<Timestamp>>,
}

impl Metrics {
    pub(crate) fn new() -> Result<Self> {
        Self::register().map_err(|fault| Error::refused("metrics", fault))
    }

    fn register() -> prometheus::Result<Self> {
        let metrics = Self {
            registry: Registry::new(),
            requests: IntCounterVec::new(
                Opts::new(
                    "rack_http_requests_total",
                    "Requests by route, method and status",
                ),
                &["route", "method", "status"],
            )?,
            request_seconds: HistogramVec::new(
                HistogramOpts::new(
                    "rack_http_request_duration_seconds",
                    "Time until the head of an answer was ready, by route",
                ),
                &["route"],
            )?,
            uploads: IntCounterVec::new(
                Opts::new(
                    "rack_uploads_total",
                    "Uploads by outcome: created, checked or an error code",
                ),
                &["outcome"],
            )?,
            build_seconds: Histogram::with_opts(HistogramOpts::new(
                "rack_build_duration_seconds",
                "Time to bring the trees to a change of the source tree",
            ))?,
            degraded: IntGaugeVec::new(
                Opts::new(
                    "rack_degraded",
                    "1 for what does not work as it should, as /health names it",
                ),
                &["check"],
            )?,
            deliveries: IntCounterVec::new(
                Opts::new(
                    "rack_webhook_attempts_total",
                    "Attempts to deliver a webhook by outcome: delivered, failed (it is tried again), dead or gone",
                ),
                &["outcome"],
            )?,
            pending: IntGauge::new(
                "rack_webhook_pending",
                "Webhook deliveries that wait or are on their way",
            )?,
            oldest_pending: IntGauge::new(
                "rack_webhook_oldest_pending_seconds",
                "For how long the oldest of those has waited; 0 if there is none",
            )?,
            dead: IntGauge::new(
                "rack_webhook_dead",
                "Webhook deliveries that were given up and not asked for again",
            )?,
            oldest: Mutex::default(),
        };
        metrics
            .registry
            .register(Box::new(ProcessCollector::for_self()))?;
        metrics
            .registry
            .register(Box::new(metrics.requests.clone()))?;
        metrics
            .registry
            .register(Box::new(metrics.request_seconds.clone()))?;
        metrics
            .registry
            .register(Box::new(metrics.uploads.clone()))?;
        metrics
            .registry
            .register(Box::new(metrics.build_seconds.clone()))?;
        metrics
            .registry
            .register(Box::new(metrics.degraded.clone()))?;
        metrics
            .registry
            .register(Box::new(metrics.deliveries.clone()))?;
        for gauge in [&metrics.pending, &metrics.oldest_pending, &metrics.dead] {
            metrics.registry.register(Box::new(gauge.clone()))?;
        }
        Ok(metrics)
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

    pub(crate) fn upload(&self, outcome: &str) {
        self.uploads.with_label_values(&[outcome]).inc();
    }

    pub(crate) fn build(&self, took: Duration) {
        self.build_seconds.observe(took.as_secs_f64());
    }

    /// What an attempt to deliver came to.
    pub(crate) fn delivery(&self, outcome: Outcome) {
        let outcomes = self.deliveries.with_label_values(&[outcome.as_str()]);
        outcomes.inc();
        if outcome.is_dead() {
            self.dead.inc();
        }
    }

    /// How many deliveries wait, and since when the first of them.
    pub(crate) fn pending(&self, count: usize, oldest: Option<Timestamp>) {
        self.pending.set(count as i64);
        *self.oldest.lock().unwrap_or_else(PoisonError::into_inner) = oldest;
    }

    /// How many deliveries are dead, as somebody counted who looked.
    pub(crate) fn dead(&self, count: usize) {
        self.dead.set(count as i64);
    }

    /// All figures as text, with what is at fault at the moment.
    pub(crate) fn render(
        &self,
        faults: &BTreeMap<Check, String>,
    ) -> Result<Vec<u8>, prometheus::Error> {
        // Also while all is well: an alert on what is not there never comes.
        for check in Check::ALL {
            let is_at_fault = i64::from(faults.contains_key(&check));
            let degraded = self.degraded.with_label_values(&[check.as_str()]);
            degraded.set(is_at_fault);
        }
        let oldest = *self.oldest.lock().unwrap_or_else(PoisonError::into_inner);
        let age = oldest.map_or(0, |oldest| {
            Timestamp::now().duration_since(oldest).as_secs()
        });
        self.oldest_pending.set(age.max(0));
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}
