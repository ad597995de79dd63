//! `scripts/bench build`: how fast and how small builds and publishes are, as ratios against what this machine can do
//! at all, in the same run. Command line and order of the cases; each case and each limit has its file.
//!
//! Not a test: a figure that misses its goal is printed, never an error.

mod cases;
mod corpus;
mod library;
mod limits;
mod meter;
mod synthetic;
mod table;

use std::ffi::OsString;
use std::path::PathBuf;

use cases::publish::Publishing;
use cases::{full, idle, listing, memory, publish, variants};
use clap::{Parser, Subcommand};
use corpus::Corpus;
use synthetic::Synthetic;
use table::Table;

type Boxed = Box<dyn std::error::Error + Send + Sync>;
type Result<T> = std::result::Result<T, Boxed>;

/// Measures builds and publishes against the machine's own limits, in the same run.
#[derive(Debug, Parser)]
#[command(
    name = "scripts/bench build",
    args_conflicts_with_subcommands = true,
    after_help = "\
A registry of 100,000 versions takes about 43 GB and 11 million inodes, all sizes together 60 GB, and the whole run the
better part of an hour on two cores; 1,000 and 10,000 alone take 14 GB, 1,000 two GB and a minute. Everything is made in one
fresh folder, with new folders for each round, and removed only at the end. On a file system without a journal wait a
quarter of an hour before the next run: after a mass delete creating is many times slower there, which the note on
the limit shows (20 to 60 µs a file is sound). Or give it a file system of its own:

  truncate -s 80G bench.img && mkfs.ext4 -q -N 16000000 bench.img && mount -o loop bench.img /mnt/bench

Examples:
  scripts/bench build --scale 1000                       a quick look
  scripts/bench build --scale 1000 --only full --rounds 9
  scripts/bench build --dir /mnt/bench                   all of it, on that file system"
)]
struct Args {
    /// How many versions the registries have
    #[arg(
        long,
        value_name = "N,…",
        value_delimiter = ',',
        default_value = "1000,10000,100000"
    )]
    scale: Vec<usize>,
    /// Only these cases
    #[arg(long, value_name = "CASE,…", value_delimiter = ',', value_enum)]
    only: Vec<Case>,
    /// Where a fresh folder is made for the work, an absolute path [default: the folder for temporary files]
    #[arg(long, value_name = "DIR", value_parser = absolute)]
    dir: Option<PathBuf>,
    /// How often a full build is measured, each time into new folders; medians count [default: 5 for 1,000 versions,
    /// 3 for 10,000, 1 above]
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Leave the work folder where it is
    #[arg(long)]
    keep: bool,
    /// What `cargo bench` says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Case {
    /// The size of the variants at their best
    Variants,
    /// A full build: CPU time, wall time, memory
    Full,
    /// A build with nothing to do
    Idle,
    /// One more version of an item, durable; its memory
    Publish,
    /// A new item in a namespace that holds as many as the largest registry has versions
    Listing,
}

/// What this program runs as processes of their own.
#[derive(Debug, Subcommand)]
enum Part {
    /// Runs a command and prints what it took
    #[command(hide = true)]
    Measure {
        #[arg(last = true)]
        command: Vec<OsString>,
    },
    /// Publishes ten versions and prints the memory that it took
    #[command(hide = true)]
    PublishTen { folder: PathBuf },
}

/// cargo starts a benchmark in its package's folder, where a relative path is not what was meant.
fn absolute(text: &str) -> std::result::Result<PathBuf, &'static str> {
    let path = PathBuf::from(text);
    path.is_absolute()
        .then_some(path)
        .ok_or("it must be an absolute path")
}

fn main() -> Result<()> {
    let args = Args::parse();
    match &args.part {
        Some(Part::Measure { command }) => meter::measure(command),
        Some(Part::PublishTen { folder }) => memory::publish_ten(folder),
        None => run(&args),
    }
}

fn run(args: &Args) -> Result<()> {
    let mut work = tempfile::Builder::new()
        .prefix("rack-bench-")
        .tempdir_in(args.dir.clone().unwrap_or_else(std::env::temp_dir))?;
    work.disable_cleanup(args.keep);
    let corpus = Corpus::load()?;
    let mut table = Table::default();
    let wants = |case| args.only.is_empty() || args.only.contains(&case);
    if wants(Case::Variants) {
        variants::run(&corpus, &mut table)?;
    }
    let mut scales = args.scale.clone();
    scales.sort_unstable();
    let mut smallest = None;
    for &versions in &scales {
        if !(wants(Case::Full) || wants(Case::Idle) || wants(Case::Publish)) {
            break;
        }
        let folder = work.path().join(versions.to_string());
        eprintln!(
            "{versions} versions: making the source tree in {}",
            folder.display()
        );
        let registry = Synthetic::make(&corpus, &folder, versions)?;
        // The other cases need what a build made, so it is always there.
        let rounds = args.rounds.unwrap_or(match versions {
            0..=1_000 => 5,
            1_001..=10_000 => 3,
            _ => 1,
        });
        let rounds = if wants(Case::Full) { rounds } else { 1 };
        let built = full::run(&corpus, &registry, rounds, &mut table)?;
        if wants(Case::Idle) {
            idle::run(&registry, &built, &mut table)?;
        }
        if wants(Case::Publish) {
            let crowd = Publishing::open(&corpus, registry, &built)?;
            publish::run(&crowd, smallest.as_ref(), &mut table)?;
            memory::run(versions, &built, &mut table)?;
            smallest.get_or_insert(crowd);
        }
    }
    if wants(Case::Listing)
        && let Some(&items) = scales.last()
    {
        listing::run(&work.path().join("listing"), items, &mut table)?;
    }
    table.print();
    match args.keep {
        true => eprintln!("everything is left in {}", work.path().display()),
        false => eprintln!("removing {}", work.path().display()),
    }
    Ok(())
}
