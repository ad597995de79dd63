//! What every request can reach: the registry, who may do what, limits, figures.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use actix_web::HttpRequest;
use jiff::Timestamp;

use rackgen::access::{Access, SecretHash};
use rackgen::build::Registry;

use crate::answer::Refusal;
use crate::auth::{Caller, Credential};
use crate::config::DaemonSettings;
use crate::intake::IntakeLimits;
use crate::metrics::Metrics;
use crate::rate::{Limiter, client_address};

/// The daemon's state; shared by all its threads.
pub(crate) struct App {
    pub(crate) registry: Registry,
    access: RwLock<Arc<Access>>,
    /// Why the last reload was refused, if it was.
    reload_fault: Mutex<Option<String>>,
    admin: Option<SecretHash>,
    pub(crate) limits: IntakeLimits,
    pub(crate) serve_reads: bool,
    pub(crate) read_only: bool,
    trust_proxy: usize,
    /// Writes, gated reads, failed credentials.
    pub(crate) strict: Limiter,
    /// Open reads.
    pub(crate) lenient: Limiter,
    pub(crate) metrics: Metrics,
    /// There is one writer.
    writer: Mutex<()>,
}

impl App {
    pub(crate) fn new(settings: DaemonSettings, metrics: Metrics) -> Self {
        Self {
            registry: settings.registry,
            access: RwLock::new(Arc::new(settings.access)),
            reload_fault: Mutex::new(None),
            admin: settings.admin,
            limits: IntakeLimits {
                archive: settings.max_upload,
                contents: settings.limits,
            },
            serve_reads: settings.serve_reads,
            read_only: settings.read_only,
            trust_proxy: settings.trust_proxy,
            strict: Limiter::new(settings.rate_limit),
            lenient: Limiter::new(settings.rate_limit_reads),
            metrics,
            writer: Mutex::new(()),
        }
    }

    /// Who may do what, as it stands now: one request asks once.
    pub(crate) fn access(&self) -> Arc<Access> {
        let access = self.access.read();
        access.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another decision in force.
    pub(crate) fn set_access(&self, access: Arc<Access>) {
        *self.access.write().unwrap_or_else(PoisonError::into_inner) = access;
    }

    /// Why the last reload was refused, if it was.
    pub(crate) fn reload_fault(&self) -> Option<String> {
        let fault = self.reload_fault.lock();
        fault.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers how the last reload went.
    pub(crate) fn set_reload_fault(&self, fault: Option<String>) {
        *self
            .reload_fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// Becomes the writer, as soon as nobody else is. A writer that panicked left nothing that locks and
    /// intents do not take care of.
    pub(crate) fn write(&self) -> MutexGuard<'_, ()> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who sent a credential; none for who sent none.
    pub(crate) fn identify<'a>(
        &self,
        access: &'a Access,
        credential: Option<Credential>,
    ) -> Result<Option<Caller<'a>>, Refusal> {
        credential
            .map(|sent| sent.identify(access, self.admin, Timestamp::now()))
            .transpose()
    }

    /// The address that a request came from.
    pub(crate) fn client(&self, request: &HttpRequest) -> IpAddr {
        client_address(request, self.trust_proxy)
    }
}
