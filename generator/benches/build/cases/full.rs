//! A full build: CPU time against compressing and creating bare, wall time on all cores, memory.

use crate::Result;
use crate::corpus::Corpus;
use crate::library;
use crate::limits::build::{self as bare, BareBuild};
use crate::meter::{Ran, median};
use crate::synthetic::{Folders, Synthetic};
use crate::table::{Goal, Table, Unit};

/// From here on the goal for memory holds.
const LARGE: usize = 100_000;

/// Builds so many times into new folders, and gives those of the last build.
pub(crate) fn run(
    corpus: &Corpus,
    registry: &Synthetic,
    rounds: usize,
    table: &mut Table,
) -> Result<Folders> {
    let mut builds = Vec::new();
    let mut limits = Vec::new();
    let mut folders = registry.folders("outputs-0");
    for round in 0..rounds.max(1) {
        limits.push(bare::run(corpus, registry, round)?);
        library::settle(&registry.folder)?;
        folders = registry.folders(&format!("outputs-{round}"));
        builds.push(super::build(&folders)?);
        library::settle(&registry.folder)?;
    }
    let built = |figure: fn(&Ran) -> f64| middle(&builds, figure);
    let limit = |figure: fn(&BareBuild) -> f64| middle(&limits, figure);
    let name = format!("full build, {} versions", registry.versions);
    let all = Some(limit(BareBuild::cpu));

    let cpu = built(|ran| ran.spent.cpu().as_secs_f64());
    let case = format!("{name}: CPU time");
    table.row(case, Unit::Seconds, cpu, all, Goal::Ratio(1.15));

    let wall = built(|ran| ran.spent.wall.as_secs_f64());
    let case = format!("{name}: wall time, against that CPU time");
    table.row(case, Unit::Seconds, wall, Some(cpu), Goal::Ratio(0.6));
    let bare = Some(limit(|limit| limit.wall));
    let case = format!("{name}: wall time, against bare work");
    table.row(case, Unit::Seconds, wall, bare, Goal::None);

    let goal = match registry.versions {
        LARGE.. => Goal::Value(300.0),
        _ => Goal::None,
    };
    let peak = built(|ran| ran.peak);
    table.row(
        format!("{name}: peak memory"),
        Unit::Mebibytes,
        peak,
        None,
        goal,
    );

    let create = limit(|limit| limit.create);
    table.note(format!(
        "{name}: rounds {rounds}; limit {:.2} s compress + {create:.2} s create ({:.0} µs a file, folders \
         included); build {:.2} s user + {:.2} s system",
        limit(|limit| limit.compress),
        create * 1e6 / limit(|limit| limit.files),
        built(|ran| ran.spent.user.as_secs_f64()),
        built(|ran| ran.spent.system.as_secs_f64()),
    ));
    Ok(folders)
}

fn middle<T>(rounds: &[T], figure: fn(&T) -> f64) -> f64 {
    let figures: Vec<f64> = rounds.iter().map(figure).collect();
    median(&figures).unwrap_or_default()
}
