//! What the trees hold until a power cut takes it back: what was renamed into place and has had no barrier since.

use super::Record;
use crate::error::Result;

/// How long the trees are sure to hold something; as it is stored in `settled`, where 0 is not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commit) enum Lasts {
    /// A barrier has made it durable.
    Always = 1,
    /// It is there until a power cut, which may take it back.
    ThisBoot = 2,
}

/// A fact of the record: the boot of the machine that what is volatile lasts for.
const BOOT: &str = "boot";

/// Tells this boot of the machine from any other; where it cannot be told, nothing lasts.
fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .or_else(|_| crate::folders::random_hex::<16>())
        .unwrap_or_default()
}

impl Record {
    /// Notes which boot it is that what is only there until its end lasts for.
    pub(super) fn note_the_boot(&self, lasts: Lasts) -> Result<()> {
        match lasts {
            Lasts::Always => Ok(()),
            Lasts::ThisBoot => self.set_fact(BOOT, &boot()),
        }
    }

    /// Whether trees hold what a power cut may take back.
    pub(in crate::commit) fn is_volatile(&self) -> Result<bool> {
        self.ask(|db| {
            let mut query =
                db.prepare_cached("SELECT EXISTS (SELECT 1 FROM parts WHERE settled = 2)")?;
            query.query_row([], |row| row.get(0))
        })
    }

    /// Notes that nothing of what the trees held before is volatile any longer.
    pub(in crate::commit) fn outlasts(&self) -> Result<()> {
        self.run("UPDATE parts SET settled = 1 WHERE settled = 2", [])
    }

    /// What was there in another boot of the machine, and no barrier since, may be gone.
    pub(super) fn doubt_other_boots(&self) -> Result<()> {
        match self.is_volatile()? && self.fact(BOOT)?.as_deref() != Some(&boot()) {
            false => Ok(()),
            true => {
                self.run("UPDATE parts SET settled = 0 WHERE settled = 2", [])?;
                self.run("UPDATE items SET sight = NULL", [])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Audience;
    use crate::plan::Rows;
    use crate::plan::key::{PublicKey, SchemaName};
    use crate::plan::part::{Part, Recorded};
    use crate::plan::row::{Published, Row};

    /// A schema's document, which the public tree holds.
    fn part() -> (Part, Rows) {
        let key = PublicKey::Schema(SchemaName::Rack);
        let published = Published {
            audience: Audience::Public,
            base: 1,
            sha256: crate::model::Sha256::of(b""),
            len: 0,
            variants: Vec::new(),
            variants_hash: [0; 32],
            encodings: crate::coding::Encodings::default(),
        };
        let row = Row {
            top: 1,
            held_in: [Audience::Public].into(),
            current: Some(published),
            remembered: None,
        };
        (Part::Alone(key.clone()), [(key, row)].into())
    }

    #[test]
    fn what_had_no_barrier_lasts_for_its_boot() {
        for (lasts, other_boot, is_settled) in [
            (Lasts::Always, true, true),
            (Lasts::ThisBoot, false, true),
            (Lasts::ThisBoot, true, false),
        ] {
            let state = tempfile::tempdir().unwrap();
            let (part, rows) = part();
            let record = Record::open(state.path()).unwrap();
            let journaled = record.journal(part.clone(), &Recorded::default(), &rows, None);
            assert!(!record.recorded(&part).unwrap().settled);
            record.settle(&[journaled.unwrap()], lasts).unwrap();
            assert_eq!(record.is_volatile().unwrap(), lasts == Lasts::ThisBoot);
            if other_boot {
                record.set_fact(BOOT, "another").unwrap();
            }
            record.commit().unwrap();
            drop(record);
            let record = Record::open(state.path()).unwrap();
            assert_eq!(record.recorded(&part).unwrap().settled, is_settled);
        }
    }

    #[test]
    fn a_barrier_ends_what_a_power_cut_may_take_back() {
        let state = tempfile::tempdir().unwrap();
        let (part, rows) = part();
        let record = Record::open(state.path()).unwrap();
        let journaled = record.journal(part.clone(), &Recorded::default(), &rows, None);
        record
            .settle(&[journaled.unwrap()], Lasts::ThisBoot)
            .unwrap();
        record.outlasts().unwrap();
        record.set_fact(BOOT, "another").unwrap();
        record.commit().unwrap();
        drop(record);
        let record = Record::open(state.path()).unwrap();
        assert!(record.recorded(&part).unwrap().settled);
    }
}
