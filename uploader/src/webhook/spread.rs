//! From announcements and requests to deliveries that wait. Each step may be cut off and made again: the ids are the same.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::Timestamp;
use rackgen::commit::durable;
use rackgen::error::Result;
use rackgen::webhook::shelves::{Request, Shelf};
use rackgen::webhook::{Announcement, Delivery, DeliveryId, Endpoint, EventKind, Shelves, Spool};
use serde_json::{Map, json};

/// What came in, and what could not be read.
#[derive(Debug, Default)]
pub(super) struct Intake {
    pub(super) deliveries: Vec<Delivery>,
    pub(super) faults: Vec<String>,
}

/// Lets what the outbox announces wait for each of these endpoints that wants to hear of it. A file that cannot be read
/// stays, and stops no other.
pub(super) fn outbox(spool: &Spool, shelves: &Shelves, listening: &[Endpoint]) -> Result<Intake> {
    let mut intake = Intake::default();
    let mut spread = Vec::<PathBuf>::new();
    let mut seen = BTreeSet::new();
    for path in spool.outbox()? {
        match Spool::read(&path) {
            Err(fault) => intake.faults.push(fault.to_string()),
            Ok(announcements) => {
                let deliveries = announcements
                    .iter()
                    .flat_map(|announcement| of(announcement, listening))
                    .filter(|delivery| seen.insert(delivery.id.clone()))
                    .filter(|delivery| is_new(shelves, &delivery.id));
                intake.deliveries.extend(deliveries);
                spread.push(path);
            }
        }
    }
    shelves.admit(&intake.deliveries)?;
    // They last now. Whatever comes back of these files finds its deliveries there.
    spread
        .iter()
        .try_for_each(|path| durable::remove_if_there(path))?;
    Ok(intake)
}

fn of(announcement: &Announcement, listening: &[Endpoint]) -> impl Iterator<Item = Delivery> {
    let wants = |endpoint: &&Endpoint| endpoint.events.contains(&announcement.event);
    listening.iter().filter(wants).map(|endpoint| {
        Delivery::new(
            DeliveryId::of(&announcement.id, &endpoint.url),
            announcement.event,
            endpoint.url.clone(),
            announcement.body.clone(),
        )
    })
}

/// One that a power cut tore is new: what it was made of is still in the outbox.
fn is_new(shelves: &Shelves, id: &DeliveryId) -> bool {
    let waits = || matches!(shelves.read(Shelf::Pending, id), Ok(Some(_)));
    !shelves.is_over(id) && !waits()
}

/// Makes deliveries of requests, but for those that are on their way; what else is asked for is given back.
pub(super) fn requests(
    shelves: &Shelves,
    is_flying: impl Fn(&DeliveryId) -> bool,
) -> Result<(Intake, Vec<Request>)> {
    let (mut intake, mut others) = (Intake::default(), Vec::new());
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    for path in shelves.asked()? {
        match shelves.request(&path) {
            Err(fault) => {
                intake.faults.push(fault.to_string());
                continue;
            }
            Ok(Some(Request::Redeliver(ids))) => {
                for id in ids.into_iter().filter(|id| !is_flying(id)) {
                    match shelves.find(&id) {
                        Ok(Some((shelf, mut delivery))) => {
                            delivery.renew(Timestamp::now());
                            intake.deliveries.push(delivery);
                            left.push((shelf, id));
                        }
                        Ok(None) => {}
                        Err(fault) => intake.faults.push(fault.to_string()),
                    }
                }
            }
            Ok(Some(Request::Ping { id, url })) => {
                let kind = EventKind::Ping;
                let body = Map::from_iter([
                    ("event".to_owned(), json!(kind)),
                    ("timestamp".to_owned(), json!(now_in_ms())),
                ]);
                intake.deliveries.push(Delivery::new(id, kind, url, body));
            }
            Ok(Some(other @ Request::Enable(_))) => others.push(other),
            Ok(None) => continue,
        }
        taken.push(path);
    }
    shelves.admit(&intake.deliveries)?;
    for (shelf, id) in left {
        if shelf != Shelf::Pending {
            shelves.remove(shelf, &id)?;
        }
    }
    taken
        .iter()
        .try_for_each(|path| durable::remove_if_there(path))?;
    Ok((intake, others))
}

/// As events have their times.
fn now_in_ms() -> String {
    format!("{:.3}", Timestamp::now())
}
