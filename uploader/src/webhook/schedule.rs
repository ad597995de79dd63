//! Which delivery is due when, and how many may be on their way: in memory, from what the spool says. No I/O.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use rackgen::webhook::{Delivery, DeliveryId, EndpointId, EventKind};

/// From so many on that are on their way, each endpoint has one at once and no more.
const MANY: usize = 64;

/// On their way at once to one endpoint that answers.
const MOST_OF_ONE: usize = 4;

/// What waits, by endpoint: none waits for another.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    queues: BTreeMap<EndpointId, Queue>,
    waiting: HashMap<DeliveryId, Entry>,
    /// By when they came.
    ages: BTreeSet<(Timestamp, DeliveryId)>,
    flying: BTreeSet<DeliveryId>,
    /// Somebody waits for the answer: they wait for nothing, and are tried once.
    pings: BTreeSet<(EndpointId, DeliveryId)>,
    /// For whom nothing flies for now.
    resting: BTreeSet<EndpointId>,
}

#[derive(Debug)]
struct Entry {
    endpoint: EndpointId,
    created: Timestamp,
    /// None: it is on its way.
    next: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Queue {
    due: BTreeSet<(Timestamp, DeliveryId)>,
    flying: usize,
    is_failing: bool,
}

impl Queue {
    /// When its next one may start. One always may: however many endpoints stand still, they take nothing from others.
    fn next(&self, is_crowded: bool) -> Option<Timestamp> {
        let most = match self.is_failing || is_crowded {
            true => 1,
            false => MOST_OF_ONE,
        };
        let (next, _) = self.due.first().filter(|_| self.flying < most)?;
        Some(*next)
    }
}

impl Schedule {
    /// Adds a delivery, or sets when its next attempt is due; not if it is on its way.
    pub(super) fn add(&mut self, delivery: &Delivery) {
        let id = &delivery.id;
        let endpoint = delivery.endpoint();
        if delivery.event == EventKind::Ping {
            self.pings.insert((endpoint, id.clone()));
            return;
        }
        let next = delivery.next.unwrap_or(delivery.created);
        let queue = self.queues.entry(endpoint.clone()).or_default();
        if let Some(entry) = self.waiting.get_mut(id) {
            if let Some(before) = entry.next {
                entry.next = Some(next);
                queue.due.remove(&(before, id.clone()));
                queue.due.insert((next, id.clone()));
            }
            return;
        }
        let created = delivery.created;
        queue.due.insert((next, id.clone()));
        self.ages.insert((created, id.clone()));
        let next = Some(next);
        let entry = Entry {
            endpoint,
            created,
            next,
        };
        self.waiting.insert(id.clone(), entry);
    }

    /// Takes one that is due and may start: a ping, or of those endpoints that have room, the one that has waited longest.
    pub(super) fn take(&mut self, now: Timestamp) -> Option<(EndpointId, DeliveryId)> {
        if let Some(ping) = self.pings.pop_first() {
            return Some(ping);
        }
        let is_crowded = self.is_crowded();
        let ready = self
            .queues
            .iter_mut()
            .filter(|(endpoint, _)| !self.resting.contains(endpoint))
            .filter_map(|(endpoint, queue)| Some((queue.next(is_crowded)?, endpoint, queue)));
        let (next, endpoint, queue) = ready.min_by_key(|(next, ..)| *next)?;
        if next > now {
            return None;
        }
        let (_, id) = queue.due.pop_first()?;
        queue.flying += 1;
        self.flying.insert(id.clone());
        if let Some(entry) = self.waiting.get_mut(&id) {
            entry.next = None;
        }
        Some((endpoint.clone(), id))
    }

    /// When the next one can be taken, if nothing lands before.
    pub(super) fn next(&self) -> Option<Timestamp> {
        let awake = self
            .queues
            .iter()
            .filter(|(endpoint, _)| !self.resting.contains(endpoint));
        let is_crowded = self.is_crowded();
        awake.filter_map(|(_, queue)| queue.next(is_crowded)).min()
    }

    fn is_crowded(&self) -> bool {
        self.flying.len() >= MANY
    }

    /// One that was on its way has landed: it is over, or waits for its next attempt. A ping is over.
    pub(super) fn land(&mut self, id: &DeliveryId, next: Option<Timestamp>) {
        let Some(entry) = self.waiting.get_mut(id) else {
            return;
        };
        self.flying.remove(id);
        let queue = self.queues.entry(entry.endpoint.clone()).or_default();
        queue.flying -= 1;
        entry.next = next;
        match next {
            Some(next) => {
                queue.due.insert((next, id.clone()));
            }
            None => {
                self.ages.remove(&(entry.created, id.clone()));
                self.waiting.remove(id);
            }
        }
    }

    /// Whether an endpoint failed the last time.
    pub(super) fn set_failing(&mut self, endpoint: &EndpointId, is_failing: bool) {
        self.queues.entry(endpoint.clone()).or_default().is_failing = is_failing;
    }

    /// What waits for these waits on until others rest.
    pub(super) fn rest(&mut self, endpoints: BTreeSet<EndpointId>) {
        self.resting = endpoints;
    }

    /// All endpoints that something ever waited for.
    pub(super) fn endpoints(&self) -> Vec<EndpointId> {
        self.queues.keys().cloned().collect()
    }

    /// Those on their way.
    pub(super) fn flying(&self) -> &BTreeSet<DeliveryId> {
        &self.flying
    }

    /// How many wait or are on their way, and since when the first of them that somebody waits for.
    pub(super) fn backlog(&self) -> (usize, Option<Timestamp>) {
        let rests = |id| {
            let entry = self.waiting.get(id);
            entry.is_some_and(|entry| self.resting.contains(&entry.endpoint))
        };
        let oldest = self.ages.iter().find(|(_, id)| !rests(id));
        (self.waiting.len(), oldest.map(|(created, _)| *created))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    fn delivery(host: &str) -> Delivery {
        let url = format!("http://{host}/").parse().unwrap();
        let id = DeliveryId::random().unwrap();
        Delivery::new(id, EventKind::Uploaded, url, Map::new())
    }

    fn take_all(schedule: &mut Schedule) -> Vec<(EndpointId, DeliveryId)> {
        let later = Timestamp::now() + jiff::SignedDuration::from_secs(1);
        std::iter::from_fn(|| schedule.take(later)).collect()
    }

    #[test]
    fn endpoints_that_stand_still_leave_room_for_the_others() {
        let mut schedule = Schedule::default();
        let endpoints = 2 * MANY;
        for host in 0..endpoints {
            for _ in 0..10 {
                schedule.add(&delivery(&format!("h{host}")));
            }
        }
        let first = take_all(&mut schedule);
        let of = |taken: &[(EndpointId, DeliveryId)], id: &EndpointId| {
            taken.iter().filter(|(endpoint, _)| endpoint == id).count()
        };
        for endpoint in schedule.endpoints() {
            assert!((1..=MOST_OF_ONE).contains(&of(&first, &endpoint)));
        }
        assert!(first.len() < MANY + endpoints);
        // All of those fail: each keeps one on its way.
        let now = Timestamp::now();
        for (endpoint, id) in &first {
            schedule.set_failing(endpoint, true);
            schedule.land(id, Some(now));
        }
        let second = take_all(&mut schedule);
        for endpoint in schedule.endpoints() {
            assert_eq!(of(&second, &endpoint), 1, "{endpoint}");
        }
        assert_eq!(schedule.backlog().0, 10 * endpoints);
    }

    #[test]
    fn a_ping_waits_behind_nothing() {
        let mut schedule = Schedule::default();
        let (waits, mut ping) = (delivery("a"), delivery("a"));
        schedule.set_failing(&waits.endpoint(), true);
        schedule.add(&waits);
        assert_eq!(take_all(&mut schedule).len(), 1);
        schedule.add(&delivery("a"));
        ping.event = EventKind::Ping;
        schedule.add(&ping);
        schedule.add(&ping);
        assert_eq!(
            take_all(&mut schedule),
            [(ping.endpoint(), ping.id.clone())]
        );
        schedule.land(&ping.id, None);
        assert_eq!(schedule.backlog().0, 2);
    }

    #[test]
    fn what_is_over_is_forgotten_and_what_waits_is_counted() {
        let mut schedule = Schedule::default();
        let (first, second) = (delivery("a"), delivery("a"));
        schedule.add(&first);
        schedule.add(&first);
        schedule.add(&second);
        assert_eq!(schedule.backlog(), (2, Some(first.created)));
        let taken = take_all(&mut schedule);
        assert_eq!(taken.len(), 2);
        assert!(schedule.flying().contains(&first.id) && schedule.next().is_none());
        // Asked for once more while it is on its way: it is made no second time.
        schedule.add(&first);
        assert!(take_all(&mut schedule).is_empty());
        schedule.land(&first.id, None);
        schedule.land(&second.id, Some(second.created));
        assert_eq!(schedule.backlog(), (1, Some(second.created)));
    }
}
