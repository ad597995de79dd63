//! A full build: CPU time against compressing and creating bare, wall time on all cores, memory.

use crate::Result;
use crate::corpus::Corpus;
use crate::library;
use crate::limits::compress::Compressors;
use crate::limits::create;
use crate::meter::{Spent, median, metered};
use crate::synthetic::{Address, Folders, Synthetic, VERSIONS_PER_ITEM, version};
use crate::table::{Goal, Table, Unit};

/// Limits are measured on so many items, and scaled.
const SAMPLE: usize = 500;
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
    for round in 0..rounds {
        limits.push(limit(corpus, registry, round)?);
        library::settle(&registry.folder)?;
        builds.push(super::build(
            &registry.folders(&format!("outputs-{round}")),
        )?);
        library::settle(&registry.folder)?;
    }
    let of = |limit: fn(&Limit) -> f64| median(&limits.iter().map(limit).collect::<Vec<_>>());
    let compress = of(|limit| limit.compress.cpu().as_secs_f64()).ok_or("no round")?;
    let create = of(|limit| limit.create.cpu().as_secs_f64()).ok_or("no round")?;
    let all = of(|limit| (limit.compress.cpu() + limit.create.cpu()).as_secs_f64());
    let built = |figure: fn(&crate::meter::Ran) -> f64| {
        let figures: Vec<f64> = builds.iter().map(figure).collect();
        median(&figures).unwrap_or_default()
    };
    let name = format!("full build, {} versions", registry.versions);
    let cpu = built(|ran| ran.spent.cpu().as_secs_f64());
    let wall = built(|ran| ran.spent.wall.as_secs_f64());
    table.row(
        format!("{name}: CPU time"),
        Unit::Seconds,
        cpu,
        all,
        Goal::Ratio(1.15),
    );
    table.row(
        format!("{name}: wall time, against CPU time"),
        Unit::Seconds,
        wall,
        all,
        Goal::Ratio(0.6),
    );
    let most = if registry.versions >= LARGE {
        Goal::Value(300.0)
    } else {
        Goal::None
    };
    table.row(
        format!("{name}: peak memory"),
        Unit::Mebibytes,
        built(|ran| ran.peak),
        None,
        most,
    );
    let sampled = registry.items().min(SAMPLE) * VERSIONS_PER_ITEM;
    table.note(format!(
        "{name}: {rounds} rounds; limit {compress:.2} s compress + {create:.2} s create{}; build {:.2} s user + {:.2} s system",
        if sampled < registry.versions { format!(", scaled from {sampled} versions") } else { String::new() },
        built(|ran| ran.spent.user.as_secs_f64()),
        built(|ran| ran.spent.system.as_secs_f64()),
    ));
    Ok(registry.folders(&format!("outputs-{}", rounds - 1)))
}

struct Limit {
    compress: Spent,
    create: Spent,
}

/// The same texts compressed and the same files created bare, in one thread: each version in a staged folder with one
/// rename into each root, latest and the list of versions the same way. The lists of namespaces are left out.
fn limit(corpus: &Corpus, registry: &Synthetic, round: usize) -> Result<Limit> {
    let folder = registry.folder.join(format!("limit-{round}"));
    let staging = folder.join("staging");
    let tree = folder.join("tree");
    create::folders(&staging)?;
    let mut compressors = Compressors::default();
    let mut limit = Limit {
        compress: Spent::default(),
        create: Spent::default(),
    };
    let items = registry.items();
    let sample = items.min(SAMPLE);
    for item in 0..sample {
        let address = Address::of(item * items / sample);
        let mut texts = Vec::new();
        for number in 0..VERSIONS_PER_ITEM {
            texts = corpus.version(&address.namespace, &address.path, &version(number));
            let outputs = metered(&mut limit.compress, || {
                create::version_outputs(&mut compressors, &texts)
            })?;
            metered(&mut limit.create, || {
                let staged = staging.join(format!("{item}-{number}"));
                create::stage(&staged, &outputs)?;
                create::admit(&staged, &tree, &address.folder().join(version(number)))
            })?;
        }
        let pointers = metered(&mut limit.compress, || {
            create::pointer_outputs(&mut compressors, &texts, VERSIONS_PER_ITEM)
        })?;
        metered(&mut limit.create, || {
            let staged = staging.join(item.to_string());
            create::stage(&staged, &pointers)?;
            create::folders(
                &tree
                    .join("identity")
                    .join(address.folder())
                    .join("versions"),
            )?;
            create::replace(&staged, &tree, &address.folder(), &pointers)
        })?;
    }
    let factor = items as f64 / sample as f64;
    Ok(Limit {
        compress: limit.compress.times(factor),
        create: limit.create.times(factor),
    })
}
