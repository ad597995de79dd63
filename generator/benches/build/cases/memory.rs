//! The memory of publishing: a fresh process opens the registry and publishes ten versions.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use crate::Result;
use crate::corpus::Corpus;
use crate::library::Opened;
use crate::meter;
use crate::synthetic::{Address, Folders, VERSIONS_PER_ITEM, version};
use crate::table::{Goal, Table, Unit};

const PUBLISHES: usize = 10;

pub(crate) fn run(versions: usize, built: &Folders, table: &mut Table) -> Result<()> {
    let args: [&OsStr; 2] = ["publish-ten".as_ref(), built.outputs.as_ref()];
    let above_idle: f64 = meter::own(&args)?.trim().parse()?;
    let name = format!("ten publishes, {versions} versions: memory above idle");
    table.row(name, Unit::Mebibytes, above_idle, None, Goal::Value(40.0));
    Ok(())
}

/// In the process of its own; the source tree is beside the outputs.
pub(crate) fn publish_ten(outputs: &Path) -> Result<()> {
    let source = outputs.with_file_name("source");
    let folders = Folders {
        source,
        outputs: outputs.to_owned(),
    };
    let corpus = Corpus::load()?;
    // A version above those that the timed publishes left.
    let number = version(VERSIONS_PER_ITEM + 1);
    let opened = Opened::open(&folders)?;
    let idle = mebibytes("VmRSS:")?;
    for item in 0..PUBLISHES {
        let address = Address::of(item);
        let texts = corpus.version(&address.namespace, &address.path, &number);
        opened.publish(&address, &number, &texts)?;
    }
    println!("{}", mebibytes("VmHWM:")? - idle);
    Ok(())
}

fn mebibytes(field: &str) -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kibibytes: f64 = line
        .ok_or("no such field")?
        .trim()
        .trim_end_matches(" kB")
        .parse()?;
    Ok(kibibytes / 1024.0)
}
