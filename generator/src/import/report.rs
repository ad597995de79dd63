//! What an import did, for people and for machines.

use std::fmt;

use serde::Serialize;

use crate::report::{Problem, Severity};

/// How it went with a version or a preset that could be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is new in the source tree.
    Taken,
    /// It was there already.
    There,
}

/// How many could be had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// New in the source tree.
    pub taken: usize,
    /// There already, the same.
    pub there: usize,
}

impl Counts {
    pub(super) fn count(&mut self, outcome: Option<Outcome>) {
        match outcome {
            Some(Outcome::Taken) => self.taken += 1,
            Some(Outcome::There) => self.there += 1,
            None => {}
        }
    }

    fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

/// What an import did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Versions.
    pub versions: Counts,
    /// Presets.
    pub presets: Counts,
    /// Bytes of the versions that are new.
    pub bytes: u64,
    /// What could not be had and why, by path or URL.
    pub problems: Vec<Problem>,
    /// How long it took.
    pub seconds: f64,
}

impl Report {
    /// Adds what was done for one item.
    pub(super) fn add(&mut self, part: Self) {
        self.versions.taken += part.versions.taken;
        self.versions.there += part.versions.there;
        self.bytes += part.bytes;
        self.problems.extend(part.problems);
    }

    /// How many parts could not be had.
    pub fn refused(&self) -> usize {
        let refused = |problem: &&Problem| problem.severity == Severity::Refused;
        self.problems.iter().filter(refused).count()
    }

    /// Whether not one part could be had.
    pub fn is_nothing(&self) -> bool {
        self.versions.is_nothing() && self.presets.is_nothing()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { taken, there } = self.versions;
        let bytes = indicatif::BinaryBytes(self.bytes);
        write!(f, "{taken} versions taken ({bytes}), {there} there already")?;
        if !self.presets.is_nothing() {
            let Counts { taken, there } = self.presets;
            write!(f, "; {taken} presets taken, {there} there already")?;
        }
        if self.refused() > 0 {
            write!(f, "; {} could not be had", self.refused())?;
        }
        write!(f, "; in {:.2} s", self.seconds)
    }
}
