//! The post office: takes in what is announced and asked for, lets attempts fly, and takes note of how they landed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use rackgen::audit::{self, Action};
use rackgen::commit::durable;
use rackgen::error::{Error, Result};
use rackgen::webhook::settings::Wait;
use rackgen::webhook::shelves::{HISTORY, Shelf};
use rackgen::webhook::standing::{Gone, Standings};
use rackgen::webhook::{DeliveryId, Endpoint, EndpointId, Shelves, Spool, Webhooks};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at, sleep, timeout};

use super::Outcome;
use super::flight::{Fate, Flight, Landed, blocking};
use super::schedule::Schedule;
use super::send::Sender;
use super::spread::{self, Intake};
use crate::app::{App, Check};
use crate::server::GRACE;

/// What nobody is told of is looked for after so long, and what changed in memory only is written.
const LOOK: Duration = Duration::from_secs(2);

/// An attempt of which nobody could take note is made again after so long.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// One thread's; see [`Office::run`].
pub(super) struct Office {
    app: Arc<App>,
    spool: Spool,
    shelves: Shelves,
    sender: Arc<Sender>,
    retry_after: Arc<[Wait]>,
    webhooks: watch::Receiver<Option<Arc<Webhooks>>>,
    /// Something came into the spool.
    news: Arc<Notify>,
    _watcher: RecommendedWatcher,
    schedule: Schedule,
    flying: JoinSet<Landed>,
    standings: Standings,
    /// Whether the file of these says something else.
    is_unsaved: bool,
    history: VecDeque<DeliveryId>,
    /// Pings that did not arrive, and when that was: whoever asked for one reads it from its shelf, and then it is of no
    /// use any more.
    failed_pings: Vec<(Instant, DeliveryId)>,
    faults: Faults,
}

/// What does not work as it should, for `/health`.
#[derive(Default, PartialEq)]
struct Faults {
    taking_in: Vec<String>,
    unreadable: BTreeMap<DeliveryId, String>,
    /// Deliveries of which the disk took no note yet,
    unnoted: BTreeSet<DeliveryId>,
    /// and why, of the first of them.
    noting: Option<String>,
    /// Why the file of the standings is not as they are.
    saving: Option<String>,
    told: Option<String>,
}

impl Office {
    pub(super) fn open(app: Arc<App>, spool: Spool) -> Result<Self> {
        let shelves = Shelves::open(&spool)?;
        let news = Arc::new(Notify::new());
        let settings = &app.webhook;
        Ok(Self {
            sender: Arc::new(Sender::new(settings)?),
            retry_after: settings.retry_after.clone().into(),
            webhooks: app.webhooks.subscribe(),
            standings: shelves.standings()?,
            history: shelves.history()?.into(),
            _watcher: watch(&[spool.outbox_folder(), shelves.requests()], &news)?,
            app,
            spool,
            shelves,
            news,
            schedule: Schedule::default(),
            flying: JoinSet::new(),
            is_unsaved: false,
            failed_pings: Vec::new(),
            faults: Faults::default(),
        })
    }

    /// Makes deliveries until it is told to stop, and then until those on their way have landed.
    pub(super) async fn run(mut self, stop: &Notify) {
        self.follow();
        self.take_in().await;
        self.resume();
        self.count_dead().await;
        let mut look = interval_at(Instant::now() + LOOK, LOOK);
        loop {
            self.dispatch();
            self.tell();
            let due = self.schedule.next().map_or(LOOK, |next| {
                let wait = next.duration_since(Timestamp::now());
                LOOK.min(wait.try_into().unwrap_or_default())
            });
            tokio::select! {
                () = stop.notified() => break,
                Some(landed) = self.flying.join_next() => self.land(landed.ok()).await,
                () = self.news.notified() => self.take_in().await,
                Ok(()) = self.webhooks.changed() => self.follow(),
                _ = look.tick() => self.look().await,
                () = sleep(due) => {}
            }
        }
        let grace = Duration::from_secs(GRACE);
        let landed = async {
            while let Some(landed) = self.flying.join_next().await {
                self.land(landed.ok()).await;
            }
        };
        // What does not land in time is made again after the next start.
        let _ = timeout(grace, landed).await;
        self.save().await;
    }

    /// The endpoints that are in force; there are some to speak of before there is an office.
    fn configured(&self) -> Arc<Webhooks> {
        self.webhooks.borrow().clone().unwrap_or_default()
    }

    /// Those who are told of anything now.
    fn listening(&self) -> Vec<Endpoint> {
        let webhooks = self.configured();
        let listening = webhooks
            .endpoints()
            .iter()
            .filter(|endpoint| self.standings.is_listening(endpoint));
        listening.cloned().collect()
    }

    /// What an earlier run left.
    fn resume(&mut self) {
        match self.shelves.list(Shelf::Pending) {
            Err(error) => self.faults.taking_in.push(error.to_string()),
            Ok(ids) => ids.into_iter().for_each(|id| self.resume_one(id)),
        }
        for id in self.schedule.endpoints() {
            let is_failing = self.standings.of(&id).failing_since.is_some();
            self.schedule.set_failing(&id, is_failing);
        }
    }

    fn resume_one(&mut self, id: DeliveryId) {
        match self.shelves.read(Shelf::Pending, &id) {
            Ok(Some(delivery)) => {
                self.faults.unreadable.remove(&id);
                self.schedule.add(&delivery);
            }
            Ok(None) => drop(self.faults.unreadable.remove(&id)),
            Err(error) => drop(self.faults.unreadable.insert(id, error.to_string())),
        }
    }

    /// What came into the spool.
    async fn take_in(&mut self) {
        let (spool, shelves) = (self.spool.clone(), self.shelves.clone());
        let listening = self.listening();
        let spread = blocking(move || spread::outbox(&spool, &shelves, &listening)).await;
        let mut faults = self.enter(spread);

        let (spool, shelves) = (self.spool.clone(), self.shelves.clone());
        let flying = self.schedule.flying().clone();
        let asked = move || spread::requests(&spool, &shelves, |id| flying.contains(id));
        let asked = match blocking(asked).await {
            Err(error) => Err(error),
            Ok((intake, enable)) => {
                for (path, id) in enable {
                    let enabled = self.enable(path, &id).await;
                    faults.extend(self.enter(enabled.map(|()| Intake::default())));
                }
                Ok(intake)
            }
        };
        faults.extend(self.enter(asked));
        self.faults.taking_in = faults;
    }

    fn enter(&mut self, intake: Result<Intake>) -> Vec<String> {
        match intake {
            Ok(intake) => {
                let deliveries = intake.deliveries.iter();
                deliveries.for_each(|delivery| self.schedule.add(delivery));
                intake.faults
            }
            Err(error) => {
                self.app.end_if_broken(&error);
                vec![error.to_string()]
            }
        }
    }

    /// Tells an endpoint again, as this file asks for.
    async fn enable(&mut self, asked: PathBuf, id: &EndpointId) -> Result<()> {
        self.standings.note(id).gone = None;
        self.is_unsaved = true;
        self.save().await;
        match self.is_unsaved {
            true => Ok(()),
            false => blocking(move || durable::remove_if_there(&asked)).await,
        }
    }

    fn note_dead(&mut self, id: DeliveryId, endpoint: &EndpointId, is_ping: bool, why: &str) {
        if is_ping {
            return self.failed_pings.push((Instant::now(), id));
        }
        let what = format!("delivery {id} to endpoint {endpoint}: {why}");
        self.note(Action::WebhookDead, what);
    }

    /// Gives the audit log a line of what nobody asked for. No URL: it may hold a secret.
    fn note(&self, action: Action, what: String) {
        let attempt = audit::Attempt {
            reason: Some(what),
            ..audit::Attempt::of(action)
        };
        self.app.tell_soon(attempt.succeeded());
    }

    /// Other endpoints are configured, or others listen.
    fn follow(&mut self) {
        self.webhooks.mark_unchanged();
        let webhooks = self.configured();
        if self.standings.follow(&webhooks) {
            self.is_unsaved = true;
        }
        let endpoints = webhooks.endpoints().iter();
        let resting = endpoints.filter(|endpoint| !endpoint.enabled);
        self.schedule
            .rest(resting.map(|endpoint| endpoint.id.clone()).collect());
    }

    /// Lets everything fly that is due and has room.
    fn dispatch(&mut self) {
        let listening = self.listening();
        while let Some((endpoint, id)) = self.schedule.take(Timestamp::now()) {
            let flight = Flight {
                shelves: self.shelves.clone(),
                sender: self.sender.clone(),
                retry_after: self.retry_after.clone(),
                listener: listening.iter().find(|it| it.id == endpoint).cloned(),
                endpoint,
                id,
            };
            self.flying.spawn(flight.fly());
        }
    }

    async fn land(&mut self, landed: Option<Landed>) {
        // Nothing in a flight panics; one that did would come again with the next start.
        let Some(landed) = landed else { return };
        let Landed {
            id,
            endpoint,
            is_ping,
            fate,
            noted,
        } = landed;
        self.heed(&id, &noted);
        let next = match &fate {
            Fate::Failed(_, next) => Some(*next),
            // It is still in its file as it was.
            _ if noted.is_err() => Some(Timestamp::now() + AGAIN),
            _ => None,
        };
        self.schedule.land(&id, next);
        let was_sent = !matches!(fate, Fate::Unheard(_));
        let (outcome, attempt) = match fate {
            Fate::Vanished => return,
            // It is not over before that is noted.
            Fate::Unheard(_) if noted.is_err() => return,
            Fate::Delivered(attempt) => (Outcome::Delivered, attempt),
            Fate::Failed(attempt, _) => (Outcome::Failed, attempt),
            Fate::Dead(attempt) | Fate::Unheard(attempt) => (Outcome::Dead, attempt),
            Fate::Gone(attempt) => (Outcome::Gone, attempt),
        };
        self.app.metrics.delivery(outcome);
        let (id_text, endpoint_text) = (id.as_str(), endpoint.as_str());
        match &attempt.fault {
            None => tracing::info!(
                delivery = id_text,
                endpoint = endpoint_text,
                status = attempt.status,
                ms = attempt.ms,
                "webhook delivered"
            ),
            Some(fault) => tracing::warn!(
                delivery = id_text,
                endpoint = endpoint_text,
                status = attempt.status,
                ms = attempt.ms,
                outcome = outcome.as_str(),
                "webhook: {fault}"
            ),
        }
        if outcome.is_dead() && noted.is_ok() {
            let why = attempt.fault.as_deref().unwrap_or_default();
            self.note_dead(id.clone(), &endpoint, is_ping, why);
        }
        if !was_sent {
            return;
        }
        let standing = self.standings.note(&endpoint);
        self.is_unsaved = true;
        match attempt.fault.is_none() {
            true => {
                standing.last_success = Some(attempt.at);
                standing.failing_since = None;
                self.remember(id).await;
            }
            false => {
                standing.failing_since.get_or_insert(attempt.at);
            }
        }
        self.schedule
            .set_failing(&endpoint, attempt.fault.is_some());
        if outcome == Outcome::Gone {
            self.rest(&endpoint, attempt.at).await;
        }
    }

    /// An endpoint wants to hear no more.
    async fn rest(&mut self, endpoint: &EndpointId, at: Timestamp) {
        let webhooks = self.configured();
        let mut endpoints = webhooks.endpoints().iter();
        if let Some(configured) = endpoints.find(|configured| configured.id == *endpoint) {
            let entry = configured.fingerprint();
            let gone = &mut self.standings.note(endpoint).gone;
            let before = gone.replace(Gone { at, entry });
            self.save().await;
            // Others were on their way when the first came back.
            if before.is_none() {
                let what = format!("endpoint {endpoint} answered 410");
                self.note(Action::WebhookDisable, what);
            }
        }
    }

    /// The history is for people, and has an end.
    async fn remember(&mut self, id: DeliveryId) {
        self.history.retain(|other| *other != id);
        self.history.push_back(id);
        while self.history.len() > HISTORY
            && let Some(oldest) = self.history.pop_front()
        {
            let (shelves, id) = (self.shelves.clone(), oldest.clone());
            let forgotten = blocking(move || shelves.remove(Shelf::Delivered, &id)).await;
            self.heed(&oldest, &forgotten);
            if forgotten.is_err() {
                // The next one tries again.
                return self.history.push_front(oldest);
            }
        }
    }

    /// Remembers what the disk said of a delivery.
    fn heed(&mut self, id: &DeliveryId, noted: &Result<()>) {
        let Faults {
            unnoted, noting, ..
        } = &mut self.faults;
        match noted {
            Ok(()) => {
                unnoted.remove(id);
                noting.take_if(|_| unnoted.is_empty());
            }
            Err(error) => {
                unnoted.insert(id.clone());
                noting.get_or_insert_with(|| error.to_string());
                self.app.end_if_broken(error);
            }
        }
    }

    /// What nobody is told of: files that a watch missed, and those that hands changed.
    async fn look(&mut self) {
        self.save().await;
        let is_read = |(at, _): &mut (Instant, DeliveryId)| at.elapsed() > LOOK;
        let read: Vec<_> = self.failed_pings.extract_if(.., is_read).collect();
        for (_, ping) in read {
            let (shelves, id) = (self.shelves.clone(), ping.clone());
            let removed = blocking(move || shelves.remove(Shelf::Dead, &id)).await;
            self.heed(&ping, &removed);
        }
        let unreadable: Vec<_> = self.faults.unreadable.keys().cloned().collect();
        unreadable.into_iter().for_each(|id| self.resume_one(id));
        self.count_dead().await;
        self.take_in().await;
    }

    /// Hands take some away.
    async fn count_dead(&self) {
        let shelves = self.shelves.clone();
        if let Ok(dead) = blocking(move || shelves.list(Shelf::Dead)).await {
            self.app.metrics.dead(dead.len());
        }
    }

    async fn save(&mut self) {
        if self.is_unsaved {
            let (shelves, standings) = (self.shelves.clone(), self.standings.clone());
            let saved = blocking(move || shelves.note(&standings)).await;
            self.is_unsaved = saved.is_err();
            if let Err(error) = &saved {
                self.app.end_if_broken(error);
            }
            self.faults.saving = saved.err().map(|error| error.to_string());
        }
    }

    /// Figures, and what does not work as it should.
    fn tell(&mut self) {
        let (pending, oldest) = self.schedule.backlog();
        self.app.metrics.pending(pending, oldest);
        let faults = &self.faults;
        let all = faults.taking_in.iter().chain(faults.unreadable.values());
        let all: Vec<String> = all
            .chain(&faults.noting)
            .chain(&faults.saving)
            .cloned()
            .chain(self.standings.complaints())
            .collect();
        let fault = (!all.is_empty()).then(|| all.join("; "));
        if fault != self.faults.told {
            self.app.note(Check::Deliveries, fault.clone());
            self.faults.told = fault;
        }
    }
}

/// Builds, commands and this daemon write there alike.
fn watch(folders: &[PathBuf], news: &Arc<Notify>) -> Result<RecommendedWatcher> {
    let news = news.clone();
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| event.kind.is_create() || event.kind.is_modify()) {
            news.notify_one();
        }
    });
    let refused = |fault| Error::refused("inotify", fault);
    let mut watcher = watcher.map_err(refused)?;
    for folder in folders {
        let watched = watcher.watch(folder, RecursiveMode::NonRecursive);
        watched.map_err(|fault| Error::refused(folder, fault))?;
    }
    Ok(watcher)
}
