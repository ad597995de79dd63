//! What every request can reach: the registry, who may do what, limits, figures.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use parking_lot::MutexGuard;

use rackgen::access::{Access, SecretHash};
use rackgen::audit::{Action, Attempt};
use rackgen::build::Registry;
use rackgen::config::AccessSource;
use rackgen::error::Error;
use rackgen::error_code::ErrorCode;
use rackgen::lock::Lock;
use rackgen::package::Limits;
use rackgen::token::lifetime::Lifetime;
use rackgen::watchers::Watchers;
use rackgen::webhook::{DeliverySettings, Spool, WebhookSource, Webhooks};
use tokio::sync::{Notify, Semaphore, watch};

use crate::answer::Refusal;
use crate::audit::Notes;
use crate::auth::credentials::Known;
use crate::auth::minted::MintedTokens;
use crate::auth::{Caller, Credential};
use crate::config::DaemonSettings;
use crate::intake::IntakeLimits;
use crate::metrics::Metrics;
use crate::publish::Writer;
use crate::rate::{Limiter, client_address, is_trusted};

/// What may not work as it should, by its name in `/health` and in the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Check {
    Access,
    Audit,
    Build,
    Deliveries,
    Disk,
    Intents,
    Tokens,
    Webhooks,
}

impl Check {
    pub(crate) const ALL: [Self; 8] = [
        Self::Access,
        Self::Audit,
        Self::Build,
        Self::Deliveries,
        Self::Disk,
        Self::Intents,
        Self::Tokens,
        Self::Webhooks,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Audit => "audit",
            Self::Build => "build",
            Self::Deliveries => "deliveries",
            Self::Disk => "disk",
            Self::Intents => "intents",
            Self::Tokens => "tokens",
            Self::Webhooks => "webhooks",
        }
    }
}

/// Room for so many uploads, of which a semaphore can count each.
fn places(limits: &Limits) -> usize {
    const { assert!(u32::MAX as usize <= Semaphore::MAX_PERMITS) };
    limits.max_uploads as usize
}

/// What is wrong, and since when.
#[derive(Debug, Clone)]
struct Fault {
    message: String,
    since: Timestamp,
}

/// The daemon's state; shared by all its threads.
pub(crate) struct App {
    pub(crate) registry: Registry,
    access: RwLock<Arc<Access>>,
    access_source: AccessSource,
    /// Of two who read the file, the one who read it later decides.
    deciding: Mutex<()>,
    /// What does not work as it should, by what it is of: shown by `/health`.
    faults: Mutex<BTreeMap<Check, Fault>>,
    webhook_source: WebhookSource,
    /// Who is told of changes, as it stands now; nothing until that is known.
    pub(crate) webhooks: watch::Sender<Option<Arc<Webhooks>>>,
    /// How they are told.
    pub(crate) webhook: DeliverySettings,
    admin: Option<SecretHash>,
    pub(crate) minted: MintedTokens,
    /// How long one may live that is minted now.
    pub(crate) max_token_age: Lifetime,
    pub(crate) limits: IntakeLimits,
    /// Room for uploads that are on their way.
    pub(crate) uploads: Arc<Semaphore>,
    pub(crate) serve_reads: bool,
    read_only: bool,
    trust_proxy: usize,
    /// Writes, gated reads, failed credentials.
    pub(crate) strict: Limiter,
    /// Open reads.
    pub(crate) lenient: Limiter,
    pub(crate) metrics: Metrics,
    /// Who may see them.
    pub(crate) watchers: Watchers,
    /// What the disk lost a write with; nothing is written after that.
    broken: OnceLock<String>,
    /// Told when it did.
    pub(crate) breaks: Notify,
    /// What the audit log is to be told.
    pub(crate) notes: Notes,
    /// There is one writer. One that panicked left nothing that locks and intents do not take care of.
    writer: parking_lot::Mutex<Writer>,
    stopping: AtomicBool,
}

impl App {
    pub(crate) fn new(settings: DaemonSettings, metrics: Metrics) -> Self {
        let state = settings.registry.folders().state.clone();
        Self {
            minted: MintedTokens::start(state, settings.token_names, settings.tokens),
            max_token_age: settings.max_token_age,
            registry: settings.registry,
            access: RwLock::new(Arc::new(settings.access)),
            access_source: settings.access_source,
            deciding: Mutex::default(),
            faults: Mutex::default(),
            webhook_source: settings.webhook_source,
            webhooks: watch::Sender::default(),
            webhook: settings.webhook,
            admin: settings.admin,
            uploads: Arc::new(Semaphore::new(places(&settings.limits))),
            limits: IntakeLimits {
                archive: settings.max_upload,
                contents: settings.limits,
            },
            serve_reads: settings.serve_reads,
            read_only: settings.read_only,
            trust_proxy: settings.trust_proxy,
            strict: Limiter::new(settings.rates.writes),
            lenient: Limiter::new(settings.rates.reads),
            metrics,
            watchers: settings.watchers,
            broken: OnceLock::new(),
            breaks: Notify::new(),
            notes: Notes::default(),
            writer: parking_lot::Mutex::default(),
            stopping: AtomicBool::new(false),
        }
    }

    /// Who may do what, as it stands now: one request asks once.
    pub(crate) fn access(&self) -> Arc<Access> {
        let access = self.access.read();
        access.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Who may do what by the file of this moment, for what could make something public: a reload may be on its way.
    /// A file that cannot be read changes nothing.
    pub(crate) fn decision(&self) -> Arc<Access> {
        let decided = self.access_source.load().map(Arc::new);
        decided.unwrap_or_else(|_| self.access())
    }

    /// Where the decisions come from.
    pub(crate) fn access_source(&self) -> &AccessSource {
        &self.access_source
    }

    /// Reads the access file and puts it in force. A file that cannot be read changes nothing.
    pub(crate) fn decide(&self) -> Result<Access, Error> {
        let _turn = self.deciding.lock().unwrap_or_else(PoisonError::into_inner);
        let access = self.access_source.load()?;
        if access != *self.access() {
            access
                .faults()
                .iter()
                .for_each(|fault| tracing::error!("access file: {fault}"));
            {
                let mut in_force = self.access.write().unwrap_or_else(PoisonError::into_inner);
                *in_force = Arc::new(access.clone());
            }
            self.tell_soon(Attempt::of(Action::Reload).succeeded());
        }
        Ok(access)
    }

    /// Where the webhooks come from.
    pub(crate) fn webhook_source(&self) -> &WebhookSource {
        &self.webhook_source
    }

    /// Reads the webhooks file and puts it in force; from now on what happens is announced, if somebody wants to be
    /// told. A file that cannot be read changes nothing, nor does one that is missed; of a start, what waits without it.
    pub(crate) fn take_up_webhooks(&self) -> Result<Option<String>, Error> {
        let (source, state) = (&self.webhook_source, &self.registry.folders().state);
        let in_force = self.webhooks.borrow().clone();
        let webhooks = match (source.load()?, &in_force) {
            (Some(webhooks), _) => webhooks,
            (None, Some(in_force)) if !in_force.endpoints().is_empty() => return Err(source.lost()),
            (None, Some(_)) => return Ok(None),
            (None, None) => match source.missed(state)? {
                None => Webhooks::default(),
                missed => return Ok(missed),
            },
        };
        let enabled = webhooks.enabled().count();
        if enabled > 0 {
            let doubt = Spool::create(state)?.doubt()?;
            doubt.inspect(|doubt| tracing::warn!("webhooks: {doubt}"));
        }
        self.webhooks.send_if_modified(|in_force| {
            let is_news = in_force.as_deref() != Some(&webhooks);
            if is_news {
                if in_force.is_some() || enabled > 0 {
                    tracing::info!(enabled, "webhooks are taken up");
                }
                *in_force = Some(Arc::new(webhooks));
            }
            is_news
        });
        Ok(None)
    }

    /// What does not work as it should, by what it is of.
    pub(crate) fn faults(&self) -> BTreeMap<Check, String> {
        let noted = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = noted
            .iter()
            .map(|(what, fault)| (*what, fault.message.clone()));
        let mut faults: BTreeMap<Check, String> = noted.collect();
        faults.extend(self.minted.fault().map(|fault| (Check::Tokens, fault)));
        let access = self.access();
        if !access.faults().is_empty() {
            faults
                .entry(Check::Access)
                .or_insert_with(|| access.faults().join("; "));
        }
        faults
    }

    /// Remembers how something went; a fault goes to the log too.
    pub(crate) fn note(&self, what: Check, fault: Option<String>) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        match fault {
            None => drop(faults.remove(&what)),
            Some(message) => {
                tracing::error!("{}: {message}", what.as_str());
                let since = faults.get(&what).map(|fault| fault.since);
                let since = since.unwrap_or_else(Timestamp::now);
                faults.insert(what, Fault { message, since });
            }
        }
    }

    /// Since when something is stored that nobody can read yet.
    pub(crate) fn behind(&self) -> Option<Timestamp> {
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = [Check::Build, Check::Intents];
        stored
            .iter()
            .filter_map(|what| faults.get(what))
            .map(|fault| fault.since)
            .min()
    }

    /// Tokens that are good now and end within this.
    pub(crate) fn expiring(&self, now: Timestamp, within: SignedDuration) -> usize {
        let then = now.checked_add(within).unwrap_or(Timestamp::MAX);
        let access = self.access();
        let tokens = access.gated().flat_map(|(_, tokens)| tokens);
        let ends = tokens.filter_map(|token| token.expires);
        let held = ends.filter(|end| *end > now && *end <= then).count();
        held + self.minted.ending(now, then)
    }

    /// Uploads that are received, verified or published.
    pub(crate) fn uploads_in_flight(&self) -> usize {
        let most = places(&self.limits.contents);
        most.saturating_sub(self.uploads.available_permits())
    }

    /// Becomes the writer, as soon as nobody else is.
    pub(crate) fn write(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock()
    }

    /// Becomes the writer for one that a client waits for, and who waits until then at most.
    ///
    /// # Errors
    /// Others wrote all the time: `UNAVAILABLE`.
    pub(crate) fn write_until(&self, until: Instant) -> Result<MutexGuard<'_, Writer>, Refusal> {
        /// Who works is soon through with it, also when the daemon stops; who waits for a lock gives up then.
        const STEP: Duration = Duration::from_secs(1);
        loop {
            let step = until.min(Instant::now() + STEP);
            if let Some(writer) = self.writer.try_lock_until(step) {
                return Ok(writer);
            }
            if !self.waits(until) {
                let message = "the registry is busy with other changes; try again";
                return Err(Refusal::new(ErrorCode::Unavailable, message));
            }
        }
    }

    /// Takes the lock of the source tree likewise.
    ///
    /// # Errors
    /// Another process held it all the time.
    pub(crate) fn lock_source_until(&self, until: Instant) -> Result<Lock, Error> {
        self.registry.lock_source_while(&|| self.waits(until))
    }

    /// Whether it is worth to wait on: not when the daemon stops.
    fn waits(&self, until: Instant) -> bool {
        Instant::now() < until && !self.is_stopping()
    }

    /// From now on nobody waits for a lock.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// # Errors
    /// A registry that takes no writes for now: `UNAVAILABLE`.
    pub(crate) fn require_writable(&self) -> Result<(), Refusal> {
        match self.read_only || self.broken().is_some() {
            false => Ok(()),
            true => Err(Refusal::new(
                ErrorCode::Unavailable,
                "the registry is read-only for now; try again later",
            )),
        }
    }

    /// After a disk failure nobody knows what of the last writes is on disk: the daemon takes no more and ends, and the
    /// next start finds out.
    pub(crate) fn end_if_broken(&self, error: &Error) {
        if error.is_disk_failure() {
            let fault = format!("{error}; the daemon takes no more writes and ends");
            if self.broken.set(fault.clone()).is_ok() {
                self.note(Check::Disk, Some(fault));
                self.breaks.notify_one();
            }
        }
    }

    /// Why the daemon takes no more writes.
    pub(crate) fn broken(&self) -> Option<&str> {
        self.broken.get().map(String::as_str)
    }

    /// Who sent a credential.
    pub(crate) fn identify<'a>(
        &'a self,
        access: &'a Access,
        sent: Credential,
    ) -> Result<Caller<'a>, Refusal> {
        sent.identify(Known {
            access,
            admin: self.admin,
            minted: &self.minted,
            now: Timestamp::now(),
        })
    }

    /// Who sent a request; nobody if it has no credentials.
    pub(crate) fn caller<'a>(
        &'a self,
        access: &'a Access,
        headers: &HeaderMap,
    ) -> Result<Option<Caller<'a>>, Refusal> {
        Credential::from_headers(headers)?
            .map(|sent| self.identify(access, sent))
            .transpose()
    }

    /// The address that a request came from.
    pub(crate) fn client(&self, request: &HttpRequest) -> IpAddr {
        client_address(request, self.trust_proxy)
    }

    /// Whether a request comes from a web server in front, or may as well.
    pub(crate) fn trusts(&self, request: &HttpRequest) -> bool {
        is_trusted(request, self.trust_proxy)
    }
}
