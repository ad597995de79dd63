//! A build with nothing to do, start-up included, against a bare walk of the source tree.

use std::time::Instant;

use crate::Result;
use crate::limits::walk;
use crate::meter::median;
use crate::synthetic::{Folders, Synthetic};
use crate::table::{Goal, Table, Unit};

const ROUNDS: usize = 7;
/// Below this the start of a process is what one measures.
const LARGE: usize = 100_000;

pub(crate) fn run(registry: &Synthetic, built: &Folders, table: &mut Table) -> Result<()> {
    let mut builds = Vec::new();
    let mut walks = Vec::new();
    let mut files = 0;
    for round in 0..=ROUNDS {
        let start = Instant::now();
        files = walk::files(&built.source)?;
        let walked = start.elapsed();
        let build = super::build(built)?;
        // The first one warms the caches.
        if round > 0 {
            walks.push(Unit::Millis.of(walked));
            builds.push(Unit::Millis.of(build.spent.wall));
        }
    }
    let name = format!(
        "nothing to do, {} versions, {files} files",
        registry.versions
    );
    let goal = if registry.versions >= LARGE {
        Goal::Ratio(1.3)
    } else {
        Goal::None
    };
    let build = median(&builds).ok_or("no round")?;
    table.row(name, Unit::Millis, build, median(&walks), goal);
    Ok(())
}
