//! From announcements and requests to deliveries that wait. Each step may be cut off and made again: the ids are the same.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use rackgen::commit::durable;
use rackgen::error::Result;
use rackgen::webhook::shelves::{Request, Shelf};
use rackgen::webhook::{
    Announcement, Delivery, DeliveryId, Endpoint, EndpointId, EventKind, Shelves, Spool,
};
use reqwest::Url;
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
    let mut spread = Vec::new();
    let (mut known, mut fresh) = (BTreeMap::new(), BTreeMap::new());
    for path in spool.outbox()? {
        let announcements = match Spool::read(&path) {
            Ok(announcements) => announcements,
            Err(fault) => {
                intake.faults.push(fault.to_string());
                continue;
            }
        };
        for delivery in announcements
            .iter()
            .flat_map(|announcement| of(announcement, listening))
        {
            match shelves.read(Shelf::Pending, &delivery.id) {
                // An earlier run came so far, or it was announced twice.
                Ok(Some(waits)) => drop(known.insert(waits.id.clone(), waits)),
                _ if shelves.is_over(&delivery.id) => {}
                // Also one that a power cut tore.
                _ => drop(fresh.insert(delivery.id.clone(), delivery)),
            }
        }
        spread.push(path);
    }
    if spread.is_empty() {
        return Ok(intake);
    }
    let fresh: Vec<_> = fresh.into_values().collect();
    shelves.admit(&fresh)?;
    intake.deliveries.extend(known.into_values());
    intake.deliveries.extend(fresh);
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

/// Makes deliveries of requests, but for those that are on their way. Gives besides which endpoints are to be told again,
/// each with the file that asks for it.
pub(super) fn requests(
    spool: &Spool,
    shelves: &Shelves,
    is_flying: impl Fn(&DeliveryId) -> bool,
) -> Result<(Intake, Vec<(PathBuf, EndpointId)>)> {
    let (mut intake, mut enable) = (Intake::default(), Vec::new());
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    for path in shelves.asked()? {
        match shelves.request(&path) {
            Err(fault) => {
                intake.faults.push(fault.to_string());
                continue;
            }
            Ok(Some(Request::Enable(id))) => {
                enable.push((path, id));
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
            Ok(Some(Request::Ping { id, url })) => intake.deliveries.push(ping(spool, id, url)?),
            Ok(None) => {}
        }
        taken.push(path);
    }
    if !intake.deliveries.is_empty() {
        shelves.admit(&intake.deliveries)?;
    }
    for (shelf, id) in left {
        if shelf != Shelf::Pending {
            shelves.remove(shelf, &id)?;
        }
    }
    taken
        .iter()
        .try_for_each(|path| durable::remove_if_there(path))?;
    Ok((intake, enable))
}

fn ping(spool: &Spool, id: DeliveryId, url: Url) -> Result<Delivery> {
    let kind = EventKind::Ping;
    // The time as events have it.
    let time = format!("{:.3}", Timestamp::now());
    let body = Map::from_iter([
        ("event".to_owned(), json!(kind)),
        ("timestamp".to_owned(), json!(time)),
        ("sequence".to_owned(), json!(spool.number(1)? + 1)),
    ]);
    Ok(Delivery::new(id, kind, url, body))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rackgen::webhook::{WebhookSource, address::Reach};
    use tempfile::TempDir;

    use super::*;

    const FIRST: &str = r#"{"format":1,"announcements":[
        {"id":"a","event":"uploaded","body":{"event":"uploaded","b":1,"a":2}},
        {"id":"a","event":"uploaded","body":{"event":"uploaded","b":1,"a":2}},
        {"id":"c","event":"tag.updated","body":{}}]}"#;

    struct World {
        folder: TempDir,
        spool: Spool,
        shelves: Shelves,
        listening: Vec<Endpoint>,
    }

    impl World {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("webhooks.json");
            let entry =
                |host| format!(r#"{{"url":"https://{host}/","secret":"s","events":["uploaded"]}}"#);
            let text = format!(r#"{{"webhooks":[{},{}]}}"#, entry("a"), entry("b"));
            fs::write(&path, text).unwrap();
            let reach = Reach::Public;
            let source = WebhookSource {
                path,
                is_named: true,
                reach,
            };
            let webhooks = source.load().unwrap().unwrap();
            let spool = Spool::create(folder.path()).unwrap();
            Self {
                shelves: Shelves::open(&spool).unwrap(),
                listening: webhooks.endpoints().to_vec(),
                folder,
                spool,
            }
        }

        fn announce(&self, name: &str, text: &str) {
            fs::write(self.spool.outbox_folder().join(name), text).unwrap();
        }

        fn spread(&self) -> Intake {
            outbox(&self.spool, &self.shelves, &self.listening).unwrap()
        }

        fn waiting(&self) -> usize {
            self.shelves.list(Shelf::Pending).unwrap().len()
        }
    }

    #[test]
    fn one_delivery_for_each_who_asked_in_the_order_of_its_keys() {
        let world = World::new();
        world.announce("1.json", FIRST);
        let intake = world.spread();
        assert_eq!((intake.deliveries.len(), world.waiting()), (2, 2));
        let text = intake.deliveries[0].text();
        assert_eq!(text, r#"{"event":"uploaded","b":1,"a":2}"#);
        assert!(world.spool.outbox().unwrap().is_empty());
    }

    #[test]
    fn what_was_cut_off_is_made_again_with_the_same_ids() {
        let world = World::new();
        world.announce("1.json", FIRST);
        let first = world.spread().deliveries;
        // A kill before the file was gone; a power cut tore one, and another one had an attempt.
        world.announce("1.json", FIRST);
        let torn = world.shelves.path(Shelf::Pending, &first[0].id);
        fs::write(torn, r#"{"form"#).unwrap();
        let mut tried = first[1].clone();
        tried.next = Some(Timestamp::MAX);
        world.shelves.keep(&tried).unwrap();
        let mut again = world.spread().deliveries;
        again.sort_by_key(|delivery| delivery.next);
        let ids = |deliveries: &[Delivery]| -> Vec<_> {
            deliveries
                .iter()
                .map(|delivery| delivery.id.clone())
                .collect()
        };
        assert_eq!(ids(&again), ids(&first));
        assert_eq!(again[1], tried);
        // What is over stays so.
        world.shelves.deliver(&first[0]).unwrap();
        world.shelves.bury(&tried).unwrap();
        world.announce("1.json", FIRST);
        assert!(world.spread().deliveries.is_empty() && world.waiting() == 0);
    }

    #[test]
    fn a_file_that_is_none_of_ours_stops_no_other() {
        let world = World::new();
        world.announce("0.json", "{");
        world.announce("1.json", FIRST);
        let intake = world.spread();
        assert_eq!((intake.deliveries.len(), intake.faults.len()), (2, 1));
        assert!(intake.faults[0].contains("0.json"), "{:?}", intake.faults);
        assert_eq!(world.spool.outbox().unwrap().len(), 1);
    }

    #[test]
    fn what_is_asked_for_again_begins_anew_unless_it_is_on_its_way() {
        let world = World::new();
        world.announce("1.json", FIRST);
        let deliveries = world.spread().deliveries;
        for delivery in &deliveries {
            world.shelves.bury(delivery).unwrap();
        }
        let ids: Vec<_> = deliveries.into_iter().map(|delivery| delivery.id).collect();
        world.shelves.ask(&Request::Redeliver(ids.clone())).unwrap();
        let (intake, _) = requests(&world.spool, &world.shelves, |id| *id == ids[0]).unwrap();
        assert_eq!(intake.deliveries.len(), 1);
        assert_eq!(intake.deliveries[0].id, ids[1]);
        assert_eq!(world.shelves.list(Shelf::Dead).unwrap(), [ids[0].clone()]);
        assert!(world.shelves.asked().unwrap().is_empty());
        drop(world.folder);
    }
}
